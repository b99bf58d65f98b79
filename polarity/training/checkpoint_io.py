"""How a checkpoint comes to be on disk."""

from pathlib import Path
from typing import Any

import torch
from lightning.fabric.plugins import TorchCheckpointIO

from polarity.content import State
from polarity.files import whole_file


class WholeCheckpoints(TorchCheckpointIO):
    """Writes each checkpoint to a temporary name beside its own, synchronised and renamed.

    Lightning's way leads through the system's temporary folder: it may lie on another disk, which is full although the
    run's is not; the move from there may be cut off in the middle; and what a killed process leaves there stays.
    """

    def save_checkpoint(self, checkpoint: State, path: str | Path, storage_options: Any = None) -> None:
        """Write it whole or not at all.

        :raises OSError: if it cannot be written.
        """
        try:
            with whole_file(Path(path)) as part, part.open("wb") as file:
                torch.save(checkpoint, file)
        except RuntimeError as error:  # what torch makes of a disk that was full before its last words
            if isinstance(error.__context__, OSError):
                raise error.__context__ from error
            raise
