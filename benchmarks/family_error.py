"""How often equal configurations are called different: the family error of ``compare`` for few seeds.

python -m benchmarks.family_error

Scores are drawn as their parts: what the rows decide for all runs of a configuration, what they decide for each run,
and the seed. The p-values are those of :class:`polarity.statistics.seeds.SeedEstimate` in vectors; the script
checks them against it. Writes ``benchmarks/results/family_error.md``.
"""

from dataclasses import dataclass
from itertools import combinations, product
from pathlib import Path

import numpy as np
from scipy.stats import t as student

from polarity.statistics.seeds import SeedEstimate, SeedVariance

LEVEL = 0.05
OWN_ROWS = 0.0138
"""Standard deviation that 800 rows give to one run's overall macro-F1 beyond what they give to all runs."""

RESAMPLES = 1000
RESULT = Path(__file__).parent / "results" / "family_error.md"


@dataclass(frozen=True)
class Case:
    """One setting.

    :param spreads: standard deviation of the seed, of the configurations in turn.
    :param common: what the rows decide for all runs of a configuration, in units of what they decide for each.
    """

    configurations: int
    seeds: int
    rows: int
    spreads: tuple[float, ...]
    common: float
    baseline: bool


def family(case: Case, trials: int, generator: np.random.Generator, effect: float = 0.0) -> dict[str, np.ndarray]:
    """p-values of all pairs ``[trials, pairs]``, by method.

    :param effect: of the first configuration.
    """
    count, seeds = case.configurations, case.seeds
    own = OWN_ROWS * np.sqrt(800 / case.rows)
    common = case.common * own
    scores = generator.normal(size=(trials, count, seeds)) * own + generator.normal(size=(trials, count, 1)) * common
    scores += generator.normal(size=scores.shape) * np.resize(case.spreads, count)[:, None]
    scores[:, 0] += effect
    means, variances = scores.mean(axis=2), scores.var(axis=2, ddof=1)
    interactions = own**2 * _estimated(generator, trials, count)
    baseline = generator.normal(size=trials) * np.sqrt(own**2 + common**2)
    pairs = [*combinations(range(count), 2), *((number, count) for number in range(count) if case.baseline)]
    result: dict[str, list[np.ndarray]] = {"pooled": [], "each pair by itself": []}
    for first, second in pairs:
        sides = [first] if second == count else [first, second]
        other = baseline if second == count else means[:, second]
        rows = len(sides) * (own**2 / seeds + common**2) + (own**2 + common**2 if second == count else 0)
        rows = rows * _estimated(generator, trials)
        difference = np.abs(means[:, first] - other)
        variance = np.maximum(variances.mean(axis=1), variances[:, sides].mean(axis=1))
        arguments = rows, variance, interactions.mean(axis=1), count * (seeds - 1), len(sides) / seeds, case.rows
        result["pooled"].append(pooled(difference, *arguments))
        result["each pair by itself"].append(
            by_itself(difference, rows, variances[:, sides], interactions[:, sides], seeds, case.rows)
        )
    return {name: np.stack(values, axis=1) for name, values in result.items()}


def _estimated(generator: np.random.Generator, *shape: int) -> np.ndarray:
    """The factor by which a variance over resamples misses the true one."""
    return np.asarray(1 + generator.normal(size=shape) * np.sqrt(2 / RESAMPLES))


def pooled(
    difference: np.ndarray,
    rows: np.ndarray,
    variance: np.ndarray,
    interaction: np.ndarray,
    freedom: int,
    share: float,
    units: int,
) -> np.ndarray:
    """``SeedEstimate.p`` in vectors."""
    total = rows + np.maximum(0, variance - interaction) * share
    part = np.minimum(1, np.maximum(variance, interaction) * share / total)
    return np.asarray(2 * student.sf(difference / np.sqrt(total), 1 / (part / freedom + rows / total / (units - 1))))


def by_itself(
    difference: np.ndarray, rows: np.ndarray, variances: np.ndarray, interactions: np.ndarray, seeds: int, units: int
) -> np.ndarray:
    """Each configuration's own variance, with the degrees of freedom of Welch and Satterthwaite."""
    total = rows + np.maximum(0, variances - interactions).sum(axis=1) / seeds
    uncertain = rows**2 / (units - 1) + ((variances / seeds) ** 2).sum(axis=1) / (seeds - 1)
    return np.asarray(2 * student.sf(difference / np.sqrt(total), total**2 / uncertain))


def error_and_power(case: Case, trials: int, seed: int = 0) -> dict[str, tuple[float, float]]:
    """By method: how often any pair is called different where none is, and how often one that is 3 points apart is."""
    none = family(case, trials, np.random.default_rng([seed, 0]))
    apart = family(case, trials, np.random.default_rng([seed, 1]), effect=0.03)
    level = LEVEL / next(iter(none.values())).shape[1]
    count = case.configurations
    pairs = [*combinations(range(count), 2), *((number, count) for number in range(count) if case.baseline)]
    first = [0 in pair for pair in pairs]
    return {
        name: (float((none[name] < level).any(axis=1).mean()), float((apart[name][:, first] < level).mean()))
        for name in none
    }


def check() -> None:
    """The vectors give what ``compare`` gives."""
    generator = np.random.default_rng(0)
    for _ in range(200):
        difference, rows, variance, interaction = generator.random(4) * [0.05, 2e-4, 4e-4, 2e-4]
        freedom, share, units = int(generator.integers(1, 10)), float(generator.random()), 800
        seeds = SeedVariance(variance, interaction, freedom)
        wanted = SeedEstimate(difference, rows, units, seeds, share, 2).p
        vectors = np.array([[difference], [rows], [variance], [interaction]])
        result = pooled(vectors[0], vectors[1], vectors[2], vectors[3], freedom, share, units)
        assert np.isclose(result, wanted, rtol=1e-9)


def main() -> None:
    """Run all cases and write the table."""
    check()
    lines = [
        "# How often equal configurations are called different",
        "",
        "Any pair, per cent of the comparisons (Holm over all pairs, level 5 %): the largest over 800 and 3,500 rows,",
        "with and without what rows decide for all runs alike. Power: of a configuration that is 3 points better,",
        "each pair at Holm's first step, mean of the same cases. Before: each pair's own variance, with",
        "the degrees of freedom of Satterthwaite.",
        "`python -m benchmarks.family_error` writes this file.",
        "",
        "| sd of the seed | configurations | baseline | seeds | family error | before | power | before |",
        "|---|---|---|---|---|---|---|---|",
    ]
    spreads = [(0.0,), (0.005,), (0.01,), (0.02,), (0.02, 0.005), (0.03, 0.0)]
    for spread, count, baseline, seeds in product(spreads, (1, 2, 5, 10), (False, True), (2, 3, 5)):
        if count == 1 and not baseline:
            continue
        cases = [Case(count, seeds, rows, spread, common, baseline) for rows in (800, 3500) for common in (0.0, 1.0)]
        collected = [error_and_power(case, 2000 if count < 10 else 1000, seed) for seed, case in enumerate(cases)]
        cells = []
        for column, summary in ((0, max), (1, np.mean)):
            cells += [f"{100 * summary([one[name][column] for one in collected]):.1f}" for name in collected[0]]
        name = " and ".join(f"{value:g}" for value in spread)
        lines.append(f"| {name} | {count} | {'yes' if baseline else 'no'} | {seeds} | {' | '.join(cells)} |")
    RESULT.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
