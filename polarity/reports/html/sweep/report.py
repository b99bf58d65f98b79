"""``sweep.html``."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from polarity.reports.html.charts import Axis, axis_of
from polarity.reports.html.numbers import score_text
from polarity.reports.html.page import write_page
from polarity.reports.html.sweep.content import ALIKE, SweepContent
from polarity.reports.html.sweep.importance import importances, why_no_fanova
from polarity.reports.html.sweep.interactions import MOST, interactions
from polarity.reports.html.sweep.parameters import SearchedParameter, levels_of, parameters_of, short_keys
from polarity.reports.html.sweep.pictures import best_so_far, coordinates, curves, effect, spent
from polarity.wording import times

CHOICES = 12
"""Values of a setting up to which the table of jobs can be filtered by it."""


def write_sweep_report(content: SweepContent, path: Path) -> Path:
    """Write the report of a sweep as one page; returns its path."""
    return write_page(path, "sweep.html", title=f"{content.name}: sweep", **_content(content))


def _content(content: SweepContent) -> Mapping[str, Any]:
    parameters, configurations = parameters_of(content), content.compared
    ranked = importances(parameters, configurations)
    order = [one.parameter for one in ranked]
    levels = {one.key: levels_of(one, configurations) for one in parameters}
    return {
        "sweep": content,
        "headline": sweep_headline(content),
        "states": Counter(trial.state for trial in content.trials),
        "parameters": parameters,
        "keys": short_keys([one.key for one in parameters], taken=("seed",)),
        "choices": [one for one in parameters if 1 < len(one.values) <= CHOICES],
        "trials": sorted(content.trials, key=lambda trial: -(trial.score if trial.score is not None else -1.0)),
        "tasks": list(dict.fromkeys(task for trial in content.trials for task in trial.tasks)),
        "levels": levels,
        "effects": {one.key: effect(content, one, levels[one.key]) for one in parameters if one.numeric},
        "coordinates": coordinates(content, parameters) if len(parameters) > 1 and configurations else None,
        "ranked": ranked,
        "no_fanova": why_no_fanova(configurations),
        "interactions": interactions(order, configurations),
        "most": MOST,
        "curves": curves(content),
        "spent": spent(content),
        "so_far": best_so_far(content),
        "axis": _axis(content),
        "sections": _sections(content, parameters, has_pairs=len(interactions(order, configurations)) > 0),
    }


def sweep_headline(content: SweepContent) -> str:
    """The finding in one line; never a winner where there is no evidence for one."""
    configurations = content.configurations
    if not configurations:
        return f"None of {times(len(content.trials), 'job')} has a score yet"
    if len(configurations) == 1:
        own = configurations[0]
        if len(own.trials) > len(own.scores):
            return f"{times(len(own.trials), 'job')}, and no best one: {ALIKE}"
        seeds = f", the mean of {times(len(own.scores), 'seed')}" if len(own.scores) > 1 else ""
        return f"One configuration: overall macro-F1 {score_text(own.mean)}{seeds}"
    if content.apart or not content.best:
        why = "not all of them can be compared" if content.apart else "their files do not tell"
        return f"{times(len(configurations), 'configuration')}, and no best one: {why}"
    tie = content.best[0].shortlist.tie
    if not tie:
        return f"One of {content.best[0].shortlist.of} configurations is better than each of the others"
    return f"{tie[0].upper()}{tie[1:]}"


def _axis(content: SweepContent) -> Axis:
    """What the tracks of all tables have in common."""
    reach = content.seed_deviation or 0.0
    means = [one.mean for one in content.configurations]
    scores = [trial.score for trial in content.trials]
    return axis_of([*scores, *(mean + sign * reach for mean in means for sign in (-1, 1))])


def _sections(
    content: SweepContent, parameters: Sequence[SearchedParameter], *, has_pairs: bool
) -> list[tuple[str, str]]:
    scored = bool(content.compared)
    named = [
        ("summary", "Summary", True),
        ("jobs", "Jobs", True),
        ("parameters", "Each setting", bool(parameters) and scored),
        ("parallel", "All settings", len(parameters) > 1 and scored),
        ("importance", "Importance", len(parameters) > 1 and scored),
        ("interactions", "Two settings", has_pairs),
        ("learning", "Learning curves", any(trial.curve for trial in content.trials)),
        ("time", "Time and cost", True),
        ("method", "Method", True),
    ]
    return [(key, name) for key, name, there in named if there]
