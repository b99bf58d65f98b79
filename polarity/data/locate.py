"""Finding data files, and saying which file was probably meant."""

from pathlib import Path

from polarity.data.split_names import SPLIT_NAMES, SplitName, split_name
from polarity.errors import nearest, reason_of
from polarity.paths import expanded
from polarity.tables.formats import FORMATS, file_format
from polarity.tables.problems import Problems
from polarity.wording import times

Files = dict[SplitName | None, Path]
"""Files by split; None for one file that is yet to be split."""


def locate(path: str) -> Path:
    """The path as the user means it: relative to the current directory, with ``~`` for the home directory.

    As in a shell, ``~name`` stays as it is where there is no such user.
    """
    try:
        return expanded(path)
    except RuntimeError:
        return Path(path)


def missing(setting: str, path: Path) -> str:
    """The problem that nothing lies at ``path``, with the nearest name in the folder that does exist."""
    if path.is_symlink():
        return f"{setting}: {path} is a symbolic link to {path.readlink()}, which does not exist"
    folder = path.parent
    wanted = path.name
    while not folder.is_dir() and folder != folder.parent:
        folder, wanted = folder.parent, folder.name
    names = sorted(entry.name for entry in folder.iterdir() if not entry.name.startswith("."))
    return f"{setting}: {path} does not exist{nearest(wanted, names, what=f'in {folder.absolute()}')}"


def existing_file(setting: str, path: Path, problems: Problems) -> bool:
    """Whether a file lies at ``path``; if not, that is a problem."""
    try:
        if path.is_file():
            return True
        problems.add(f"{setting}: {path} is a folder, not a file" if path.is_dir() else missing(setting, path))
    except OSError as error:  # too long a name, a folder that nobody may look into
        problems.add(f"{setting}: {reason_of(error)}")
    return False


def files_of(setting: str, path: Path, problems: Problems) -> Files:
    """The one file at ``path``, or the files of the splits in that folder (``train.csv``, ``dev.csv``, ...)."""
    try:
        if path.is_dir():
            return _in_folder(setting, path, problems)
    except OSError as error:
        problems.add(f"{setting}: {reason_of(error)}")
        return {}
    return {None: path} if existing_file(setting, path, problems) else {}


def _in_folder(setting: str, path: Path, problems: Problems) -> Files:
    found: dict[SplitName, list[Path]] = {"train": [], "val": [], "test": []}
    others = []
    for entry in sorted(path.iterdir()):
        if entry.is_file() and file_format(entry) is not None:
            name = split_name(entry.name.split(".")[0])
            others.append(entry.name) if name is None else found[name].append(entry)
    for name, files in found.items():
        if len(files) > 1:
            names = ", ".join(file.name for file in files)
            advice = "leave one, or give data.train, data.val and data.test"
            problems.add(f"{setting}: {path} has {times(len(files), 'file')} for {name} ({names}); {advice}")
    if not found["train"]:
        advice = f"; give one file, as {setting}={path / others[0]}" if others else ""
        problems.add(
            f"{setting}: {path} has no training file{advice} (names: {', '.join(SPLIT_NAMES)}; "
            f"extensions: {', '.join(FORMATS)}; there: {', '.join(others) or 'none of them'})"
        )
    return {name: files[0] for name, files in found.items() if files}
