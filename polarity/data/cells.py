"""One column after the other: from raw cells to texts, and a report of every cell that cannot be used."""

from collections.abc import Callable, Collection, Sequence

import numpy as np

from polarity.data.declarations import can_be_class, normalize
from polarity.data.features import KINDS, FeatureKind
from polarity.data.spelling import as_number, near_equal
from polarity.data.split_names import SPLIT_NAMES, SplitName, split_name
from polarity.data.table import NoTextError, Table, cell_text
from polarity.errors import nearest
from polarity.privacy import excerpt, texts_are_shown
from polarity.tables.chunk import encodable
from polarity.tables.problems import SHOWN, Problems, Refusal
from polarity.wording import times

_BLANK = "".join(map(chr, (*range(0x21), 0x7F, 0x85, 0xA0, 0x1680, *range(0x2000, 0x2010)))) + (
    "\u2028\u2029\u202f\u205f\u2060\u3000\ufeff"
)
"""White space and characters that print nothing: a text of them alone is empty."""
FLATTEN = "flatten the file first (pandas.json_normalize makes a column of each field, as 'user.name')"
_LONGEST = 60
"""Characters of a cell that a message shows."""


def is_blank(text: str) -> bool:
    """Whether nothing of the text would be seen."""
    return not text.strip(_BLANK)


def text_refusal(column: str, cell: object) -> Refusal | None:
    """Why no model can read a cell as a text: the same answer in training and in prediction.

    :param column: how messages call its column.
    """
    if cell is None or (isinstance(cell, str) and is_blank(cell)):
        advice = "every row needs a text: fill it or remove the row"
        return Refusal(f"{column} is empty", f"is {_shorten(cell)}" if cell else "", advice)
    return _unreadable(column, cell, "every row needs a text; is it the right column?")


def context_refusal(column: str, cell: object) -> Refusal | None:
    """Why no model can read a cell as the first text of a pair, which may be missing; otherwise as `text_refusal`."""
    return None if cell is None else _unreadable(column, cell, "a context is a text or empty; is it the right column?")


def metadata_refusal(column: str, cell: object) -> Refusal | None:
    """Why a cell of a further column cannot be read; it may be missing."""
    try:
        cell_text(cell)
    except NoTextError:
        return Refusal(f"{column} holds no text or number", f"is {_described(cell)}")
    return None


def metadata_text(cell: object) -> str:
    """A cell of a further column in the one form in which such are compared and read, empty where missing.

    :raises NoTextError: if it has none.
    """
    text = cell_text(cell)
    return "" if text is None or is_blank(text) else normalize(text)


def _unreadable(column: str, cell: object, advice: str) -> Refusal | None:
    if not isinstance(cell, str):
        return Refusal(f"{column} holds no text", f"is {_described(cell)}", advice)
    if "\0" in cell:
        return Refusal(f"{column} holds NUL, which no text holds", advice="mend the text or remove the row")
    if encodable(cell) != cell:
        what = "is not valid Unicode (half of a surrogate pair)"
        return Refusal(f"{column} {what}", advice="mend the text or remove the row")
    return None


def text_cells(table: Table, column: str, problems: Problems) -> tuple[list[str], np.ndarray]:
    """The texts, and the numbers of the rows that have one."""
    return _texts(table, column, "text", text_refusal, problems)


def context_cells(table: Table, column: str, problems: Problems) -> list[str]:
    """The first texts of pairs; empty where missing."""
    return _texts(table, column, "context", context_refusal, problems)[0]


def _texts(
    table: Table, column: str, setting: str, refusal: Callable[[str, object], Refusal | None], problems: Problems
) -> tuple[list[str], np.ndarray]:
    name, good = f"column {column!r} (data.{setting})", np.ones(len(table), dtype=bool)
    for row, cell in enumerate(table.columns[column]):
        if (found := refusal(name, cell)) is not None:
            good[row] = False
            problems.refuse(table.name, table.where[row], found)
    return [cell if isinstance(cell, str) else "" for cell in table.columns[column]], np.flatnonzero(good)


def id_cells(table: Table, column: str, problems: Problems) -> list[str | None]:
    """The ids; None where a row has none, which is reported."""
    texts = _plain_cells(table, column, f"{table.name}: column {column!r} (data.id) holds no id", problems)
    ids = [None if text is None or is_blank(text) else text.strip() for text in texts]
    for row, (name, cell) in enumerate(zip(ids, table.columns[column], strict=True)):
        if name is None and not _is_nested(cell):
            advice = "every row needs an id; with data.id=null ids are made from the texts"
            problems.at(f"{table.name}: column {column!r} (data.id) is empty", table.where[row], advice)
    return ids


def label_cells(table: Table, column: str, problems: Problems, classes: Sequence[str] = ()) -> list[str | None]:
    """The labels in comparable form; None where missing (an empty cell, or null).

    :param classes: that are known: a number or a boolean, as JSON and Parquet have them, is the class of that value,
        however CSV files spell it.
    """
    texts = _plain_cells(table, column, f"{table.name}: column {column!r} holds no label", problems)
    forms = {text: normalize(text) or None for text in set(texts) if text is not None}
    for text, cell in zip(texts, table.columns[column], strict=True):
        if text is not None and not isinstance(cell, str) and forms[text] not in classes:
            forms[text] = _class_of_value(cell, classes) or forms[text]
    return [None if text is None else forms[text] for text in texts]


