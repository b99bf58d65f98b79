"""Approximate randomisation: a difference among those that swapping the systems' rows makes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from polarity.statistics.counts import Counts, blocks

ROUNDING = 1e-12


@dataclass(frozen=True)
class Randomised:
    """Two-sided p-values of no difference; of overall ``[pairs]`` and of each task's macro-F1 ``[pairs, tasks]``."""

    overall: np.ndarray
    macro_f1: np.ndarray


def randomise(counts: Counts, pairs: Sequence[tuple[int, int]], swaps: int, seed: int) -> Randomised:
    """The p-values of all ``pairs`` (numbers of systems).

    If two systems are alike, each row's decisions might as well have come from the other. So in each of ``swaps``
    trials, the decisions of every unit are swapped with probability 1/2, and

        p = (1 + trials with a difference at least as large) / (1 + trials).

    Noreen, Computer-Intensive Methods for Testing Hypotheses, 1989; Yeh, More accurate tests for the statistical
    significance of result differences, COLING 2000.
    """
    first, second = (np.array([pair[side] for pair in pairs], dtype=int) for side in (0, 1))
    observed = counts.observed()
    found = [abs(values[0, second] - values[0, first]) for values in (observed.overall, observed.macro_f1)]
    hits = [np.zeros(value.shape) for value in found]
    generator = np.random.default_rng([seed, 1])
    actual, whole = counts.parts(counts.matrix.sum(axis=0, dtype=np.float64)[None])
    for size in blocks(swaps, max(counts.units, len(pairs) * actual.shape[1] * 4)):
        _, swapped = counts.parts(_coins(generator, size, counts.units) @ counts.matrix)
        moved = swapped[:, second] - swapped[:, first]
        mixed = np.concatenate([whole[:, first] + moved, whole[:, second] - moved], axis=1)
        trials = counts.scores(actual, mixed)
        for number, values in enumerate((trials.overall, trials.macro_f1)):
            differences = abs(values[:, len(pairs) :] - values[:, : len(pairs)])
            hits[number] += (differences >= found[number] - ROUNDING).sum(axis=0)
    return Randomised(*((hit + 1) / (swaps + 1) for hit in hits))


def _coins(generator: np.random.Generator, size: int, units: int) -> np.ndarray:
    """0 or 1 with equal probability, float32 ``[size, units]``."""
    bits = np.frombuffer(generator.bytes(-(-size * units // 8)), dtype=np.uint8)
    return np.unpackbits(bits, count=size * units).reshape(size, units).astype(np.float32)
