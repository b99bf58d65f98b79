"""What the processes of a run on several devices tell each other."""

from typing import Any

import torch


def gathered(value: Any) -> list[Any]:
    """What each process holds, by its rank; all of them have to call this together."""
    if not (torch.distributed.is_available() and torch.distributed.is_initialized()):
        return [value]
    parts: list[Any] = [None] * torch.distributed.get_world_size()
    torch.distributed.all_gather_object(parts, value)
    return parts