def _class_of_value(cell: object, classes: Sequence[str]) -> str | None:
    """The only class that spells this number or boolean."""
    if isinstance(cell, bool):
        spelled = [name for name in classes if name.lower() == str(cell).lower()]
    else:
        spelled = [name for name in classes if as_number(name) == as_number(str(cell))]
    return spelled[0] if len(spelled) == 1 else None


def report_unknown_labels(
    table: Table, column: str, cells: Sequence[str | None], task: str, classes: Sequence[str], problems: Problems
) -> None:
    """Report each label that is no class, with the nearest class and how often it occurs."""
    setting = f"is no class of task {task!r}"
    _report_unknown(table, column, cells, classes, setting, "classes", problems)


def split_cells(table: Table, column: str, problems: Problems) -> list[SplitName | None]:
    """The split of each row; None where the cell names none, which is reported."""
    texts = _plain_cells(table, column, f"{table.name}: column {column!r} (data.split_column) names no split", problems)
    cells = [None if text is None or is_blank(text) else text.strip() for text in texts]
    known = {cell: split_name(cell) for cell in set(cells) if cell is not None}
    for row, (cell, raw) in enumerate(zip(cells, table.columns[column], strict=True)):
        if cell is None and not _is_nested(raw):
            advice = "every row needs train, val or test there"
            problems.at(f"{table.name}: column {column!r} (data.split_column) is empty", table.where[row], advice)
    valid = [*SPLIT_NAMES, *(cell for cell, name in known.items() if name is not None)]
    valid = list(dict.fromkeys(valid))
    _report_unknown(table, column, cells, valid, "is no split (data.split_column)", "accepted", problems)
    return [None if cell is None else known[cell] for cell in cells]


def metadata_cells(table: Table, column: str, setting: str | None, problems: Problems) -> list[str] | None:
    """Further cells in the form of :func:`metadata_text`; None for a column of lists or objects.

    :param setting: that asks for the column; None: none does, so that lists and objects are no fault.
    """
    found = Problems()
    what = f"{table.name}: column {column!r} ({setting}) holds no text or number"
    texts = _plain_cells(table, column, what, found, FLATTEN)
    if found:
        if setting is not None:
            problems.merge(found)
        return None
    return [metadata_text(text) for text in texts]


def report_features(table: Table, column: str, cells: Sequence[str], kind: FeatureKind, problems: Problems) -> None:
    """Report each cell of which a model could make nothing."""
    bad = KINDS[kind].unreadable(cells)
    advice = KINDS[kind].advice([cells[row] for row in bad])
    for row in bad:
        what = f"{table.name}: column {column!r} (data.features.{column}) holds no {kind}"
        where = f"{table.where[row]} is {excerpt(repr(cells[row]))}"
        problems.at(what, where, advice)


def _plain_cells(table: Table, column: str, what: str, problems: Problems, advice: str = "") -> list[str | None]:
    texts: list[str | None] = []
    for row, cell in enumerate(table.columns[column]):
        try:
            texts.append(cell_text(cell))
        except NoTextError:
            texts.append(None)
            problems.at(what, f"{table.where[row]} is {_described(cell)}", advice)
    return texts


def _report_unknown(
    table: Table,
    column: str,
    cells: Sequence[str | None],
    valid: Collection[str],
    what: str,
    kind: str,
    problems: Problems,
) -> None:
    rows: dict[str, list[int]] = {}
    for row, cell in enumerate(cells):
        if cell is not None and cell not in valid:
            rows.setdefault(cell, []).append(row)
    often = sorted(rows, key=lambda value: -len(rows[value]))
    for value in often[:SHOWN]:
        hints = near_equal(value, valid), nearest(value, valid, what=kind).removeprefix("; ").strip()
        if not can_be_class(value):  # what looks like it is not what was meant
            hints = "settings cannot hold it; rename it in the data", ""
        hint = "; ".join(filter(None, hints)) if texts_are_shown() else ""  # all of them are one message then
        for row in rows[value]:
            problems.at(f"{table.name}: column {column!r}: {_shorten(value)} {what}", table.where[row], hint)
    if len(often) > SHOWN:
        count = sum(len(rows[value]) for value in often[SHOWN:])
        problems.add(
            f"{table.name}: column {column!r}: {times(len(often) - SHOWN, 'more such value')}, in {times(count, 'row')}"
        )


def _is_nested(cell: object) -> bool:
    return isinstance(cell, list | dict | bytes)


def _described(cell: object) -> str:
    kind = "float" if isinstance(cell, float) else type(cell).__name__  # numbers of JSON have a class of their own
    return f"{_shorten(cell)} ({kind})"


def _shorten(cell: object) -> str:
    text = repr(cell)
    return excerpt(text if len(text) <= _LONGEST else f"{text[:_LONGEST]}...")
