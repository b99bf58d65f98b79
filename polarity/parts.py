"""Files and folders that are not whole yet: hidden beside what they will become, and gone when their process is."""

import errno
import hashlib
import os
import platform
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

from polarity.processes import is_alive, pid_namespace, this_process

_NAME = re.compile(
    r"\.(?P<name>.+)\.(?P<host>[0-9a-f]{8})-(?P<pid>\d+)-(?P<since>[\w.]+(-\d+)?)-[0-9a-f]{8}\.(?P<kind>part|old)",
    re.DOTALL,
)
_OF_SYSTEM = re.compile(r"\(os error (\d+)\)")
"""Ends what libraries that are written in Rust, for weights and tokenizers, say of what the system refuses."""

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
"""What the system says where there is no room, on the disk or for this user."""


@contextmanager
def unfinished(path: Path) -> Iterator[Path]:
    """A free name beside ``path``, whose folder is made; what still stands there at the end of the block is removed.

    What killed processes of this machine have left in the same folder is removed first; what belongs to a living
    process, or to one of another machine or container, is not touched.

    :raises OSError: that of the block, also where a library calls it otherwise; where there was no room, with the path.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    clear(path.parent)
    part = _beside(path, "part")
    try:
        yield part
    except OSError as error:
        if error.errno in FULL and error.filename is None:  # an open file does not know its name
            error.filename = str(path)
        raise
    except Exception as error:
        if (found := _OF_SYSTEM.search(str(error))) is None:
            raise
        number = int(found[1])
        raise OSError(number, os.strerror(number), str(path)) from error
    finally:
        _remove(part)


@contextmanager
def replaced(path: Path) -> Iterator[None]:
    """What stands at ``path`` makes room for what the block puts there, and comes back where the block puts nothing."""
    old = _beside(path, "old")
    try:
        if path.exists():
            path.rename(old)
        yield
    finally:
        _settle(old, path)


def clear(folder: Path) -> None:
    """Remove what killed processes of this machine left half-written in a folder; what they replaced comes back."""
    for path in (*folder.glob(".*.part"), *folder.glob(".*.old")):
        found = _NAME.fullmatch(path.name)
        if found is not None and found["host"] == _host():
            process = {"host": platform.node(), "pid": int(found["pid"]), "pid_since": found["since"]}
            if is_alive(process):
                continue
            with suppress(OSError):  # another user's, in a folder where each may remove only what is his own
                if found["kind"] == "old":
                    _settle(path, path.with_name(found["name"]))
                else:
                    _remove(path)


def _settle(old: Path, path: Path) -> None:
    """Put back what was moved aside, or remove it if something else has its place."""
    if os.path.lexists(path):
        _remove(old)
    else:
        with suppress(OSError):  # nothing had been there, or another process was faster
            old.rename(path)


def _beside(path: Path, kind: str) -> Path:
    process = this_process()
    mark = f"{_host()}-{process['pid']}-{process['pid_since']}-{uuid4().hex[:8]}"
    return path.with_name(f".{path.name}.{mark}.{kind}")


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _host() -> str:
    return hashlib.blake2b(f"{platform.node()}{pid_namespace()}".encode(), digest_size=4).hexdigest()
