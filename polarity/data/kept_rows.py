"""Rows that were read, checked and split once, kept for the next start: seconds in the place of an hour."""

import json
import platform
from collections.abc import Callable, Sequence
from hashlib import blake2b, file_digest
from pathlib import Path

import numpy as np

from polarity.content import Config, Json
from polarity.data.cache import Arrays, cached_arrays
from polarity.data.rows import Rows, Splits
from polarity.errors import UserError
from polarity.progress import progress
from polarity.signature import TARGET
from polarity.tasks import Task

FOLDER = "rows"
"""Within the cache."""
WORTH = 2**20
"""Bytes of files from which on their rows are kept; fewer are read again in less time than anybody notices."""
_TOGETHER = 10_000
_FEW = 1_000
"""A column with no more different cells is kept as numbers, so that its texts are in memory once."""


def kept_rows(config: Config, sources: Sequence[Path], cache: Path, load: Callable[[], Splits]) -> Splits:
    """What ``load`` gives, from the cache where it has been before.

    The key is what the rows depend on: the section ``data``, every byte of the files, and the code that reads them.

    :param config: the section ``data``.
    :param sources: all files that are read; none: nobody knows, and nothing is kept.
    :raises UserError: what ``load`` raises, which is not kept; or if the cache cannot be written.
    """
    if not sources or sum(path.stat().st_size for path in sources) < WORTH or not _all_known(config):
        return load()
    made: list[Splits] = []

    def build() -> Arrays:
        made.append(load())
        if _key(config, sources) != key:
            raise UserError(f"{sources[0]}: was changed while it was read; start again")
        with progress("keeping the rows for the next start"):
            return _arrays(made[0])

    with progress("rows"):
        key = _key(config, sources)
        arrays = cached_arrays(cache / FOLDER / key, build)
        return made[0] if made else _splits(arrays)


def _all_known(config: object) -> bool:
    """Whether no code of others takes part, which may change unseen."""
    if isinstance(config, dict):
        return str(config.get(TARGET, "polarity.")).startswith("polarity.") and all(map(_all_known, config.values()))
    return True


def _key(config: Config, sources: Sequence[Path]) -> str:
    digest = blake2b(digest_size=16)
    about = [json.dumps(config, default=str), platform.python_version(), np.__version__]
    digest.update("\0".join(about).encode("utf-8", "surrogatepass"))
    package = Path(__file__).parents[1]
    code = sorted(path for room in (package / "data", package / "tables", package) for path in room.glob("*.py"))
    for path in (*code, *sources):
        digest.update(f"\0{path.name}\0".encode("utf-8", "surrogateescape"))  # which split a file is may be its name
        with path.open("rb") as file:
            digest.update(file_digest(file, "blake2b").digest())
    return digest.hexdigest()


def _arrays(splits: Splits) -> Arrays:
    """Plain arrays of everything, with a description in ``about``."""
    about: Json = {
        "tasks": [[task.name, list(task.classes), task.column] for task in splits.tasks],
        "notes": splits.notes,
        "group": splits.train.group,
        "columns": {name: list(rows.metadata) for name, rows in splits.items()},
    }
    arrays: Arrays = {"about": _bytes(json.dumps(about).encode())}
    for name, rows in splits.items():
        arrays[f"{name}-labels"] = rows.labels
        contexts = {} if rows.context is None else {"context": rows.context}
        columns = {f"@{number}": cells for number, cells in enumerate(rows.metadata.values())}
        for column, cells in {"ids": rows.ids, "text": rows.text, **contexts, **columns}.items():
            arrays |= {f"{name}-{column}-{part}": values for part, values in _packed(cells).items()}
    return arrays


def _splits(arrays: Arrays) -> Splits:
    about = json.loads(bytes(arrays["about"]))

    def rows(name: str) -> Rows:
        return Rows(
            _unpacked(arrays, f"{name}-ids"),
            _unpacked(arrays, f"{name}-text"),
            _unpacked(arrays, f"{name}-context") if f"{name}-context-lengths" in arrays else None,
            np.array(arrays[f"{name}-labels"]),
            {column: _unpacked(arrays, f"{name}-@{n}") for n, column in enumerate(about["columns"][name])},
            about["group"],
        )

    tasks = tuple(Task(name, tuple(classes), column) for name, classes, column in about["tasks"])
    test = rows("test") if "test" in about["columns"] else None
    return Splits(tasks, rows("train"), rows("val"), test, about["notes"])


def _packed(cells: Sequence[str]) -> Arrays:
    """Texts as bytes, ``_TOGETHER`` of them one after the other; few different ones with their numbers."""
    different = dict.fromkeys(cells)
    numbers: Arrays = {}
    if len(different) <= _FEW:
        place = {cell: number for number, cell in enumerate(different)}
        numbers = {"numbers": np.fromiter(map(place.__getitem__, cells), dtype=np.int16, count=len(cells))}
        cells = list(different)
    del different
    lengths = np.fromiter(map(len, cells), dtype=np.int32, count=len(cells))
    parts = [
        "".join(cells[start : start + _TOGETHER]).encode("utf-8", "surrogatepass")
        for start in range(0, len(cells), _TOGETHER)
    ]
    sizes = np.array([len(part) for part in parts], dtype=np.int64)
    return {"lengths": lengths, "sizes": sizes, "bytes": _bytes(b"".join(parts)), **numbers}


def _unpacked(arrays: Arrays, name: str) -> list[str]:
    lengths, content = arrays[f"{name}-lengths"], arrays[f"{name}-bytes"]
    cells: list[str] = []
    end = 0
    for number, size in enumerate(arrays[f"{name}-sizes"].tolist()):
        text = bytes(content[end : end + size]).decode("utf-8", "surrogatepass")
        end += size
        ends = np.cumsum(lengths[number * _TOGETHER : (number + 1) * _TOGETHER]).tolist()
        cells += [text[first:last] for first, last in zip([0, *ends], ends, strict=False)]
    if (numbers := arrays.get(f"{name}-numbers")) is None:
        return cells
    return [cells[number] for number in numbers.tolist()]


def _bytes(content: bytes) -> np.ndarray:
    return np.frombuffer(content, dtype=np.uint8)
