"""Settings that a sweep searches: their values as places on an axis, and what the scores come to at each."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import ceil, floor, isfinite, log10
from statistics import fmean

import numpy as np

from polarity.reports.html.charts.names import shortened
from polarity.reports.html.charts.scales import SLACK, short, ticks
from polarity.reports.html.sweep.content import Configuration, SweepContent

LOGARITHMIC = 20.0
"""From this ratio of the highest to the lowest value on, an axis is logarithmic."""
FEW = 6
"""Values up to which each is told of by itself; more numbers are put together in groups of about as many values."""
LONG = 7
"""Characters up to which a number is a heading as it was typed; a longer one would be broken on a phone."""
ROOM = 260.0
"""For a value in a table, in the units of charts."""


@dataclass(frozen=True)
class SearchedParameter:
    """A setting that is searched.

    :param key: as on the command line.
    :param values: all that were tried: numbers from the lowest on, names in the order in which they were asked for.
    :param numeric: whether all of them are numbers.
    """

    key: str
    values: Sequence[str]
    numeric: bool

    @cached_property
    def shown(self) -> dict[str, str]:
        """The values as short as they have to be."""
        return dict(zip(self.values, shortened(self.values, ROOM), strict=True))

    @cached_property
    def places(self) -> dict[str, float]:
        """Of each value the share of an axis' width."""
        if not self.numeric:
            return {value: (number + 0.5) / len(self.values) for number, value in enumerate(self.values)}
        return {value: self._share(float(value)) for value in self.values}

    @cached_property
    def marks(self) -> dict[float, str]:
        """Names of places: of all values where these are few or no numbers, else of round ones."""
        if not self.numeric:
            names = shortened(self.values, 320 / len(self.values))
            return dict(zip(self.places.values(), names, strict=True))
        if len(self.values) <= FEW:
            return {self._share(float(value)): _brief(value) for value in self.values}
        low, high = (float(self.values[end]) for end in (0, -1))
        round_ones = _powers(low, high) if self.logarithmic else ticks(low, high)
        return {self._share(value): short(value) for value in round_ones}

    @property
    def logarithmic(self) -> bool:
        """Whether its values go over orders of magnitude."""
        low, high = (float(self.values[end]) for end in (0, -1))
        return low > 0 and high / low >= LOGARITHMIC

    def _share(self, value: float) -> float:
        ends = [float(self.values[end]) for end in (0, -1)]
        if self.logarithmic:
            value, ends = log10(value), [log10(end) for end in ends]
        return (value - ends[0]) / (ends[1] - ends[0]) if ends[1] > ends[0] else 0.5

    @cached_property
    def groups(self) -> dict[str, Sequence[str]]:
        """The values that are told of together, by their common name."""
        if not self.numeric or len(self.values) <= FEW:
            names = [_brief(text) if self.numeric and len(text) > LONG else self.shown[text] for text in self.values]
            names = names if len(set(names)) == len(names) else list(self.shown.values())
            return {name: [value] for name, value in zip(names, self.values, strict=True)}
        parts = [part.tolist() for part in np.array_split(np.array(self.values), FEW - 1)]
        for written in (_brief, str):
            ends = [dict.fromkeys(written(part[end]) for end in (0, -1)) for part in parts]
            names = [" to ".join(both) for both in ends]
            if len(set(names)) == len(names):
                break
        return dict(zip(names, parts, strict=True))


@dataclass(frozen=True)
class Level:
    """The configurations that have one value of a setting, or one of a group of values.

    :param place: share of an axis' width; the mean of a group.
    :param scores: of each configuration, the mean over its seeds.
    """

    name: str
    place: float
    scores: Sequence[float]

    @property
    def mean(self) -> float:
        """Of the scores."""
        return fmean(self.scores)


def parameters_of(content: SweepContent) -> list[SearchedParameter]:
    """What was searched, but for the seed, in the order in which it was asked for."""
    keys = dict.fromkeys([*content.searched, *(key for trial in content.trials for key in trial.values)])
    found = []
    for key in keys:
        tried = {trial.values[key] for trial in content.trials if key in trial.values}
        asked = list(dict.fromkeys([*content.searched.get(key, ()), *sorted(tried)]))
        values = [value for value in asked if value in tried]
        numeric = all(_number(value) is not None for value in values)
        if values:
            found.append(SearchedParameter(key, sorted(values, key=float) if numeric else values, numeric))
    return found


def levels_of(parameter: SearchedParameter, configurations: Sequence[Configuration]) -> list[Level]:
    """What the configurations come to at each value, or group of values; without those that none has."""
    found = []
    for name, values in parameter.groups.items():
        own = [one for one in configurations if one.values.get(parameter.key) in values]
        if own:
            place = fmean(parameter.places[one.values[parameter.key]] for one in own)
            found.append(Level(name, place, [one.mean for one in own]))
    return found


def short_keys(keys: Sequence[str], taken: Collection[str] = ()) -> Mapping[str, str]:
    """The ends of dotted keys that still tell them apart, from each other and from what is taken."""
    for parts in range(1, max((key.count(".") for key in keys), default=0) + 2):
        ends = {key: ".".join(key.split(".")[-parts:]) for key in keys}
        if len({*ends.values(), *taken}) == len(keys) + len(taken):
            return ends
    return {key: key for key in keys}


def _number(value: str) -> float | None:
    try:
        found = float(value)
    except ValueError:
        return None
    return found if isfinite(found) else None


def _powers(low: float, high: float) -> list[float]:
    """Powers of ten between two ends."""
    first, last = ceil(log10(low) - SLACK), floor(log10(high) + SLACK)
    return [10.0**power for power in range(first, last + 1)]


def _brief(value: str) -> str:
    return f"{float(value):.3g}".replace("-", "\u2212")
