"""What a caller has set of torch for the whole process, or for a block of his own program."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import torch

CUBLAS = "CUBLAS_WORKSPACE_CONFIG"
"""Environment variable that Lightning sets for deterministic algorithms."""


@contextmanager
def as_by_default() -> Iterator[None]:
    """Within the block torch computes as in a process of its own; afterwards everything is as the caller had it.

    What would break or change a computation is put aside: another default type or device, ``inference_mode``,
    ``no_grad``, ``autocast``. Whether algorithms are deterministic is restored, which Lightning sets for good.
    """
    kind, device, cublas = torch.get_default_dtype(), torch.get_default_device(), os.environ.get(CUBLAS)
    deterministic = torch.are_deterministic_algorithms_enabled()
    warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
    with ExitStack() as blocks:
        blocks.enter_context(torch.inference_mode(mode=False))
        blocks.enter_context(torch.enable_grad())
        for name in ("cpu", "cuda"):
            if torch.is_autocast_enabled(name):
                blocks.enter_context(torch.autocast(name, enabled=False))
        if device.type != "cpu":  # one that is set costs something at each call
            blocks.enter_context(torch.device("cpu"))
        if kind != torch.float32:
            torch.set_default_dtype(torch.float32)
            blocks.callback(torch.set_default_dtype, kind)
        try:
            yield
        finally:
            torch.use_deterministic_algorithms(deterministic, warn_only=warn_only)
            os.environ.pop(CUBLAS, None)
            os.environ.update({} if cublas is None else {CUBLAS: cublas})
