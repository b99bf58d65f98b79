"""A cross-validation on the console: a line for each fold, and one table."""

from rich.table import Table

from polarity.content import Json
from polarity.data.folds import FoldedRows, Folds
from polarity.data.grouping import crossing_notes
from polarity.data.presence import unlabelled_notes
from polarity.evaluation.out_of_fold import OUT_OF_FOLD
from polarity.run import RunDirectory
from polarity.runs.saved import read_metrics
from polarity.statistics.fold_scores import FoldScores
from polarity.wording import times


def folds_intro(rows: FoldedRows, run: RunDirectory) -> list[str]:
    """What is folded, what is not, and where."""
    folds, test = rows.folds, rows.splits.test
    often = "" if folds.repeats == 1 else f", {folds.repeats} times"
    unfolded = [("train", rows.splits.train), ("val", rows.splits.val)]  # are no parts here, and groups stay whole
    not_so = [*crossing_notes(unfolded), *unlabelled_notes(unfolded)]
    notes = [note for note in rows.splits.notes if note not in not_so]
    notes += unlabelled_notes([("all folds", rows.rows)])
    lines = [f"note: {note}" for note in notes]
    lines.append(f"cross-validation: {times(len(rows.rows), 'row')} in {folds.number} folds{often}")
    if test is not None:
        lines.append(
            f"the {times(len(test), 'row')} of the test split are neither folded nor scored: they are left for the run "
            "that you choose in the end (where data.split makes the splits, data.split.test=0 folds all rows)"
        )
    return [*lines, f"run folder: {run.path}"]


def fold_line(run: RunDirectory, fold: int, folds: Folds, seconds: float | None) -> str:
    """How a fold's run ended, on one line.

    :param seconds: None for a fold that was finished before.
    """
    metrics = read_metrics(run)
    best, test = metrics["best"], metrics["test"]
    took = "finished before" if seconds is None else f"{seconds:.0f} s"
    return (
        f"fold {fold} of {folds.count}: {best['monitor']} {best['value']:.4f}, held out {test['overall']:.4f} "
        f"({times(test['rows'], 'row')}), {took}, {run.path.name}"
    )


def folds_table(metrics: Json) -> Table:
    """Held-out scores of each fold, and of all rows with their intervals.

    :param metrics: the content of ``metrics.json``.
    """
    rows, whole, folds = metrics[OUT_OF_FOLD]["rows"], metrics["intervals"], metrics["folds"]
    tasks = list(whole["tasks"])
    headings = ("fold", "train", "val", "held out", "epoch", "overall", *tasks)
    table = Table(*headings, title="macro-F1 of held-out rows")
    for item in folds:
        counts = [str(item[name]) for name in ("train_rows", "val_rows", "rows")]
        scores = [f"{value:.4f}" for value in (item["overall"], *(item["macro_f1"][name] for name in tasks))]
        table.add_row(item["folder"], *counts, str(item["epoch"] + 1), *scores)
    table.add_section()
    cells = [_cell(whole["overall"]), *(_cell(whole["tasks"][name]) for name in tasks)]
    table.add_row("all [95% interval]", "", "", str(rows), "", *cells, style="bold")
    return table


def overall_sentence(scores: FoldScores, intervals: Json) -> str:
    """What the intervals are made of.

    :param intervals: of ``metrics.json``.
    """
    found, values = scores.estimate(), scores.values()
    return (
        f"out-of-fold overall {found.value:.4f}: every row by a model that has not seen it (mean of the folds "
        f"{values.mean():.4f}, deviation {values.std(ddof=1):.4f}); intervals are {_kind(intervals, len(values))}"
    )


def _kind(intervals: Json, folds: int) -> str:
    overall, every = intervals["overall"], [intervals["overall"], *intervals["tasks"].values()]
    if overall["over"] == "rows":
        return "those over rows, since all folds have the same score"
    text = (
        f"the corrected resampled ones over {times(folds, 'fold')} (Nadeau and Bengio 2003), with other rows and other "
        "seeds in them"
    )
    if any(max(one.get("unseen", {}).values(), default=0) for one in every):
        ends = " and ".join(f"{value:.4f} {name}" for name, value in overall["unseen"].items() if value)
        text += f", and, in squares, with what a class of which all or none are right may hide (overall {ends})"
    return text


def _cell(found: Json) -> str:
    return f"{found['value']:.4f} [{found['low']:.4f}, {found['high']:.4f}]"
