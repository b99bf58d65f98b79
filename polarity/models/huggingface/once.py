"""A folder in the cache that is made once, by whichever process comes first."""

from collections.abc import Callable
from pathlib import Path

from polarity.errors import UserError
from polarity.parts import unfinished


def made_once(folder: Path, make: Callable[[Path], None]) -> Path:
    """The folder, made at the first call; a process that is killed leaves nothing that counts as one.

    :param make: fills an empty folder.
    :raises UserError: if the cache cannot be written.
    """
    if folder.is_dir():
        return folder
    try:
        with unfinished(folder) as part:
            part.mkdir()
            make(part)
            if not folder.is_dir():  # another process may have been faster, with the same result
                part.rename(folder)
    except OSError as error:
        if not folder.is_dir():
            raise UserError(
                f"{folder}: the cache cannot be written: {error.strerror or error}; set POLARITY_CACHE"
            ) from error
    return folder
