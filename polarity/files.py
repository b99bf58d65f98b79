"""Reading and writing of files and folders: whole or not at all."""

import errno
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

import yaml
from omegaconf.errors import OmegaConfBaseException

from polarity.content import Json
from polarity.errors import UserError
from polarity.parts import replaced, unfinished
from polarity.paths import expanded, too_long
from polarity.secrets import without_known
from polarity.yaml_loader import parsed

T = TypeVar("T", dict[Any, Any], list[Any])


@contextmanager
def whole_file(path: Path, *, overwrite: bool = True) -> Iterator[Path]:
    """The name to write a file under: it becomes ``path``, synchronised, if the block ends well, else it is removed.

    :param overwrite: whether a file that stands there by then may be replaced.
    :raises FileExistsError: if it may not; then the new one stands beside it, under a name that the error tells.
    """
    with unfinished(path) as part:
        yield part
        synchronise(part)
        if overwrite:
            part.replace(path)
        else:
            _place(part, path)


@contextmanager
def whole_folder(path: Path, *, overwrite: bool = True) -> Iterator[Path]:
    """An empty folder to fill: it becomes ``path``, synchronised, if the block ends well, else it is removed.

    What stood at ``path`` goes only when the new folder is complete.

    :param overwrite: whether what stands there by then, and is no empty folder, may be replaced.
    :raises FileExistsError: if it may not; then the new one stands beside it, under a name that the error tells.
    """
    with unfinished(path) as part:
        part.mkdir()
        yield part
        for file in part.rglob("*"):
            if file.is_file():
                synchronise(file)
        if overwrite:
            with replaced(path):
                part.rename(path)
        else:
            _place(part, path)


def _place(part: Path, path: Path) -> None:
    """Give a finished file or folder a name that has to be free; if it is not, another: it may hold hours of work."""
    try:
        _take(part, path)
    except OSError as error:
        if error.errno not in {errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR}:
            raise
        stem, dot, ending = path.name.partition(".") if not part.is_dir() else (path.name, "", "")
        other = path.with_name(f"{stem}-{uuid4().hex[:8]}{dot}{ending}")
        _take(part, other)
        told = f"has appeared meanwhile, and stays as it is; the new one is {other}"
        raise FileExistsError(errno.EEXIST, told, str(path)) from error


def _take(part: Path, path: Path) -> None:
    """Rename what is not there yet: a link never replaces what another has put there meanwhile."""
    if part.is_dir():
        part.rename(path)
        return
    try:
        os.link(part, path)
    except FileExistsError:
        raise
    except OSError as error:  # there are file systems without links
        if os.path.lexists(path):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path)) from error
        part.rename(path)


def synchronise(path: Path) -> None:
    """Wait until the content of a file is on disk."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def write_text(path: Path, text: str) -> None:
    """Write a file whole or not at all, without the secrets that are known: readers never see half of it."""
    write_bytes(path, without_known(text).encode("utf-8", "backslashreplace"))


def write_bytes(path: Path, content: bytes | memoryview) -> None:
    """Write a file whole or not at all."""
    with whole_file(path) as part:
        part.write_bytes(content)


def write_json(path: Path, value: object, *, exact: bool = False) -> None:
    """Write ``value`` as JSON, whole or not at all.

    :param exact: to the letter, although a secret may be one of the words; for what a model has learnt of texts, which
        would be another model without it.
    """
    text = json.dumps(value, indent=2, ensure_ascii=False, sort_keys=False) + "\n"
    if exact:
        write_bytes(path, text.encode("utf-8", "backslashreplace"))
    else:
        write_text(path, text)


def unwritable(setting: str, folder: Path) -> list[str]:
    """A problem if nothing can be written into ``folder``, which is made when it is needed; nothing is written here."""
    if problems := too_long(setting, folder):
        return problems
    there = expanded(folder).absolute()
    while not os.path.lexists(there):
        there = there.parent
    if not there.is_dir():
        what = f"{folder} is a file, not a folder" if there == folder.absolute() else f"{there} is not a folder"
        return [f"{setting}: {what}"]
    if not os.access(there, os.W_OK | os.X_OK):
        return [f"{setting}: nothing can be written into {there}: no right to, or it is read-only"]
    if shutil.disk_usage(there).free == 0:
        return [f"{setting}: nothing can be written into {there}: no space is left"]
    return []


def check_room(**folders: Path | None) -> None:
    """Whether something can be written into each folder, before anything is computed.

    :param folders: by the setting that names each.
    :raises UserError: with a problem for each into which nothing can be written.
    """
    problems = [text for name, folder in folders.items() if folder is not None for text in unwritable(name, folder)]
    if problems:
        raise UserError(problems)


def checksum(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_json(path: Path) -> Any:
    """The value that a JSON file holds.

    :raises UserError: if the file is missing, cannot be read, is empty or is no JSON.
    """
    text = _text(path)
    try:
        return json.loads(text)
    except ValueError as error:
        raise UserError(f"{path}: is damaged ({'it is empty' if not text.strip() else error})") from error


def read_object(path: Path) -> Json:
    """The object that a JSON file holds.

    :raises UserError: if the file is missing, cannot be read, or holds something else.
    """
    content = read_json(path)
    if not isinstance(content, dict):
        raise UserError(f"{path}: is damaged (it holds no object)")
    return content


class _Dumper(yaml.SafeDumper):
    """Writes texts in quotes that would be read as numbers: OmegaConf reads ``56e01234`` as one, YAML 1.1 does not."""


def _string(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    try:
        float(text)
    except ValueError:
        return dumper.represent_str(text)
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="'")


_Dumper.add_representer(str, _string)


def yaml_text(value: object) -> str:
    """Plain values as YAML from which :func:`read_yaml`, and Hydra, read the same again."""
    written: str = yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=1000)
    return written


def read_yaml(path: Path, kind: type[T]) -> T:
    """The mapping or list that a YAML file holds, its interpolations as they stand there.

    :raises UserError: if the file is missing, cannot be read, or holds something else.
    """
    text = _text(path)
    try:
        content = deepcopy(_parsed(text))
    except (yaml.YAMLError, OmegaConfBaseException, ValueError, AssertionError) as error:
        raise UserError(f"{path}: is damaged ({' '.join(str(error).split())})") from error
    if not isinstance(content, kind):
        raise UserError(f"{path}: is damaged (it holds no {'list' if kind is list else 'mapping'})")
    return content


_parsed = lru_cache(maxsize=16)(parsed)
"""A run's configuration is asked for many times."""


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UserError(f"{path}: there is no such file") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: is damaged (it is no text in UTF-8)") from error
