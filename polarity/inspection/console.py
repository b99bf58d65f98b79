"""An inspection for the terminal: the findings, and a few rows of each table."""

from collections.abc import Iterator

from rich.table import Table

from polarity.inspection.result import Inspection, Languages, Lengths, Row, TaskCounts, TaskLabels
from polarity.wording import times

FEW = 5
WIDTH = 70


def inspection_tables(inspection: Inspection) -> Iterator[Table]:
    """All tables that have something to show."""
    yield counts_table(inspection.counts, list(inspection.rows))
    yield from joint_tables(inspection)
    yield lengths_table(inspection.lengths)
    if inspection.languages is not None:
        yield languages_table(inspection.languages, list(inspection.rows))
    if inspection.conflicts.examples:
        yield conflicts_table(inspection)
    for task in inspection.labels:
        if task.pairs:
            yield pairs_table(task)
        if task.examples:
            yield suspicious_table(task)


def counts_table(counts: tuple[TaskCounts, ...], splits: list[str]) -> Table:
    """Rows of each class, and without a label."""
    table = Table("task", "class", *splits, title="rows by class")
    for task in counts:
        for number, label in enumerate(task.classes):
            cells = [_with_share(task.rows[split][label], sum(task.rows[split].values())) for split in splits]
            table.add_row(task.task if number == 0 else "", label, *cells)
        table.add_row("", "(no label)", *(f"{task.missing[split]:,}" for split in splits), style="dim")
        table.add_section()
    return table


def joint_tables(inspection: Inspection) -> Iterator[Table]:
    """Rows of each combination of two tasks' classes, over all splits."""
    for pair in inspection.joint:
        if not pair.total:
            continue
        value = "not defined" if pair.cramers_v is None else f"{pair.cramers_v:.3f}"
        title = f"{pair.first} and {pair.second}: {times(pair.total, 'row')} with both labels, Cramer's V {value}"
        table = Table(pair.first, *pair.second_classes, title=title)
        for i, label in enumerate(pair.first_classes):
            sums = [sum(of_split[i][j] for of_split in pair.rows.values()) for j in range(len(pair.second_classes))]
            table.add_row(label, *(f"{count:,}" for count in sums))
        yield table


def lengths_table(lengths: Lengths) -> Table:
    """Lengths, and rows that are cut."""
    known = bool(lengths.max_length) and all(one.cut is not None for one in lengths.splits)  # n-grams cut nothing
    model = f" of {lengths.tokenizer}" if lengths.tokenizer else ""
    table = Table(
        "split", "rows", "mean", "median", "95 %", "longest", *([f"longer than {lengths.max_length}"] if known else [])
    )
    table.title = f"lengths in {lengths.unit}{model}"
    for one in lengths.splits:
        numbers = [f"{one.rows:,}", f"{one.mean:.1f}", f"{one.median:.0f}", f"{one.p95:.0f}", f"{one.longest:,}"]
        table.add_row(one.split, *numbers, *([] if one.cut is None or not known else [_with_share(one.cut, one.rows)]))
    return table


def languages_table(languages: Languages, splits: list[str]) -> Table:
    """Rows of each language."""
    table = Table(languages.column, *splits, title="rows by language")
    for name, rows in list(languages.rows.items())[:30]:
        table.add_row(name, *(f"{rows[split]:,}" for split in splits))
    return table


def conflicts_table(inspection: Inspection) -> Table:
    """The same texts with several labels."""
    table = Table("task", "kind", "label", "row", "text", title="copies whose labels differ, some of them")
    for group in inspection.conflicts.examples[:FEW]:
        for row, label in zip(group.rows, group.labels, strict=True):
            table.add_row(group.task, group.kind, label, _named(row), _excerpt(row))
        table.add_section()
    return table


def pairs_table(task: TaskLabels) -> Table:
    """Which classes the linear model takes for which."""
    score = "" if task.macro_f1 is None else f" (macro-F1 {task.macro_f1:.4f} cross-validated {task.validated})"
    table = Table(
        "label", "taken for", "rows", "share of the class", title=f"{task.task}: what a linear model confuses{score}"
    )
    for pair in task.pairs[: 2 * FEW]:
        table.add_row(pair.label, pair.predicted, f"{pair.rows:,}", f"{pair.share:.1%}")
    return table


def suspicious_table(task: TaskLabels) -> Table:
    """The labels that are hardest to believe."""
    total = sum(task.suspicious.values())
    title = f"{task.task}: suspicious labels, the first {len(task.examples[:FEW])} of {total:,}"
    table = Table("label", "probability", "suggested", "probability", "row", "text", title=title)
    for one in task.examples[:FEW]:
        cells = [one.label, f"{one.probability:.3f}", one.suggested, f"{one.suggested_probability:.3f}"]
        table.add_row(*cells, _named(one.row), _excerpt(one.row))
    return table


def _with_share(count: int, total: int) -> str:
    return f"{count:,} ({count / total:.1%})" if total else f"{count:,}"


def _named(row: Row) -> str:
    return f"{row.split} {row.id}"


def _excerpt(row: Row) -> str:
    text = " ".join(f"{row.context} | {row.text}".split() if row.context else row.text.split())
    return text if len(text) <= WIDTH else f"{text[:WIDTH]}..."
