"""A name for what is computed of weights and inputs."""

import hashlib
import json
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import numpy as np
import torch
import transformers
from torch import Tensor

from polarity.data.reading import Inputs

ROWS_AT_ONCE = 1_000


def mark_of(settings: object, weights: Iterable[tuple[str, Tensor]], inputs: Inputs) -> str:
    """Equal for equal settings, weights, inputs, and code of this project, torch and transformers only.

    :param settings: plain values.
    :param weights: by their names.
    """
    digest = hashlib.blake2b(json.dumps([code(), settings], sort_keys=True, default=str).encode(), digest_size=16)
    for name, weight in weights:
        digest.update(f"{name}{tuple(weight.shape)}".encode())
        digest.update(weight.detach().cpu().float().numpy().tobytes())
    _add_inputs(digest, inputs, len(inputs))
    return digest.hexdigest()


def mark_of_reading(inputs: Inputs, rows: int) -> str:
    """Equal where the first rows have equal tokens and terms, whatever computes with them.

    Of weights of terms and numbers of columns only how many there are: other processors round them otherwise.
    """
    digest = hashlib.blake2b(digest_size=16)
    _add_inputs(digest, inputs, min(rows, len(inputs)), fractions=False)
    return digest.hexdigest()


def _add_inputs(digest: hashlib.blake2b, inputs: Inputs, count: int, *, fractions: bool = True) -> None:
    for start in range(0, count, ROWS_AT_ONCE):
        for name, value in inputs.batch(np.arange(start, min(start + ROWS_AT_ONCE, count))).items():
            digest.update(f"{name}{tuple(value.shape)}".encode())
            if fractions or not value.is_floating_point():
                digest.update(value.numpy().tobytes())


@cache
def code() -> list[str]:
    """What computes: this room's files, and versions. Code of others cannot be known so: callers have to see to it."""
    room, digest = Path(__file__).parent, hashlib.blake2b(digest_size=16)
    for path in sorted(room.rglob("*.py")):
        digest.update(path.read_bytes())
    return [digest.hexdigest(), torch.__version__, transformers.__version__]
