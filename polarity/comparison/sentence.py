"""What a comparison of two groups says, in one plain sentence."""

from dataclasses import replace
from math import floor, log10

from polarity.comparison.pairs import Pair
from polarity.comparison.result import Verdict
from polarity.statistics.interval import Interval
from polarity.statistics.power import rows_needed, seeds_needed
from polarity.wording import points, times

SIDES = " (the second minus the first)"


def verdict(pair: Pair, confidence: float) -> Verdict:
    """Of the second group. The corrected test has to find a difference, and the interval to leave 0 out."""
    if pair.tests[0].corrected < 1 - confidence and 0.0 not in pair.interval:
        return "better" if pair.estimate.value > 0 else "worse"
    return "equal" if pair.equal.corrected < 1 - confidence else "unclear"


def needs(pair: Pair, rows: int, confidence: float, margin: float) -> tuple[int | None, tuple[int, int | None] | None]:
    """Rows, and seeds, that it would take to see a difference of ``margin``, corrected for all pairs."""
    if not pair.known or pair.folds:
        return None, None
    estimate = pair.estimate
    if not pair.seeds_included:  # where hardly a row tells two runs apart, the interval knows better what others may
        error = pair.interval.error(confidence)
        estimate = replace(estimate, rows=max(estimate.rows, error**2 - estimate.hidden**2))
    return rows_needed(estimate, rows, margin, pair.level), seeds_needed(estimate, margin, pair.level)


def pair_sentence(pair: Pair, rows: int, confidence: float, margin: float = 0.01) -> str:
    """``B is better than A by 1.4 points, ...``, ``A and B are equal within 1 point: ...`` or ``no evidence ...``.

    Points are hundredths of overall macro-F1. Of one run each it says that it is about the runs, not about what their
    configurations would give.
    """
    found = verdict(pair, confidence)
    first, second = pair.first.name, pair.second.name
    if not pair.known:
        return f"nothing can be said about {first} and {second}: too few groups of rows to know what others would give"
    p = pair.tests[0]
    if found == "equal":
        text = f"{first} and {second} are equal within {points(margin)}{_these(pair)}: interval {_reach(pair.interval)}"
        return f"{text}{SIDES}, {_p(pair.equal.corrected)} after correction{_seeds(pair)}"
    if found == "unclear":
        between = "" if pair.seeds_included else "these two runs, "
        text = f"no evidence of a difference between {between}{first} and {second}"
        text += f": interval {_reach(pair.interval)}{SIDES}"
        if 0.0 not in pair.interval:
            alone = round((1 - confidence) / pair.level) == 1
            text += f", but {_p(p.corrected)}{'' if alone else ' after correction for all pairs'}"
        return f"{text}; {_needs(pair, rows, confidence, margin)}{_seeds(pair)}"
    better, worse = (second, first) if found == "better" else (first, second)
    interval = pair.interval if found == "better" else Interval(-pair.interval.high, -pair.interval.low)
    size = f"{100 * abs(pair.estimate.value):.1f} points{_these(pair)}, interval {_reach(interval)}"
    return f"{better} is better than {worse} by {size}, {_p(p.corrected)} after correction{_seeds(pair)}"


def _these(pair: Pair) -> str:
    return "" if pair.seeds_included else " in these two runs"


def _reach(interval: Interval) -> str:
    return f"{100 * interval.low:.1f} to {100 * interval.high:.1f}"


def _p(value: float) -> str:
    return f"p = {value:.3f}" if value >= 0.001 else "p < 0.001"


def _seeds(pair: Pair) -> str:
    """Whether the interval knows about the seed."""
    if pair.folds:
        return f" (mean over {pair.folds} folds, each with other rows and a seed of its own)"
    sides = list(zip((pair.first, pair.second), pair.runs, strict=True))
    alone = [group.name for group, runs in sides if runs.count == 1 and not runs.fixed]
    if not pair.seeds_included:
        what = "one run each" if len(alone) == 2 else f"one run of {alone[0]}"
        return (
            f" ({what}: what another seed would change is not in the interval, so it says nothing of the "
            f"configuration{'s' if len(alone) == 2 else ''})"
        )
    seeds = " and ".join(dict.fromkeys(str(runs.count) for _, runs in sides if not runs.fixed and runs.count > 1))
    over = f"over rows, and over {seeds} seeds" if seeds else "over rows and seeds"
    if alone:
        has = "has one, and is" if len(alone) == 1 else "have one each, and are"
        return f" ({over}; {' and '.join(alone)} {has} taken to vary as the others do)"
    return f" ({over})"


def _needs(pair: Pair, rows: int, confidence: float, margin: float) -> str:
    if pair.folds:
        return "more rows, or more repeats of the folds, would narrow it"
    more_rows, more_seeds = needs(pair, rows, confidence, margin)
    pairs = round((1 - confidence) / pair.level)
    holm = f", corrected for {pairs} pairs (level {1 - confidence:.2g} / {pairs}, Holm's first step)"
    power = f"with a power of 80 %{holm if pairs > 1 else ''}"
    ways = []
    if more_rows is not None:
        if more_rows <= rows:
            return f"a difference of {points(margin)} would have been seen {power}"
        # where no row tells the two apart, only what they may hide is known: a difference would bring rows that vary
        ways.append(f"{'about' if pair.estimate.rows else 'at least'} {_about(more_rows)} rows")
    if more_seeds is not None:
        seeded = [
            group.name for group, runs in zip((pair.first, pair.second), pair.runs, strict=True) if not runs.fixed
        ]
        ways.append(_range(*more_seeds, "each" if len(seeded) == 2 else f"of {seeded[0]}"))
    if not ways:
        return f"neither more rows nor more seeds alone would be enough to see {points(margin)} {power}"
    return f"{' or '.join(ways)} would be needed to see {points(margin)} {power}"


def _range(low: int, high: int | None, whose: str) -> str:
    if high is None:
        return f"{low} seeds {whose} or many more"
    return f"{low} to {high} seeds {whose}" if high > low else f"{times(low, 'seed')} {whose}"


def _about(count: int) -> str:
    """Two digits that count: the estimate is no better than that."""
    digits = floor(log10(count)) - 1
    return f"{round(count, -digits) if digits > 0 else count:,}"
