"""The gate: what is better is kept, what is not is not, and the number that is told is honest."""

from dataclasses import replace

import numpy as np
import pytest

from polarity.calibration import NoCalibration, TemperatureScaling
from polarity.decisions.argmax import Argmax
from polarity.ensembles.average import Average
from polarity.ensembles.candidates import Alone, Blended, Candidate, MemberRows, Rulings
from polarity.ensembles.greedy import Greedy
from polarity.ensembles.judge import Judged, deal, judge
from polarity.evaluation.predictions import Predictions, TaskPredictions
from polarity.posthoc.gain import gain, overall_gain
from polarity.tasks import IGNORE_INDEX, Task

TASK = Task("tone", ("a", "b", "c"), "tone")


def members_of(labels: np.ndarray, logits: list[np.ndarray], name: str = "row") -> MemberRows:
    ids = [f"{name}-{number}" for number in range(len(labels))]
    rows = Predictions(ids, (TaskPredictions(TASK, labels, np.zeros_like(labels)),))
    return MemberRows(rows, [[each] for each in logits])


def signal(seed: int, rows: int, noise: float, count: int = 3) -> tuple[np.ndarray, list[np.ndarray]]:
    """Labels, and logits of members that see them through noise of their own."""
    generator = np.random.default_rng(seed)
    labels = generator.choice(3, size=rows, p=[0.5, 0.3, 0.2])
    return labels, [
        (2.0 * np.eye(3)[labels] + noise * generator.normal(size=(rows, 3))).astype(np.float32) for _ in range(count)
    ]


def judged(members: MemberRows, ways: list[Candidate], standard_errors: float | None = 2.0) -> Judged:
    rulings = Rulings(TemperatureScaling(), Argmax(), deal(members))
    alone = [Alone(f"m{number}", logits) for number, logits in enumerate(members.logits)]
    decided = {one.name: rulings.decided(one, members) for one in (*alone, *ways)}
    names = [one.name for one in alone], [one.name for one in ways]
    return judge(members, decided, rulings.folds, alone=names[0], ways=names[1], standard_errors=standard_errors)


def average(members: MemberRows) -> Blended:
    return Blended("average", members, Average(), TemperatureScaling())


def test_an_average_of_members_with_noise_of_their_own_is_kept_and_its_gain_is_real() -> None:
    members = members_of(*signal(0, 600, 2.0))
    judgement = judged(members, [average(members)])
    assert judgement.kept == "average"
    labels, fresh = signal(1, 20_000, 2.0)
    best = int(judgement.best[1:])
    pooled = np.mean([np.exp(each - each.max(axis=1, keepdims=True)) for each in fresh], axis=0)
    truly = gain(TASK, labels, fresh[best].argmax(axis=1), pooled.argmax(axis=1)).value
    assert judgement.honest_gain.value == pytest.approx(truly, abs=0.03)


def test_members_that_say_the_same_are_no_ensemble() -> None:
    labels, logits = signal(0, 300, 2.0, count=1)
    members = members_of(labels, logits * 3)
    judgement = judged(members, [average(members)])
    assert judgement.kept is None
    assert judgement.gains["average"].value == 0


def test_noise_beside_a_good_member_is_refused_unless_it_is_asked_for() -> None:
    labels, (good,) = signal(0, 400, 1.0, count=1)
    noise = [8 * np.random.default_rng(seed).normal(size=good.shape).astype(np.float32) for seed in (1, 2)]
    members = members_of(labels, [*noise, good])
    raw = Blended("average", members, Average(), NoCalibration())  # a calibration would make noise as good as silent
    judgement = judged(members, [raw])
    assert (judgement.kept, judgement.best) == (None, "m2")
    asked = judged(members, [raw], None)
    assert asked.kept == "average"
    assert asked.honest_gain.value < 0, "told as it is"


def test_the_decisions_that_are_told_know_nothing_of_their_row() -> None:
    """A way that only remembers is right about every row that it was fitted to, and nothing else."""

    class Remembering(Candidate):
        name = "remembering"

        def logits(self, inside: np.ndarray) -> list[np.ndarray]:
            return [np.where(inside[:, None], 9.0 * np.eye(3)[labels], np.eye(3)[(labels + 1) % 3]).astype(np.float32)]

    labels, logits = signal(0, 200, 2.0)
    judgement = judged(members_of(labels, logits), [Remembering()])
    assert judgement.kept is None
    assert judged(members_of(labels, logits), [Remembering()], None).honest_gain.value < -0.3


