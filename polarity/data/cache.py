"""A folder of numpy arrays that is either whole or rebuilt: memory-mapped, checksummed, safe for several writers."""

import errno
import hashlib
import json
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import numpy as np
from filelock import FileLock
from numpy.lib.format import open_memmap

from polarity.errors import UserError
from polarity.parts import clear, unfinished

Arrays = dict[str, np.ndarray]

logger = logging.getLogger(__name__)

MANIFEST = "manifest.json"
ATTEMPTS = 5
IN_THE_WAY = (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR)


def cached_arrays(folder: Path, build: Callable[[], Mapping[str, np.ndarray]]) -> Arrays:
    """The arrays of ``folder``, memory-mapped for reading; built and stored first where they are missing or damaged.

    A folder comes into being by one rename, so nobody ever sees half of it; two processes that build it at once both
    end with a whole one. Sizes and checksums are verified at every opening.

    :param folder: its name identifies the content; a folder that was written under another name is not read.
    :raises UserError: the folder cannot be written.
    """
    built: Mapping[str, np.ndarray] | None = None
    clear(folder.parent)
    for _ in range(ATTEMPTS):
        arrays = _read(folder)
        if arrays is not None:
            return arrays
        built = build() if built is None else built
        with _writing(folder):
            _publish(folder, built)
    assert built is not None
    logger.warning("%s is being changed while it is read; going on without it", folder)
    return dict(built)


def built_once(folder: Path, build: Callable[[], Mapping[str, np.ndarray]]) -> Arrays:
    """As :func:`cached_arrays`, for what takes long: of several processes that lack it, one builds and the others wait.

    What lies there is read without the lock, which a user can take only where he may write, and which another user who
    was first has kept for himself. Without it, each builds for himself.

    :raises UserError: the folder cannot be written, which is told before anything is built.
    """
    if (kept := _read(folder)) is not None:
        return kept
    with ExitStack() as held:
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            held.enter_context(FileLock(f"{folder}.lock", fallback_to_soft=False))  # a soft one would outlive a kill
        except OSError:
            with _writing(folder), unfinished(folder) as scratch:
                scratch.mkdir()
        return cached_arrays(folder, build)


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    """What the system refuses to write in the block is a problem of the user's.

    :raises UserError: then.
    """
    try:
        yield
    except OSError as error:
        why = error.strerror or f"{error}: no room is left"  # numpy only counts what it has written
        raise UserError(f"{folder}: the cache cannot be written: {why}; set cache_dir=FOLDER") from error


def _read(folder: Path) -> Arrays | None:
    """The arrays, or None where anything about the folder is not as it was written."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        if manifest["folder"] != folder.name:
            return None
        if any(_fingerprint(folder / name) != written for name, written in manifest["files"].items()):
            return None
        return {Path(name).stem: open_memmap(folder / name, mode="r") for name in manifest["files"]}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _fingerprint(path: Path) -> dict[str, int | str]:
    with path.open("rb") as file:
        return {"bytes": path.stat().st_size, "blake2b": hashlib.file_digest(file, "blake2b").hexdigest()}


def _publish(folder: Path, arrays: Mapping[str, np.ndarray]) -> None:
    with unfinished(folder) as scratch:
        scratch.mkdir()
        for name, array in arrays.items():
            np.save(scratch / f"{name}.npy", array, allow_pickle=False)
        files = {path.name: _fingerprint(path) for path in sorted(scratch.iterdir())}
        manifest = json.dumps({"folder": folder.name, "files": files}, indent=1)
        (scratch / MANIFEST).write_text(manifest, encoding="utf-8")
        _move_into_place(scratch, folder)


def _move_into_place(scratch: Path, folder: Path) -> None:
    try:
        scratch.rename(folder)
    except OSError as error:
        if error.errno not in IN_THE_WAY:
            raise
        if _read(folder) is None:  # else another process was faster, and its folder is as good as ours
            _remove(folder)


def _remove(damaged: Path) -> None:
    """Make room by one rename; where another process has done so already there is nothing to do."""
    with unfinished(damaged) as aside, suppress(FileNotFoundError):
        damaged.rename(aside)
