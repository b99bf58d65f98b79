"""What a comparison of two groups says, in one plain sentence."""

from math import floor, log10

from polarity.evaluation.comparison.evidence import Pair
from polarity.evaluation.comparison.result import Verdict
from polarity.evaluation.statistics.interval import NO_DIFFERENCE_KNOWN, Interval
from polarity.evaluation.statistics.power import rows_needed, seeds_needed

POINT = 0.01


def verdict(pair: Pair, confidence: float) -> Verdict:
    """Of the second group. The corrected test has to find a difference, and the interval to leave 0 out."""
    if pair.tests[0].corrected >= 1 - confidence or 0.0 in pair.interval:
        return "unclear"
    return "better" if pair.estimate.value > 0 else "worse"


def needs(pair: Pair, rows: int, confidence: float) -> tuple[int | None, int | None]:
    """Rows, and seeds, that it would take to see a difference of one point."""
    if pair.interval == NO_DIFFERENCE_KNOWN:
        return None, None
    return (
        rows_needed(pair.estimate, rows, POINT, confidence),
        seeds_needed(pair.estimate, *pair.runs, POINT, confidence),
    )


def sentence(pair: Pair, rows: int, confidence: float) -> str:
    """``B is better than A by 1.4 points, ...`` or ``no evidence of a difference between A and B: ...``.

    Points are hundredths of overall macro-F1.
    """
    found = verdict(pair, confidence)
    first, second = pair.first.name, pair.second.name
    if pair.interval == NO_DIFFERENCE_KNOWN:
        return f"nothing can be said about {first} and {second}: too few groups of rows to know what others would give"
    p = pair.tests[0]
    if found == "unclear":
        text = f"no evidence of a difference between {first} and {second}: interval {_reach(pair.interval)}"
        if 0.0 not in pair.interval:
            text += f", but {_p(p.corrected)} after correction for all pairs"
        return f"{text}; {_needs(pair, rows, confidence)}{_seeds(pair)}"
    better, worse = (second, first) if found == "better" else (first, second)
    interval = pair.interval if found == "better" else Interval(-pair.interval.high, -pair.interval.low)
    size = f"{100 * abs(pair.estimate.value):.1f} points, interval {_reach(interval)}"
    return f"{better} is better than {worse} by {size}, {_p(p.corrected)} after correction{_seeds(pair)}"


def _reach(interval: Interval) -> str:
    return f"{100 * interval.low:.1f} to {100 * interval.high:.1f}"


def _p(value: float) -> str:
    return f"p = {value:.3f}" if value >= 0.001 else "p < 0.001"


def _seeds(pair: Pair) -> str:
    """Whether the interval knows about the seed."""
    counts = [runs.count for runs in pair.runs]
    alone = [
        group.name
        for group, runs in zip((pair.first, pair.second), pair.runs, strict=True)
        if runs.count == 1 and not runs.fixed
    ]
    if not pair.seeds_included:
        what = "one seed each" if len(alone) == 2 else f"one seed of {alone[0]}"
        return f" ({what}: what another seed would change is not in the interval)"
    if alone:
        return f" (over rows, and over {max(counts)} seeds; {alone[0]} has one, and is taken to vary as the other does)"
    seeds = [f"{runs.count}" for runs in pair.runs if not runs.fixed]
    return f" (over rows, and over {' and '.join(dict.fromkeys(seeds))} seeds)"


def _needs(pair: Pair, rows: int, confidence: float) -> str:
    more_rows, more_seeds = needs(pair, rows, confidence)
    ways = []
    if more_rows is not None:
        if more_rows <= rows:
            return "a difference of 1 point would have been seen with a power of 80 %"
        ways.append(f"{_about(more_rows)} rows")
    if more_seeds is not None:
        ways.append(f"{more_seeds} seeds each")
    if not ways:
        return "neither more rows nor more seeds alone would be enough to see 1 point"
    return f"about {' or '.join(ways)} would be needed to see 1 point"


def _about(count: int) -> str:
    """Two digits that count: the estimate is no better than that."""
    digits = floor(log10(count)) - 1
    return f"{round(count, -digits) if digits > 0 else count:,}"
