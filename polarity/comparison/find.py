"""The folders that a comparison is about, from names and patterns."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from glob import escape, glob, has_magic
from pathlib import Path

from polarity.errors import UserError, nearest
from polarity.paths import expanded, followed, in_outputs
from polarity.run_files import is_run
from polarity.runs.saved import finished_run


@dataclass(frozen=True)
class FoundFolders:
    """Folders of runs and of predictions, each once.

    :param folders: for each whether it was named, rather than met by a pattern.
    :param notes: one for each that a pattern met but that cannot be used.
    """

    folders: dict[Path, bool]
    notes: list[str]


def find_folders(names: Sequence[str]) -> FoundFolders:
    """The folders that names and patterns stand for.

    ``latest`` is the run that the file of this name leads to. A folder that is named has to be usable; a pattern takes
    what is, and says what it left out. So does a folder of runs, such as that of a sweep: a shell makes ``outputs/**``
    into such names before they arrive here.

    :param names: folders, or patterns with ``*``, ``?``, ``**``.
    :raises UserError: if a name is no such folder, or a pattern meets none.
    """
    problems: list[str] = []
    notes: list[str] = []
    found: dict[Path, bool] = {}
    for name in (str(followed(Path(name))) for name in names):
        pattern = _pattern(name)
        if pattern is not None:
            matches = glob(pattern, recursive=True)  # noqa: PTH207 - Path has none for absolute ones
            matched, left_out = _usable(_within(matches))
            notes += left_out
            if not matched:
                reason = f": {'; '.join(left_out)}" if left_out else ""
                problems.append(f"runs: no finished run or folder of predictions matches {name}{reason}")
            found = dict.fromkeys(matched, False) | found
        elif is_folder(expanded(name)):
            found[expanded(name).resolve()] = True
        else:
            problems.append(_no_folder(name))
    if problems:
        raise UserError(problems)
    return FoundFolders(found, list(dict.fromkeys(notes)))


def _pattern(name: str) -> str | None:
    """What a name stands for if it is not one folder to compare."""
    folder = expanded(name)
    if not folder.exists():
        return str(folder) if has_magic(name) else None
    return (
        str(Path(escape(str(folder)), "**")) if not is_folder(folder) and any(folder.glob("**/status.json")) else None
    )


def is_folder(folder: Path) -> bool:
    """Whether it is the folder of a run, or one that holds predictions."""
    return is_run(folder) or any((folder / "predictions").glob("*.parquet"))


def _within(matches: Iterable[str]) -> list[Path]:
    """Those that can be compared; a link leads to a folder that stands somewhere; folds and members are no wholes."""
    folders = {Path(match).resolve() for match in matches if is_folder(Path(match))}
    return sorted(folder for folder in folders if not any(is_run(above) for above in list(folder.parents)[:2]))


def _usable(folders: Sequence[Path]) -> tuple[list[Path], list[str]]:
    kept, left_out = [], []
    for folder in folders:
        try:
            kept.append(finished_run(folder).path if is_run(folder) else folder)
        except UserError as error:
            left_out.append(f"left out: {error}")
    return kept, left_out


def _no_folder(name: str) -> str:
    folder = expanded(name)
    parent = folder.parent
    neighbours = sorted(item.name for item in parent.iterdir() if is_folder(item)) if parent.is_dir() else []
    hint = in_outputs(folder) or nearest(folder.name, neighbours, what="beside it")
    return f"runs: {name} is no run's folder, nor one with predictions/*.parquet{hint}"
