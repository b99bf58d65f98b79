"""The charts of a sweep."""

from collections.abc import Sequence
from math import nan

from markupsafe import Markup

from polarity.reports.html.charts.dots import Dot, dots
from polarity.reports.html.charts.names import shortened
from polarity.reports.html.charts.overlaid import Overlaid, overlaid
from polarity.reports.html.charts.parallel import Threaded, parallel
from polarity.reports.html.charts.scales import around, short, ticks
from polarity.reports.html.numbers import duration, score_text
from polarity.reports.html.sweep.content import BEST, RECOMMENDED, Configuration, SweepContent, Trial
from polarity.reports.html.sweep.parameters import Level, SearchedParameter
from polarity.wording import times

SCORE = "overall macro-F1"
NAMES = 120.0
"""Room for a configuration's name where a line or a dot is pointed at, in characters of a chart's units."""


def effect(content: SweepContent, parameter: SearchedParameter, levels: Sequence[Level]) -> Markup:
    """The scores against one setting, with their means and how far seeds alone take one."""
    drawn = [
        _dot(content, one, parameter.places[one.values[parameter.key]])
        for one in content.compared
        if parameter.key in one.values
    ]
    means = "; ".join(f"{level.name}: mean {score_text(level.mean)} of {len(level.scores)}" for level in levels)
    return dots(
        f"Overall macro-F1 against {parameter.key}",
        drawn,
        parameter.marks,
        x_name="logarithmic" if parameter.logarithmic else "",
        y_name=SCORE,
        about=means or "no configuration has a score",
        line=[(level.place, level.mean) for level in levels] if len(levels) > 1 else (),
        band=content.seed_deviation,
    )


def coordinates(content: SweepContent, parameters: Sequence[SearchedParameter]) -> Markup:
    """All settings of all configurations, each by a line to its score."""
    scores = [one.mean for one in content.configurations]
    ends = around(min(scores), max(scores), most=4)
    low, high = ends[0], ends[-1]
    lines = [
        Threaded(
            [*(p.places.get(one.values.get(p.key, ""), nan) for p in parameters), (one.mean - low) / (high - low)],
            _style(content, one.trials),
            _about(content, one),
        )
        for one in content.configurations
    ]
    axes = [(parameter.key, parameter.marks) for parameter in parameters]
    axes.append((SCORE, {(value - low) / (high - low): short(value) for value in ends}))
    best = max(content.configurations, key=lambda one: one.mean)
    about = f"{times(len(lines), 'configuration')}; the highest score, {score_text(best.mean)}, has {best.named}"
    return parallel("Settings and score of every configuration", axes, lines, about)


def curves(content: SweepContent) -> Markup:
    """What all jobs monitor, over the epochs."""
    drawn = [
        Overlaid(
            trial.curve,
            _style(content, [trial]),
            trial.state not in ("finished", "running"),
            f"{trial.name}, {trial.state}: {_values(trial)}",
        )
        for trial in content.trials
    ]
    known = [trial for trial in content.trials if trial.monitored is not None]
    said = [f"{t.name}: best {score_text(t.monitored)} in epoch {t.epoch}" for t in known[:10]]
    more = f"; and {len(known) - 10} more" if len(known) > 10 else ""
    about = f"{'; '.join(said) or 'no job has ended an epoch'}{more}"
    return overlaid(f"{content.monitor} of all jobs", drawn, y_name=content.monitor, about=about)


def spent(content: SweepContent) -> Markup:
    """Score against time."""
    unit, name = _unit([one.seconds for one in content.configurations])
    ends = around(0.0, max((one.seconds / unit for one in content.configurations), default=1.0) or 1.0)
    drawn = [_dot(content, one, one.seconds / unit / ends[-1]) for one in content.configurations]
    marks = {value / ends[-1]: short(value) for value in ends}
    about = "; ".join(f"{_about(content, one)}, {duration(one.seconds)}" for one in content.configurations[:10])
    return dots(
        "Overall macro-F1 against training time", drawn, marks, x_name=name, y_name=SCORE, about=about or "nothing yet"
    )


def best_so_far(content: SweepContent) -> Markup:
    """Scores in the order in which jobs ended, and the highest until then."""
    ended = sorted((t for t in content.trials if t.score is not None and t.ended), key=lambda t: (t.ended, t.name))
    most = max(len(ended) - 1, 1)
    marks = {(value - 1) / most: short(value) for value in ticks(1, len(ended), whole=True)} if len(ended) > 1 else {}
    drawn, line, highest = [], [], 0.0
    for number, trial in enumerate(ended):
        score = trial.score or 0.0
        highest = max(highest, score)
        line.append((number / most, highest))
        said = f"{trial.name}: {score_text(score, 4)}, {_values(trial)}"
        drawn.append(Dot(number / most, score, score, score, _style(content, [trial]), said))
    return dots(
        "Scores in the order in which the jobs ended",
        drawn,
        marks,
        x_name="jobs ended",
        y_name=SCORE,
        about=f"the highest score after {times(len(ended), 'job')} is {score_text(highest)}",
        line=line if len(line) > 1 else (),
    )


def _dot(content: SweepContent, one: Configuration, place: float) -> Dot:
    return Dot(place, one.mean, min(one.scores), max(one.scores), _style(content, one.trials), _about(content, one))


def _about(content: SweepContent, one: Configuration) -> str:
    seeds = f", mean of {times(len(one.scores), 'seed')}" if len(one.scores) > 1 else ""
    standing = ", ".join(["", *content.standings.get(one.trials[0].name, ())])
    return f"{score_text(one.mean, 4)}{seeds}{standing}: {_values(one.trials[0])}"


def _values(trial: Trial) -> str:
    (text,) = shortened([" ".join(f"{key}={value}" for key, value in trial.values.items())], 6 * NAMES)
    return text or "all settings as they are"


def _style(content: SweepContent, trials: Sequence[Trial]) -> str:
    said = {name for trial in trials for name in content.standings.get(trial.name, ())}
    return "after" if RECOMMENDED in said else "sum" if BEST in said else "faint"


def _unit(seconds: Sequence[float]) -> tuple[float, str]:
    longest = max(seconds, default=0.0)
    return (3600.0, "hours") if longest >= 3 * 3600 else (60.0, "minutes") if longest >= 180 else (1.0, "seconds")