def test_several_ways_have_to_gain_more_each() -> None:
    members = members_of(*signal(0, 200, 2.0))
    one = judged(members, [average(members)])
    two = judged(members, [average(members), Blended("greedy", members, Greedy(), TemperatureScaling())])
    assert one.needed == pytest.approx(2.0)
    assert two.needed is not None
    assert two.needed > 2.2


def test_ways_that_are_no_better_are_rarely_kept() -> None:
    """Members and ways of which none is better than another: decisions that differ here and there by chance."""
    kept = 0
    for seed in range(40):
        generator = np.random.default_rng(seed)
        labels = generator.choice(3, size=120, p=[0.6, 0.3, 0.1])

        def near(core: np.ndarray | None, share: float, draw: np.random.Generator, of: np.ndarray) -> np.ndarray:
            own = np.where(draw.random(120) < 0.6, of, draw.integers(0, 3, 120))
            return own if core is None else np.where(draw.random(120) < share, core, own)

        core = near(None, 0, generator, labels)
        way = near(core, 0.8, generator, labels)
        decided = {f"m{number}": [near(core, 0.8, generator, labels)] for number in range(2)}
        decided |= {f"way{number}": [near(way, 0.7, generator, labels)] for number in range(2)}
        members = members_of(labels, [], f"seed-{seed}")
        judgement = judge(
            members, decided, deal(members), alone=["m0", "m1"], ways=["way0", "way1"], standard_errors=2.0
        )
        kept += judgement.kept is not None
    assert kept <= 4


def test_what_is_worse_than_each_member_is_never_kept() -> None:
    """Each of two members is right where the other one is not: the best on the other folds is wrong on a fold."""
    labels = np.tile([0, 1, 2], 60)
    members = members_of(labels, [], "row")
    folds, wrong = deal(members), (labels + 1) % 3
    first, second = (np.where((folds < 2) == flip, labels, wrong) for flip in (True, False))
    second[folds == 4] = labels[folds == 4]
    first[folds == 4] = labels[folds == 4]
    way = np.where(np.arange(180) % 4 == 0, labels, wrong)
    decided = {"a": [first], "b": [second], "way": [way]}
    judgement = judge(members, decided, folds, alone=["a", "b"], ways=["way"], standard_errors=0.0)
    assert judgement.over_best["way"] < 0
    assert judgement.gains["way"].value > 0
    assert judgement.kept is None


@pytest.mark.parametrize("groups", [1, 2, 12])
def test_groups_stay_whole_and_few_of_them_prove_nothing(groups: int) -> None:
    labels, logits = signal(0, 240, 2.0)
    free = members_of(labels, logits)
    posts = [f"post {number % groups}" for number in range(240)]
    members = replace(free, rows=replace(free.rows, metadata={"post": posts}, group="post"))
    folds = deal(members)
    assert all(len(set(folds[np.array(posts) == post].tolist())) == 1 for post in set(posts))
    assert (judged(members, [average(members)]).kept is None) == (groups < 3)


def test_the_gain_over_all_tasks_is_the_mean_of_theirs() -> None:
    generator = np.random.default_rng(0)
    tasks = [TASK, Task("topic", ("x", "y"), "topic")]
    labels = np.column_stack([generator.integers(0, 3, 300), generator.integers(0, 2, 300)])
    labels[::3, 1] = IGNORE_INDEX
    first, second = ([generator.integers(0, 3, 300), generator.integers(0, 2, 300)] for _ in range(2))
    known = labels[:, 1] != IGNORE_INDEX
    parts = [
        gain(TASK, labels[:, 0], first[0], second[0]),
        gain(tasks[1], labels[known, 1], first[1][known], second[1][known]),
    ]
    judgement = overall_gain(tasks, labels, first, second)
    assert judgement.value == pytest.approx(np.mean([part.value for part in parts]))
    apart = np.sqrt(sum(part.standard_error**2 for part in parts)) / 2
    assert judgement.standard_error == pytest.approx(apart, rel=0.15), "as of independent tasks"
    assert overall_gain(tasks, np.full_like(labels, IGNORE_INDEX), first, second).value == 0
    alone = overall_gain(tasks[:1], labels[:, :1], first[:1], second[:1])
    assert (alone.value, alone.standard_error) == pytest.approx((parts[0].value, parts[0].standard_error))
