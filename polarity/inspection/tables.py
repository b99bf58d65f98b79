"""An inspection as CSV files: one line for each number, row or group, with all texts that the inspection holds."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from polarity.inspection.result import Inspection, Row
from polarity.spreadsheets import write_csv

Lines = Iterator[Sequence[object]]


def write_tables(inspection: Inspection, folder: Path) -> None:
    """Write every table that has a line; files of an earlier inspection that have none now are removed."""
    for name, (header, made) in TABLES.items():
        path, lines = folder / f"{name}.csv", list(made(inspection))
        if lines:
            write_csv(path, header, lines)
        else:
            path.unlink(missing_ok=True)


def _findings(inspection: Inspection) -> Lines:
    yield from ([finding.level, finding.about, finding.text] for finding in inspection.findings)


def _counts(inspection: Inspection) -> Lines:
    for task in inspection.counts:
        for split, rows in task.rows.items():
            total = sum(rows.values())
            for label, count in rows.items():
                yield [task.task, split, label, count, _share(count, total)]
            yield [task.task, split, "", task.missing[split], ""]


def _joint(inspection: Inspection) -> Lines:
    for pair in inspection.joint:
        for split, table in pair.rows.items():
            for label, line in zip(pair.first_classes, table, strict=True):
                for other, count in zip(pair.second_classes, line, strict=True):
                    yield [pair.first, pair.second, split, label, other, count]


def _association(inspection: Inspection) -> Lines:
    for pair in inspection.joint:
        yield [pair.first, pair.second, pair.total, "" if pair.cramers_v is None else f"{pair.cramers_v:.6f}"]


def _lengths(inspection: Inspection) -> Lines:
    lengths = inspection.lengths
    for one in lengths.splits:
        numbers = [f"{value:.1f}" for value in (one.mean, one.median, one.p95)]
        cut = ["", ""] if one.cut is None else [one.cut, _share(one.cut, one.rows)]
        limit = [lengths.max_length or "", *cut, "" if one.cut is None else one.contexts_cut]
        yield [one.split, lengths.unit, one.rows, *numbers, one.longest, *limit]


def _overlaps(inspection: Inspection) -> Lines:
    for one in inspection.duplicates.overlaps:
        yield [one.kind, one.first, one.second, one.rows, one.others]


def _duplicates(inspection: Inspection) -> Lines:
    for number, group in enumerate(inspection.duplicates.examples, 1):
        yield from ([number, group.kind, group.size, *_row(row)] for row in group.rows)


def _conflicts(inspection: Inspection) -> Lines:
    for number, group in enumerate(inspection.conflicts.examples, 1):
        for row, label in zip(group.rows, group.labels, strict=True):
            yield [number, group.task, group.kind, group.size, label, *_row(row)]


def _groups(inspection: Inspection) -> Lines:
    for column in inspection.groups:
        for split, rows in column.rows.items():
            yield [column.column, column.values, column.crossing, split, rows, f"{column.shares[split]:.6f}"]


def _languages(inspection: Inspection) -> Lines:
    if inspection.languages is not None:
        for name, rows in inspection.languages.rows.items():
            yield from ([name, split, "", "", count] for split, count in rows.items())
            for task, of_task in inspection.languages.classes.items():
                yield from ([name, "", task, label, count] for label, count in of_task[name].items())


def _suspicious(inspection: Inspection) -> Lines:
    for task in inspection.labels:
        for one in task.examples:
            probabilities = [f"{value:.6f}" for value in (one.probability, one.suggested_probability)]
            yield [task.task, one.label, one.suggested, *probabilities, *_row(one.row)]


def _confused(inspection: Inspection) -> Lines:
    for task in inspection.labels:
        for one in task.confused:
            sure = f"{one.probability:.6f}"
            yield [task.task, one.label, one.predicted, one.times, one.repeats, sure, *_row(one.row)]


def _pairs(inspection: Inspection) -> Lines:
    for task in inspection.labels:
        yield from ([task.task, one.label, one.predicted, one.rows, f"{one.share:.6f}"] for one in task.pairs)


def _share(count: int, total: int) -> str:
    return f"{count / total:.6f}" if total else ""


def _row(row: Row) -> list[object]:
    return [row.split, row.id, row.context, row.text]


ROW = ["split", "id", "context", "text"]
TABLES: dict[str, tuple[list[str], Callable[[Inspection], Lines]]] = {
    "findings": (["level", "about", "finding"], _findings),
    "counts": (["task", "split", "class", "rows", "share"], _counts),
    "joint": (["task", "other task", "split", "class", "other class", "rows"], _joint),
    "association": (["task", "other task", "rows with both labels", "cramers v"], _association),
    "lengths": (
        ["split", "unit", "rows", "mean", "median", "p95", "longest", "max_length", "cut", "cut share", "contexts cut"],
        _lengths,
    ),
    "overlaps": (["kind", "split", "other split", "rows", "rows of the other"], _overlaps),
    "duplicates": (["group", "kind", "size", *ROW], _duplicates),
    "conflicts": (["group", "task", "kind", "size", "label", *ROW], _conflicts),
    "groups": (["column", "values", "crossing", "split", "rows shared with train", "share"], _groups),
    "languages": (["language", "split", "task", "class", "rows"], _languages),
    "suspicious": (["task", "label", "suggested", "probability", "suggested probability", *ROW], _suspicious),
    "confused": (["task", "label", "predicted", "times", "repeats", "probability", *ROW], _confused),
    "confused_pairs": (["task", "label", "predicted", "rows", "share"], _pairs),
}
"""Header and lines of each file; an empty class stands for rows without a label."""
