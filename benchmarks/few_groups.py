"""Coverage of intervals, and false alarms, where rows come in groups: ``python benchmarks/few_groups.py [DATA_SETS]``.

Groups (posts, authors) differ in their labels, in how hard they are, and in what each system makes of them. The truth
is that of infinitely many groups. Writes ``benchmarks/results/few_groups.md``; about six minutes of one core.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.special import expit, logit, softmax

from polarity.evaluation.predictions import Predictions, TaskPredictions
from polarity.statistics import intervals, paired_difference
from polarity.tasks import Task

TASK = Task("tone", ("bad", "flat", "good"), "tone")
SHARES, RECALL = np.array([0.6, 0.28, 0.12]), np.array([0.8, 0.65, 0.5])
RESAMPLES, LEVEL = 1000, 0.05
MACRO, DIFFERENCE = "macro-F1", "difference"


@dataclass(frozen=True)
class World:
    """What groups are like.

    :param rows: mean rows of a group; ``spread`` is the standard deviation of the logarithm of their number.
    :param effect: standard deviation, in logits, of a group's label shares and difficulty; half as much is a system's
        own in each group.
    """

    groups: int
    rows: int
    spread: float
    effect: float

    def sizes(self, generator: np.random.Generator) -> np.ndarray:
        """Rows of each group."""
        drawn = np.exp(self.spread * generator.normal(size=self.groups) - self.spread**2 / 2)
        return np.maximum(2, np.round(self.rows * drawn)).astype(int)

    def traits(self, generator: np.random.Generator, groups: int) -> tuple[np.ndarray, np.ndarray]:
        """Label shares ``[groups, 3]`` and the recalls of two systems ``[2, groups, 3]``."""
        shares = softmax(np.log(SHARES) + self.effect * generator.normal(size=(groups, 3)), axis=1)
        hard = self.effect * generator.normal(size=(groups, 1))
        own = self.effect / 2 * generator.normal(size=(2, groups, 1))
        return shares, expit(logit(RECALL) + hard + own)

    def draw(self, generator: np.random.Generator) -> tuple[Predictions, list[list[np.ndarray]]]:
        """Rows and what two systems decide about them; they share half of their luck."""
        sizes = self.sizes(generator)
        shares, recalls = self.traits(generator, self.groups)
        group = np.repeat(np.arange(self.groups), sizes)
        labels = (generator.random(len(group))[:, None] > shares[group].cumsum(axis=1)).sum(axis=1).clip(max=2)
        common, shared = generator.random(len(group)), generator.random(len(group)) < 0.5
        decided = []
        for recall in recalls:
            luck = np.where(shared, common, generator.random(len(group)))
            wrong = (labels + generator.integers(1, 3, size=len(group))) % 3
            decided.append([np.where(luck < recall[group, labels], labels, wrong)])
        ids = [str(number) for number in range(len(group))]
        task_predictions = (TaskPredictions(TASK, labels, labels),)
        return Predictions(ids, task_predictions, {"post": [str(number) for number in group]}, group="post"), decided

    def truth(self) -> dict[str, float]:
        """The scores of infinitely many groups."""
        generator = np.random.default_rng(1)
        shares, recalls = self.traits(generator, 200_000)
        hits = (shares * recalls[0]).mean(axis=0)
        missed = (shares * (1 - recalls[0])).mean(axis=0) / 2
        predicted = hits + missed.sum() - missed
        actual = shares.mean(axis=0)
        f1 = 2 * hits / (predicted + actual)
        return {
            "macro-F1": float(f1.mean()),
            "accuracy": float(hits.sum()),
            **{f"F1 {name}": float(value) for name, value in zip(TASK.classes, f1, strict=True)},
            **{f"recall {name}": float(value) for name, value in zip(TASK.classes, hits / actual, strict=True)},
            **{f"precision {name}": float(value) for name, value in zip(TASK.classes, hits / predicted, strict=True)},
        }


@dataclass(frozen=True)
class Held:
    """What many data sets of one world gave; None where nothing was said.

    :param inside: by score, whether its interval held the truth.
    :param widths: by score, of its interval.
    :param alarms: whether the test found a difference, which there is none of on average.
    """

    inside: dict[str, list[bool | None]]
    widths: dict[str, list[float | None]]
    alarms: list[bool]

    def coverage(self, *scores: str) -> float:
        """Share of the intervals that held the truth; of no interval, 1."""
        said = [value for score in scores for value in self.inside[score] if value is not None]
        return float(np.mean(said)) if said else 1.0

    def width(self, score: str) -> float | None:
        """Median width of the intervals."""
        said = [value for value in self.widths[score] if value is not None]
        return float(np.median(said)) if said else None

    @property
    def silent(self) -> float:
        """Share of the data sets without an interval of the score."""
        return float(np.mean([value is None for value in self.inside[MACRO]]))


def tried(world: World, data_sets: int) -> Held:
    """Many data sets of one world."""
    truth, held = {**world.truth(), DIFFERENCE: 0.0}, Held({}, {}, [])
    for number in range(data_sets):
        rows, (first, second) = world.draw(np.random.default_rng([11, number]))
        estimates = intervals(rows, first, resamples=RESAMPLES)
        pair = paired_difference(rows, first, second, resamples=RESAMPLES).overall
        held.alarms.append(pair.p < LEVEL)
        result = {MACRO: estimates.overall, "accuracy": estimates.tasks[TASK.name].accuracy, DIFFERENCE: pair.interval}
        for name, one in estimates.tasks[TASK.name].per_class.items():
            result |= {f"F1 {name}": one.f1, f"recall {name}": one.recall, f"precision {name}": one.precision}
        for name, interval in result.items():
            held.inside.setdefault(name, []).append(None if interval is None else truth[name] in interval)
            held.widths.setdefault(name, []).append(None if interval is None else interval.high - interval.low)
    return held


SIZES = ((1, 200), (2, 100), (5, 60), (6, 35), (10, 40), (12, 40), (20, 30), (50, 20), (150, 6))
WORLDS = tuple(World(*size, spread, effect) for size in SIZES for spread in (0.0, 0.8) for effect in (0.2, 0.8))


def table(data_sets: int) -> Iterator[str]:
    """Lines of the report."""
    yield "# Intervals of rows in few groups"
    yield ""
    yield (
        f"Made by `python benchmarks/few_groups.py {data_sets}`: {data_sets} data sets each, nominal 95 %. Percentages "
        "of intervals that held the truth, of data sets where approximate randomisation found a difference that is not "
        "there (alarms), and of data sets that got no interval, since one group was nearly everything (silent). "
        "`spread`: standard deviation of the logarithm of the groups' sizes. `effect`: how much groups differ, in "
        "logits."
    )
    yield ""
    yield f"| {' | '.join(HEADER)} |"
    yield f"|{'---|' * len(HEADER)}"
    for world in WORLDS:
        yield f"| {' | '.join(line(world, tried(world, data_sets)))} |"


HEADER = ("groups", "rows each", "spread", "effect", "macro-F1", "difference", "alarms", "accuracy", "F1", "precision",
          "recall", "silent", "width of macro-F1", "of the difference")  # fmt: skip


def line(world: World, held: Held) -> list[str]:
    """Cells of one world, under ``HEADER``."""
    kinds = ([f"{kind} {name}" for name in TASK.classes] for kind in ("F1", "precision", "recall"))
    first, second, *others = [held.coverage(*names) for names in ([MACRO], [DIFFERENCE], ["accuracy"], *kinds)]
    said = ["-" if held.silent == 1 else f"{100 * share:.1f}" for share in (first, second, *others)]
    said[2:2] = [f"{100 * float(np.mean(held.alarms)):.1f}"]
    widths = ["-" if width is None else f"{width:.2f}" for width in (held.width(MACRO), held.width(DIFFERENCE))]
    about = [f"{value:g}" for value in (world.groups, world.rows, world.spread, world.effect)]
    return [*about, *said, f"{100 * held.silent:.1f}", *widths]


if __name__ == "__main__":
    lines = list(table(int(sys.argv[1]) if len(sys.argv) > 1 else 300))
    Path(__file__).with_name("results").joinpath("few_groups.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
