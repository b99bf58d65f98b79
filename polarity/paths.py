"""Places outside a run's folder: the shipped configuration and the cache."""

import os
from pathlib import Path

NAME = r"^[^/\\]*[^/\\.][^/\\]*$"
"""The pattern of a text that becomes the name of a file or folder: dots alone would be one that is there already."""

LATEST = "latest"
"""Beside the runs: a text file with the newest finished one's name, since TensorBoard lists a link as another run."""

LONGEST_NAME, LONGEST_PATH = 255, 4095
"""Bytes that Linux takes."""

CACHE_VARIABLE = "POLARITY_CACHE"
"""Environment variable that moves the cache."""

_PACKAGE = Path(__file__).resolve().parent


def conf_dir() -> Path:
    """Folder of the shipped configuration: inside the package where a wheel is installed, beside it in a checkout."""
    installed = _PACKAGE / "conf"
    return installed if installed.is_dir() else _PACKAGE.parent / "conf"


def expanded(path: str | Path) -> Path:
    """A path with the home folder in the place of ``~``; one of a user who is not there is a name like any other."""
    return Path(os.path.expanduser(path))  # noqa: PTH111 - Path's own raises an error then


def cache_dir(chosen: str | None = None) -> Path:
    """Folder for what can be made again (fetched corpora, token ids).

    :param chosen: the setting ``cache_dir``, which wins over the environment.
    """
    if chosen:
        return expanded(chosen)
    chosen = os.environ.get(CACHE_VARIABLE)
    return expanded(chosen).absolute() if chosen else Path.home() / ".cache" / "polarity"


def too_long(setting: str, path: str | Path) -> list[str]:
    """A problem if no file system takes a path, or a name in it: to look for it would be an error of the system."""
    text = str(path)
    for what, most in ((max(text.split("/"), key=_bytes), LONGEST_NAME), (text, LONGEST_PATH)):
        if (length := _bytes(what)) > most:
            return [f"{setting}: {what[:20]}... is too long for a file or folder: {length} bytes, {most} are the most"]
    return []


def _bytes(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))


def followed(folder: Path) -> Path:
    """The run that ``latest`` names, if that is meant."""
    if folder.name != LATEST or not folder.is_file():
        return folder
    name = folder.read_text(encoding="utf-8", errors="replace").strip()
    return folder.with_name(name) if name and Path(name).name == name else folder


def in_outputs(folder: Path) -> str | None:
    """What may be meant by a run's or sweep's name alone: its folder, as ``output_dir`` is by default; None if not."""
    usual = folder.parent / "outputs" / folder.name
    there = usual.is_dir() or (folder.name == LATEST and usual.is_file())
    return f"; did you mean '{usual}'?" if folder.name and there else None
