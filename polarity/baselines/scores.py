"""Scores of the baselines, for the console and for files."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict

from rich.table import Table

from polarity.content import Json
from polarity.evaluation.metrics import Scores, score
from polarity.evaluation.predictions import Predictions
from polarity.statistics import Interval, Intervals, intervals
from polarity.wording import times

Scored = dict[str, dict[str, tuple[Scores, Intervals]]]
"""``{split: {baseline: scores with their intervals}}``."""

UNKNOWN = "[unknown]"
"""In the place of an interval where all rows are of one group."""

HEADER = ("split", "baseline", "task", "class", "measure", "value", "low", "high", "support")


def score_baselines(by_baseline: Mapping[str, Mapping[str, Predictions]], *, resamples: int) -> Scored:
    """Score every baseline on every split, by what was decided without having seen the row's label."""
    scores: Scored = {}
    for name, parts in by_baseline.items():
        for split, predictions in parts.items():
            decided = [item.honest for item in predictions.tasks]
            of_split = score([item.task for item in predictions.tasks], predictions.labels, decided)
            scores.setdefault(split, {})[name] = of_split, intervals(predictions, decided, resamples=resamples)
    return scores


def table(split: str, of_split: Mapping[str, tuple[Scores, Intervals]]) -> Table:
    """Macro-F1 of every baseline, and the F1 of every class."""
    first = next(iter(of_split.values()))[0]
    made = Table(
        "task",
        "class",
        *of_split,
        "rows",
        title=f"{split} ({times(first.rows, 'row')}): baselines, with 95 % intervals",
    )
    for task, of_task in first.tasks.items():
        for number, (name, of_class) in enumerate(of_task.per_class.items()):
            cells = [
                f"{scores.tasks[task].per_class[name].f1:.4f}" if of_task.rows else ""
                for scores, _ in of_split.values()
            ]
            made.add_row(task if number == 0 else "", name, *cells, str(of_class.support))
        cells = [
            _shown(scores.tasks[task].macro_f1, ranges.tasks[task].macro_f1) if of_task.rows else "no labels"
            for scores, ranges in of_split.values()
        ]
        made.add_row("", "macro-F1", *cells, str(of_task.rows), style="bold")
        made.add_section()
    cells = [_shown(scores.overall, ranges.overall) for scores, ranges in of_split.values()]
    made.add_row("overall", "mean of the tasks' macro-F1", *cells, str(first.rows), style="bold")
    return made


def lines(scores: Scored) -> Iterator[list[object]]:
    """One line for each number, under ``HEADER``."""
    for split, of_split in scores.items():
        for name, (values, ranges) in of_split.items():
            yield [split, name, "", "", "overall", *_written(values.overall, ranges.overall), values.rows]
            for task, of_task in values.tasks.items():
                bounds = ranges.tasks[task]
                for measure in ("macro_f1", "accuracy"):
                    value, interval = getattr(of_task, measure), getattr(bounds, measure)
                    yield [split, name, task, "", measure, *_written(value, interval), of_task.rows]
                for label, of_class in of_task.per_class.items():
                    for measure in ("precision", "recall", "f1"):
                        value = getattr(of_class, measure) if of_task.rows else None
                        interval = getattr(bounds.per_class[label], measure)
                        yield [split, name, task, label, measure, *_written(value, interval), of_class.support]


def as_json(scores: Scored) -> Json:
    """``{split: {baseline: scores as in metrics.json, with "intervals" beside them}}``."""
    return {
        split: {name: {**values.to_dict(), "intervals": asdict(ranges)} for name, (values, ranges) in of_split.items()}
        for split, of_split in scores.items()
    }


def _shown(value: float | None, interval: Interval | None) -> str:
    if value is None:
        return "no labels"
    return f"{value:.4f} {UNKNOWN if interval is None else f'[{interval.low:.4f}, {interval.high:.4f}]'}"


def _written(value: float | None, interval: Interval | None) -> list[str]:
    if value is None or interval is None:
        return ["" if value is None else f"{value:.6f}", "", ""]
    return [f"{number:.6f}" for number in (value, interval.low, interval.high)]
