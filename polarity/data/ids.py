"""Ids: made from the content where the data have none, unique within a split, and never the same for two texts."""

from collections.abc import Sequence
from hashlib import blake2b

import numpy as np

from polarity.data.declarations import normalize
from polarity.data.rows import Rows
from polarity.data.validation import Checked
from polarity.tables.problems import Problems
from polarity.tasks import Task
from polarity.wording import times

_BYTES = 8


def content_ids(rows: Rows) -> list[str]:
    """An id for each row that depends on its context and text alone; later rows of the same text get ``-2``, ``-3``.

    So rows keep their ids when others are added, removed or moved, and two runs can be compared row by row.
    """
    # The length in front keeps ("ab", "c") and ("a", "bc") apart.
    marks = b"".join(
        blake2b(f"{len(context)}:{context}{text}".encode("utf-8", "surrogatepass"), digest_size=_BYTES).digest()
        for context, text in zip(rows.contexts, rows.text, strict=True)
    )
    names = marks.hex()
    ids = [names[start : start + 2 * _BYTES] for start in range(0, len(names), 2 * _BYTES)]
    earlier = _earlier(np.frombuffer(marks, dtype=np.uint64))
    for row in np.flatnonzero(earlier).tolist():
        ids[row] = f"{ids[row]}-{earlier[row] + 1}"
    return ids


def _earlier(values: np.ndarray) -> np.ndarray:
    """How often each value has occurred before, int64."""
    order = np.argsort(values, kind="stable")
    begins = np.append([True], values[order][1:] != values[order][:-1]) if len(values) else np.empty(0, dtype=bool)
    place = np.arange(len(values))
    found = np.empty(len(values), dtype=np.int64)
    found[order] = place - np.maximum.accumulate(np.where(begins, place, 0))
    return found


def without_repeated_rows(part: Checked, tasks: Sequence[Task], problems: Problems) -> Checked:
    """The rows without exact copies of earlier ones (same id, same everything), which a note counts.

    The same id with another text, label or metadata is a problem. However its characters are composed, it is the same.
    """
    first: dict[str, int] = {}
    kept = []
    for row, name in enumerate(part.rows.ids):
        earlier = first.setdefault(normalize(name), row) if name else row
        differences = [] if earlier == row else _differences(part.rows, earlier, part.rows, row, tasks)
        if differences:
            what = f"{part.table.name}: one id, different rows (data.id)"
            where = f"{name!r} in {part.where(earlier)} and {part.where(row)}, which differ in {', '.join(differences)}"
            problems.at(what, where, "ids must tell rows apart; with data.id=null ids are made from the texts")
        elif earlier != row:
            continue
        kept.append(row)
    if len(kept) == len(part.rows):
        return part
    copies = times(len(part.rows) - len(kept), "exact copy", "exact copies")
    part.table.notes.append(f"{part.table.name}: {copies} of earlier rows (same id) left out")
    return part.select(kept)


def report_shared_ids(parts: Sequence[tuple[str, Checked]], tasks: Sequence[Task], problems: Problems) -> None:
    """Report ids that stand for different rows of two splits. The very same row in two splits is a case of leakage."""
    first: dict[str, tuple[str, Checked, int]] = {}
    for split, part in parts:
        for row, name in enumerate(part.rows.ids):
            if not name or (found := first.setdefault(normalize(name), (split, part, row)))[1] is part:
                continue
            other, other_part, other_row = found
            differences = _differences(other_part.rows, other_row, part.rows, row, tasks, metadata=False)
            if differences:
                places = (
                    f"{other_part.table.name} {other_part.where(other_row)} and {part.table.name} {part.where(row)}"
                )
                what = f"{other} and {split}: one id, different rows (data.id)"
                advice = "ids must tell rows apart over all splits; with data.id=null ids are made from the texts"
                problems.at(what, f"{name!r} in {places}", advice)


def _differences(
    rows: Rows, row: int, others: Rows, other: int, tasks: Sequence[Task], *, metadata: bool = True
) -> list[str]:
    names = ["text"] if rows.text[row] != others.text[other] else []
    if rows.context is not None and others.context is not None and rows.context[row] != others.context[other]:
        names.append("context")
    labels = zip(tasks, rows.labels[row], others.labels[other], strict=True)
    names += [task.name for task, label, other_label in labels if label != other_label]
    if metadata:
        names += [name for name, cells in rows.metadata.items() if cells[row] != cells[other]]
    return names
