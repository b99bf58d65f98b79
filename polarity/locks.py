"""One process at a time: for a run's folder, and for a file that several append to."""

import os
import sys
import time
from errno import EACCES, ENOSYS
from pathlib import Path

from filelock import FileLock, Timeout

from polarity.errors import UserError

LOCK = ".lock"
INSTANT = 0.001
"""Seconds until a lock is asked for again that others have only looked at."""


class FolderLock:
    """The right to write into a folder. The operating system takes it back when its holder ends, however that happens.

    :param folder: holds the lock's file, which stays there.
    :param name: of that file, for another right than that to write.
    """

    def __init__(self, folder: Path, name: str = LOCK) -> None:
        self.path = folder / name
        self._lock: FileLock | None = None

    def take(self, patience: float = 0) -> None:
        """Hold the lock from now on; a second call changes nothing.

        :param patience: seconds to wait for whoever holds it.
        :raises UserError: if another process keeps it.
        :raises OSError: if its file cannot be made.
        """
        if self._lock is not None:
            return
        lock = _lock(self.path)
        try:
            _acquire(lock, self.path, patience)
        except Timeout:
            raise UserError(f"{self.path.parent}: another process is at work on it; two would spoil it") from None
        except OSError as error:
            if error.errno != ENOSYS:  # a file system without locks: the process that is recorded has to do
                raise
            return
        self._lock = lock

    def release(self) -> None:
        """Give it back, if it is held."""
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    @property
    def is_held(self) -> bool | None:
        """Whether any process holds it, this one included; None if the folder does not let us look."""
        if self._lock is not None:
            return True
        if not self.path.exists():
            return None
        try:
            return _is_held(self.path)
        except OSError:
            return None


def _lock(path: Path) -> FileLock:
    return FileLock(path, thread_local=False, fallback_to_soft=False)  # a soft lock would outlive its holder


def _acquire(lock: FileLock, path: Path, patience: float) -> None:
    """Take a lock, unless somebody holds it; that somebody looks at it in the same moment does not count.

    :raises Timeout: if another process keeps it.
    """
    while True:
        try:
            lock.acquire(timeout=patience)
        except Timeout:
            if _is_held(path):
                raise
            time.sleep(INSTANT)
        else:
            return


def _is_held(path: Path) -> bool:
    """Whether it is held. A look shares the lock with other looks for an instant, which its holder shares with none."""
    if sys.platform == "win32":  # it has no locks that looks could share
        try:
            with _lock(path).acquire(timeout=0):
                return False
        except Timeout:
            return True
    import fcntl

    look = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(look, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError as error:
        if isinstance(error, BlockingIOError) or error.errno == EACCES:
            return True
        raise
    finally:
        os.close(look)
    return False
