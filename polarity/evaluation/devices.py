"""The device that a finished model is applied on."""

from typing import Literal

import torch

from polarity.errors import UserError

Accelerator = Literal["auto", "cpu", "gpu", "cuda", "mps"]


def find_device(accelerator: Accelerator) -> torch.device:
    """The device by its name; ``auto`` for the best one here, ``gpu`` for any but the CPU.

    :raises UserError: if there is none of that kind.
    """
    found = torch.accelerator.current_accelerator(check_available=True)
    if accelerator == "cpu" or (accelerator == "auto" and found is None):
        return torch.device("cpu")
    if found is None or accelerator not in ("auto", "gpu", found.type):
        there = "none" if found is None else found.type
        raise UserError(f"accelerator: there is no {accelerator} here (found: {there}); use auto or cpu")
    return found


def check_precision(precision: str, device: torch.device) -> None:
    """Refuse a precision that the device does not have.

    :raises UserError: for 16-mixed on a CPU.
    """
    if precision == "16-mixed" and device.type == "cpu":
        raise UserError("accelerator: the run's trainer.precision is 16-mixed, which needs a GPU")
