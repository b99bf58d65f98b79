"""The report of a comparison."""

import json
from collections.abc import Sequence
from pathlib import Path

from polarity.comparison.result import Comparison, GroupScore, PairResult
from polarity.reports.html.charts import Axis, axis_of
from polarity.reports.html.numbers import ABSENT, score_text
from polarity.reports.html.page import write_page
from polarity.wording import points, times

SHOWN_SENTENCES = 5


def write_comparison_report(comparison: Comparison, path: Path) -> Path:
    """Write the report of a comparison as one page; returns its path."""
    return write_page(
        path,
        "comparison.html",
        title=f"Comparison on {comparison.setup.split}",
        comparison=comparison,
        headline=comparison_headline(comparison),
        sentences=_sentences(comparison),
        sections=_sections(comparison),
        axes=_axes(comparison),
        members={group.name: _scores_of(comparison, group) for group in comparison.groups},
        written=setting_text,
    )


def comparison_headline(comparison: Comparison) -> str:
    """The finding in one line; never a winner where there is no evidence for one."""
    groups = comparison.groups
    if len(groups) < 2:
        return f"Overall macro-F1 {score_text(groups[0].overall)}: there is nothing to compare it with"
    if not comparison.setup.ranked:
        apart = sum(pair.verdict in ("better", "worse") for pair in comparison.pairs)
        return f"{apart} of {times(len(comparison.pairs), 'pair')} can be told apart; nothing is ranked"
    first = groups[0]
    others = [pair for pair in comparison.pairs if first.name in (pair.first, pair.second)]
    behind = [pair for pair in others if _leads(first.name, pair)]
    if len(behind) == len(others):
        return f"{first.name} is better than {'the other' if len(others) == 1 else 'all others'}"
    if all(pair.verdict == "equal" for pair in others):
        who = "the other" if len(others) == 1 else "all others"
        return f"{first.name} and {who} are equal within {points(comparison.setup.margin)}"
    if all(pair.verdict in ("equal", "unclear") for pair in others):
        return "No evidence of a difference" if len(groups) == 2 else f"No evidence that {first.name} is the best"
    return f"{first.name} leads, but {times(len(others) - len(behind), 'other')} cannot be told apart from it"


def setting_text(value: object) -> str:
    """A setting as it would stand on a command line; a dash where there is none."""
    if value is None:
        return ABSENT
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _leads(name: str, pair: PairResult) -> bool:
    return pair.verdict == ("better" if pair.second == name else "worse")


def _sentences(comparison: Comparison) -> Sequence[str]:
    """Those of the pairs that the reader asks about first: the leader against the next ones."""
    if not comparison.groups:
        return []
    first = comparison.groups[0].name
    pairs = [pair for pair in comparison.pairs if first in (pair.first, pair.second)]
    order = {group.name: number for number, group in enumerate(comparison.groups)}
    pairs.sort(key=lambda pair: max(order.get(pair.first, 0), order.get(pair.second, 0)))
    return [pair.sentence for pair in pairs[:SHOWN_SENTENCES]]


def _sections(comparison: Comparison) -> list[tuple[str, str]]:
    named = [
        ("summary", "Summary", True),
        ("configuration", "Configuration", bool(comparison.differences)),
        ("scores", "Scores", True),
        ("pairs", "Pairs", bool(comparison.pairs)),
        ("tasks", "Tasks and classes", bool(comparison.setup.tasks)),
        ("method", "Method", True),
    ]
    return [(key, name) for key, name, there in named if there]


def _axes(comparison: Comparison) -> dict[str, Axis]:
    groups, systems, pairs = comparison.groups, comparison.systems, comparison.pairs
    reached = [end for group in groups for end in (group.overall, group.interval.low, group.interval.high)]
    return {
        "overall": axis_of([*reached, *(system.overall for system in systems)]),
        "difference": axis_of(
            [end for pair in pairs for end in (pair.difference, pair.interval.low, pair.interval.high)], reference=0.0
        ),
        "class": axis_of([f1 for system in systems for task in system.per_class.values() for f1 in task.values()]),
    }


def _scores_of(comparison: Comparison, group: GroupScore) -> list[float]:
    """Overall scores of the single seeds of a group; none where it has but one."""
    own = [system.overall for system in comparison.systems if system.group == group.name]
    return own if len(own) > 1 else []
