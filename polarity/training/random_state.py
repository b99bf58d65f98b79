"""Random generators of a process: where they are, and putting them back there."""

import random

import numpy as np
import torch

from polarity.content import State


def random_state() -> State:
    """State of all generators of this process, as plain containers and tensors that load with ``weights_only=True``."""
    name, keys, *rest = np.random.get_state()  # noqa: NPY002 - the global generator, which libraries may use
    state: State = {
        "python": random.getstate(),
        "numpy": [str(name), torch.from_numpy(np.asarray(keys, dtype=np.int64)), *rest],
        "torch": torch.get_rng_state(),
    }
    if torch.cuda.is_available():
        state["cuda"] = torch.cuda.get_rng_state()
    return state


def restore_random_state(state: State) -> None:
    """Put the generators of this process where :func:`random_state` found them."""
    random.setstate(state["python"])
    name, keys, *rest = state["numpy"]
    np.random.set_state((name, keys.numpy().astype(np.uint32), *rest))  # noqa: NPY002 - as above
    torch.set_rng_state(state["torch"])
    if "cuda" in state and torch.cuda.is_available():
        torch.cuda.set_rng_state(state["cuda"])
