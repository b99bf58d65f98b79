"""A comparison as tables: on the console, and as CSV files."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.table import Table

from polarity.comparison.result import Chosen, Comparison, GroupScore, PairResult, TestResult
from polarity.files import write_json
from polarity.spreadsheets import write_csv
from polarity.statistics.interval import Interval
from polarity.wording import times

Lines = list[list[object]]

SHOWN = 15
"""Pairs that the console shows; with a ranking, those of the best configuration come first."""


def configuration_table(comparison: Comparison) -> Table:
    """Keys that differ, a column for each group."""
    names = list(comparison.differences[0].values) if comparison.differences else []
    table = Table("setting", *names, title="what differs between the configurations")
    for difference in comparison.differences:
        table.add_row(difference.key, *(_value(difference.values[name]) for name in names))
    return table


def scores_table(comparison: Comparison) -> Table:
    """Overall score and macro-F1 of every group, as fractions."""
    setup = comparison.setup
    title = f"{setup.split} ({times(setup.rows, 'row')}), {100 * setup.confidence:g} % intervals"
    tasks = list(setup.tasks)
    table = Table(*(["rank"] if setup.ranked else []), "configuration", "seeds", "overall", "interval", "deviation",
                  "uncalibrated", *tasks, title=title)  # fmt: skip
    for group in comparison.groups:
        cells = [
            group.name,
            "-" if group.kind == "baseline" else str(group.seeds),
            f"{group.overall:.4f}",
            _interval(group.interval),
            _number(group.deviation),
            f"{group.uncalibrated:.4f}",
            *(_number(group.macro_f1[name]) for name in tasks),
        ]
        table.add_row(*([str(group.rank)] if setup.ranked else []), *cells)
    return table


def tests_table(comparison: Comparison) -> Table:
    """Difference, interval and tests of every pair."""
    title = f"differences of overall macro-F1; p corrected over {times(len(comparison.pairs), 'pair')} (Holm)"
    table = Table("second - first", "difference", "interval", "test", "p", "corrected p", title=title)
    for pair in comparison.pairs[:SHOWN]:
        cells = [f"{pair.second} - {pair.first}", f"{pair.difference:+.4f}", _interval(pair.interval)]
        for number, test in enumerate(pair.tests):
            shown = cells if number == 0 else ["", "", ""]
            table.add_row(*shown, f"{test.name}, {test.about}", *_p_values(pair, test))
        table.add_row("", "", "", f"{pair.equal.name}, {pair.equal.about}", *_p_values(pair, pair.equal))
        table.add_section()
    return table


def _p_values(pair: PairResult, test: TestResult) -> tuple[str, str]:
    """Before and after correction; none where rows of (nearly) one group say nothing."""
    return (f"{test.p:.4f}", f"{test.corrected:.4f}") if pair.interval.known else ("-", "-")


def write_comparison(folder: Path, comparison: Comparison) -> list[Path]:
    """``comparison.json``, and ``configuration.csv``, ``scores.csv``, ``runs.csv``, ``pairs.csv`` and ``tests.csv``.

    Every CSV file has the columns ``split`` and ``marks``, so that no number is without them.
    """
    write_json(folder / "comparison.json", comparison.to_dict())
    written = [folder / "comparison.json"]
    for name, (header, lines) in _files(comparison).items():
        path = folder / f"{name}.csv"
        own = [comparison.setup.split, "; ".join(comparison.marks)]
        write_csv(path, [*header, "split", "marks"], [[*line, *own] for line in lines])
        written.append(path)
    return written


def _files(comparison: Comparison) -> dict[str, tuple[list[str], Lines]]:
    names = list(comparison.differences[0].values) if comparison.differences else []
    tasks = list(comparison.setup.tasks)
    pairs = comparison.pairs
    return {
        "configuration": (
            ["setting", *names],
            [[item.key, *(_value(item.values[name]) for name in names)] for item in comparison.differences],
        ),
        "scores": (
            ["rank", "configuration", "kind", "seeds", "overall", "low", "high", "deviation", "uncalibrated",
             "chosen", "corrected", "corrected_low", "corrected_high",
             *(f"{task}/{what}" for task in tasks for what in ("macro_f1", "low", "high"))],
            [_group_line(group, tasks, comparison.chosen) for group in comparison.groups],
        ),
        "runs": (
            ["run", "configuration", "kind", "seed", "overall", "low", "high", "uncalibrated",
             *(f"{task}/{what}" for task in tasks for what in ("macro_f1", "accuracy"))],
            [
                [run.name, run.group, run.kind, run.seed, run.overall, *_ends(run.interval),
                 run.uncalibrated, *(value for task in tasks for value in (run.macro_f1[task], run.accuracy[task]))]
                for run in comparison.systems
            ],
        ),
        "pairs": (
            ["first", "second", "difference", "low", "high", "seeds_included", "verdict", "p", "p_equal",
             "rows_needed", "seeds_needed", "seeds_needed_at_most", "sentence"],
            [
                [pair.first, pair.second, pair.difference, *_ends(pair.interval), pair.seeds_included,
                 pair.verdict, pair.tests[0].corrected, pair.equal.corrected, pair.rows_needed,
                 *(pair.seeds_needed or (None, None)), pair.sentence]
                for pair in pairs
            ],
        ),
        "tests": (
            ["first", "second", "test", "about", "p", "corrected"],
            [[p.first, p.second, test.name, test.about, test.p, test.corrected] for p in pairs for test in p.tests],
        ),
    }  # fmt: skip


def _group_line(group: GroupScore, tasks: Sequence[str], chosen: Chosen | None) -> list[object]:
    line: list[object] = [group.rank, group.name, group.kind, group.seeds, group.overall,
                          *_ends(group.interval), group.deviation, group.uncalibrated]  # fmt: skip
    if chosen is not None and chosen.name == group.name:
        line += [f"best of {chosen.of}, chosen on these rows", chosen.corrected, *_ends(chosen.interval)]
    else:
        line += [None] * 4
    for task in tasks:
        interval = group.macro_f1_intervals.get(task)
        line += [group.macro_f1[task], *_ends(interval)]
    return line


def _value(value: Any) -> str:
    if value is None:
        return "null"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _ends(interval: Interval | None) -> tuple[float | None, float | None]:
    """Empty cells where nothing is known."""
    return (interval.low, interval.high) if interval is not None and interval.known else (None, None)


def _interval(interval: Interval) -> str:
    if not interval.known:
        return "unknown"
    return f"{interval.low:.4f} to {interval.high:.4f}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"
