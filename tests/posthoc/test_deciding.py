"""Calibration and rules fitted on validation: what is kept, what is stored, and that the gain told is honest."""

import json
import math
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from polarity.calibration import Calibration, NoCalibration, TemperatureScaling, VectorScaling
from polarity.calibration.scaling import Scaling
from polarity.data.rows import Rows
from polarity.decisions import Argmax, BiasDecision, Decision, PriorDecision, ThresholdDecision
from polarity.decisions.rules import AddedBias, Rule
from polarity.errors import UserError
from polarity.evaluation.metrics import score_task
from polarity.evaluation.predictions import Predictions, TaskPredictions, read_predictions, write_predictions
from polarity.posthoc import FILE, Decider, Fitted, fit_decider
from polarity.posthoc.crossfit import FittingMethod, LabelledRows, cross_fitted, judged_without
from polarity.posthoc.evidence import told
from polarity.posthoc.folds import stratified_folds
from polarity.posthoc.gain import Gain, gain, standard_error
from polarity.posthoc.task_fitting import CLEAR
from polarity.tasks import IGNORE_INDEX, Task

TONE, TOPIC = Task("tone", ("none", "yes", "no"), "tone"), Task("topic", ("1", "2"), "topic")
WEIGHTS = "ab" * 32
METHODS: list[tuple[Calibration, Decision]] = [
    (NoCalibration(), Argmax()),
    (TemperatureScaling(), BiasDecision()),
    (VectorScaling(), BiasDecision(standard_errors=None)),
    (TemperatureScaling(), ThresholdDecision(standard_errors=0.0)),
    (VectorScaling(), PriorDecision()),
]


class Tenfold(Calibration):
    """A calibration of somebody's own with one method, which makes everything worse."""

    def fit(self, logits: np.ndarray, labels: np.ndarray) -> Scaling:
        return Scaling((10.0,) * logits.shape[1], (0.0,) * logits.shape[1])


class Never(Decision):
    """A decision of somebody's own with one method, which never decides for the first class."""

    def fit(self, task: Task, log_probabilities: np.ndarray, labels: np.ndarray) -> Rule:
        return AddedBias((-100.0, *[0.0] * (len(task.classes) - 1)))


every_method = pytest.mark.parametrize(("calibration", "decision"), METHODS)


def one_task(task: Task, rows: int, seed: int, *, skew: float = 1.0, missing: float = 0.2) -> TaskPredictions:
    """Overconfident logits of imbalanced labels; the larger the skew, the more argmax neglects later classes."""
    generator = np.random.default_rng(seed)
    right = generator.normal(loc=-skew * np.arange(len(task.classes)), size=(rows, len(task.classes)))
    labels = (right + generator.gumbel(size=right.shape)).argmax(axis=1)
    labels[generator.random(rows) < missing] = IGNORE_INDEX
    logits = (2 * right).astype(np.float32)
    return TaskPredictions(task, labels, logits.argmax(axis=1), logits)


def sample(rows: int = 400, seed: int = 0, **settings: Any) -> Predictions:
    tasks = tuple(one_task(task, rows, 10 * seed + number, **settings) for number, task in enumerate((TONE, TOPIC)))
    return Predictions([f"row-{number}" for number in range(rows)], tasks, {"source": ["a"] * rows})


def with_labels(predictions: Predictions, task: int, labels: np.ndarray) -> Predictions:
    tasks = list(predictions.tasks)
    tasks[task] = replace(tasks[task], labels=labels)
    return replace(predictions, tasks=tuple(tasks))


def model_folder(folder: Path, weights: str = WEIGHTS, tasks: tuple[Task, ...] = (TONE, TOPIC)) -> Path:
    card = {"tasks": [{"name": task.name, "classes": list(task.classes)} for task in tasks], "weights_sha256": weights}
    folder.mkdir(exist_ok=True)
    (folder / "polarity.json").write_text(json.dumps(card), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def fitted() -> Fitted:
    return fit_decider(sample(2000, skew=1.5), TemperatureScaling(), BiasDecision())


def test_without_a_label_nothing_is_gained() -> None:
    nothing = np.empty(0, dtype=np.int64)
    assert gain(TONE, nothing, nothing, nothing) == Gain(0.0, 0.0)


def test_groups_of_one_row_have_the_error_of_rows_about_their_mean() -> None:
    pulls = np.array([0.5, 0.7, 0.2, 0.9])
    assert standard_error(pulls, np.arange(4)) == pytest.approx((pulls.std(ddof=1) / 2, 3))


@every_method
def test_it_depends_on_ids_and_not_on_the_order(calibration: Calibration, decision: Decision) -> None:
    predictions = sample()
    shuffled = np.random.default_rng(1).permutation(len(predictions))
    first = fit_decider(predictions, calibration, decision)
    second = fit_decider(predictions.select(shuffled), calibration, decision)
    for before, after in zip(first.predictions.tasks, second.predictions.tasks, strict=True):
        assert before.crossfit is not None
        assert (before.crossfit[shuffled] == after.crossfit).all()
    assert [evidence["decision"]["kept"] for evidence in first.evidence.values()] == [
        evidence["decision"]["kept"] for evidence in second.evidence.values()
    ]
    again = fit_decider(predictions, calibration, decision)
    assert again.decider == first.decider
    assert again.evidence == first.evidence


@every_method
def test_what_is_stored_decides_the_same_to_the_last_bit(
    calibration: Calibration, decision: Decision, tmp_path: Path
) -> None:
    fitted = fit_decider(sample(), calibration, decision)
    fitted.decider.save(model_folder(tmp_path), WEIGHTS)
    loaded = Decider.load(tmp_path)
    assert loaded == fitted.decider
    fresh = loaded.apply(sample(seed=1))
    write_predictions(tmp_path / "val.parquet", fresh)
    read = read_predictions(tmp_path / "val.parquet")
    again = loaded.apply(read)
    for one, other in zip(fresh.tasks, again.tasks, strict=True):
        assert (one.predicted == other.predicted).all()
        assert one.probabilities is not None
        assert other.probabilities is not None
        assert np.array_equal(one.probabilities, other.probabilities)
    logits = [item.logits for item in fresh.tasks if item.logits is not None]
    assert all(np.array_equal(d, item.predicted) for d, item in zip(loaded.decide(logits), fresh.tasks, strict=True))


@every_method
def test_evidence_is_plain_and_its_scores_are_those_of_the_predictions(
    calibration: Calibration, decision: Decision
) -> None:
    fitted = fit_decider(sample(), calibration, decision)
    assert json.loads(json.dumps(fitted.evidence)) == fitted.evidence
    for item in fitted.predictions.tasks:
        evidence = fitted.evidence[item.task.name]["decision"]
        for name, decided in [("uncalibrated", item.argmax), ("honest", item.honest)]:
            assert evidence["macro_f1"][name] == score_task(item.task, item.labels, decided).macro_f1
        kept = evidence["macro_f1"]["in_sample" if evidence["kept"] else "uncalibrated"]
        assert score_task(item.task, item.labels, item.predicted).macro_f1 == pytest.approx(kept)
        assert evidence["honest_gain"] == pytest.approx(
            evidence["macro_f1"]["honest"] - evidence["macro_f1"]["uncalibrated"]
        )


def test_a_rule_that_helps_is_kept_and_raises_the_score_of_other_rows(fitted: Fitted) -> None:
    test = sample(8000, seed=1, skew=1.5)
    decided = fitted.decider.apply(test)
    for before, after in zip(test.tasks, decided.tasks, strict=True):
        evidence = fitted.evidence[before.task.name]["decision"]
        assert evidence["kept"]
        assert evidence["reason"].startswith("kept: the cross-fitted gain is +")
        assert gain(
            before.task, before.labels[before.known], before.argmax[before.known], after.predicted[before.known]
        ).exceeds(2)


@pytest.mark.parametrize("decision", [BiasDecision(), ThresholdDecision(), PriorDecision()])
def test_a_rule_without_convincing_gain_leaves_argmax_and_says_so(decision: Decision) -> None:
    kept = 0
    for seed in range(5):
        fitted = fit_decider(sample(200, seed, skew=0.0), TemperatureScaling(), decision)
        for item in fitted.predictions.tasks:
            evidence = fitted.evidence[item.task.name]["decision"]
            kept += evidence["kept"]
            if not evidence["kept"]:
                assert (item.predicted == item.argmax).all()
                assert (item.honest == item.argmax).all()
                assert evidence["reason"].startswith("not kept, argmax is used")
    assert kept <= 2, "of ten tasks with nothing to gain"


def test_what_is_somebodys_own_is_judged_as_well() -> None:
    fitted = fit_decider(sample(400), Tenfold(), Never())
    for evidence in fitted.evidence.values():
        assert not evidence["calibration"]["kept"]
        assert not evidence["decision"]["kept"]


def test_null_keeps_the_rule_whatever_it_gains() -> None:
    fitted = fit_decider(sample(200, skew=0.0), TemperatureScaling(), BiasDecision(standard_errors=None))
    assert all(evidence["decision"]["kept"] for evidence in fitted.evidence.values())
    assert "as asked for" in fitted.evidence["tone"]["decision"]["reason"]


def test_more_standard_errors_keep_less() -> None:
    counts = [
        sum(
            fit_decider(sample(150, seed), TemperatureScaling(), BiasDecision(standard_errors=needed)).evidence["tone"][
                "decision"
            ]["kept"]
            for seed in range(4)
        )
        for needed in (0.0, 1.5, 6.0)
    ]
    assert counts == sorted(counts, reverse=True)
    assert counts[0] > counts[-1]


@pytest.mark.slow
def test_the_gain_that_is_told_is_honest_and_in_sample_is_not() -> None:
    collected, seen, true = [], [], []
    for seed in range(60):
        predictions = sample(150, seed, missing=0.0)
        fitted = fit_decider(predictions, TemperatureScaling(), BiasDecision())
        evidence = fitted.evidence["tone"]["decision"]
        fresh = sample(4000, seed + 1000, missing=0.0)
        before, after = fresh.tasks[0], fitted.decider.apply(fresh).tasks[0]
        true.append(gain(TONE, before.labels, before.argmax, after.predicted).value)
        collected.append(evidence["honest_gain"])
        seen.append(evidence["macro_f1"]["in_sample"] - evidence["macro_f1"]["uncalibrated"] if evidence["kept"] else 0)
    error = np.std(np.subtract(collected, true), ddof=1) / np.sqrt(len(collected))
    assert abs(np.mean(collected) - np.mean(true)) < 3 * error
    assert np.mean(seen) > np.mean(true) + 3 * error


def test_calibration_changes_probabilities_and_never_argmax() -> None:
    for calibration in (TemperatureScaling(), VectorScaling()):
        fitted = fit_decider(sample(1000), calibration, Argmax())
        for item in fitted.predictions.tasks:
            evidence = fitted.evidence[item.task.name]["calibration"]
            assert evidence["kept"]
            assert evidence["after"]["nll"] < evidence["before"]["nll"]
            assert evidence["after"]["ece"] < evidence["before"]["ece"]
            assert (item.predicted == item.argmax).all()


def test_a_calibration_that_does_not_help_is_not_kept() -> None:
    predictions = sample(60, skew=0.0)
    right = replace(predictions, tasks=tuple(replace(item, logits=item.logits / 2) for item in predictions.tasks))  # type: ignore[operator]
    fitted = fit_decider(right, VectorScaling(penalty=1e-3), Argmax())
    result = [evidence["calibration"] for evidence in fitted.evidence.values()]
    assert any(not one["kept"] and one["reason"].startswith("not kept") for one in result)
    for one, task in zip(result, fitted.decider.tasks.values(), strict=True):
        assert one["kept"] or set(task.scaling.scale) == {1.0}


@pytest.mark.parametrize(
    ("labels", "reason"),
    [
        (np.full(100, IGNORE_INDEX), "no validation row has a label"),
        (np.ones(100, dtype=np.int64), "of one class"),
        (np.where(np.arange(100) < 9, np.arange(100) % 3, IGNORE_INDEX), "only 9 validation rows have a label"),
    ],
)
@every_method
def test_a_task_that_cannot_be_fitted_stays_plain(
    calibration: Calibration, decision: Decision, labels: np.ndarray, reason: str
) -> None:
    fitted = fit_decider(with_labels(sample(100), 0, labels), calibration, decision)
    assert reason in fitted.evidence["tone"]["decision"]["reason"]
    item = fitted.predictions.tasks[0]
    assert (item.predicted == item.argmax).all()
    assert (item.honest == item.argmax).all()
    assert fitted.evidence["topic"]["rows"] > 0


def test_what_was_kept_is_told_in_sentences_and_once_where_it_is_the_same() -> None:
    names = {"calibration": "calibration", "decision": "decision rule"}
    unlabelled = with_labels(with_labels(sample(100), 0, np.full(100, IGNORE_INDEX)), 1, np.full(100, IGNORE_INDEX))
    said = told(fit_decider(unlabelled, VectorScaling(), Argmax()).evidence, names)
    assert said == ["tone, topic: calibration and decision rule: no validation row has a label, so nothing was fitted"]
    said = told(fit_decider(sample(100), NoCalibration(), Argmax()).evidence, names)
    plain = "calibration: no calibration was asked for; decision rule: plain argmax was asked for"
    assert said == [f"tone, topic: {plain}"]
    tone, topic = told(fit_decider(sample(), VectorScaling(), BiasDecision()).evidence, names)
    assert re.match(r"tone: calibration (not )?kept: .*; decision rule (not )?kept", tone)
    assert topic.startswith("topic: calibration ")


@every_method
@pytest.mark.parametrize("rare", [0, 1, 2, 4])
def test_a_class_that_is_absent_or_rarer_than_the_folds(
    calibration: Calibration, decision: Decision, rare: int
) -> None:
    labels = np.arange(100) % 2
    labels[:rare] = 2
    fitted = fit_decider(with_labels(sample(100), 0, labels), calibration, decision)
    assert np.isfinite(fitted.predictions.tasks[0].probabilities).all()  # type: ignore[arg-type]


@every_method
@pytest.mark.parametrize("unit", [0.0, 1e-30, 1e30])
def test_huge_tiny_and_equal_logits(calibration: Calibration, decision: Decision, unit: float) -> None:
    predictions = sample(100)
    scaled = tuple(replace(item, logits=(unit * item.logits).astype(np.float32)) for item in predictions.tasks)  # type: ignore[operator]
    fitted = fit_decider(replace(predictions, tasks=scaled), calibration, decision)
    for item in fitted.predictions.tasks:
        assert item.probabilities is not None
        np.testing.assert_allclose(item.probabilities.sum(axis=1), 1, rtol=1e-9)
        assert score_task(item.task, item.labels, item.predicted).macro_f1 is not None


def test_predictions_without_logits_cannot_be_fitted_or_decided(fitted: Fitted) -> None:
    bare = replace(sample(), tasks=tuple(replace(item, logits=None) for item in sample().tasks))
    with pytest.raises(UserError, match="tone hold no logits") as caught:
        fit_decider(bare, TemperatureScaling(), BiasDecision())
    assert len(caught.value.problems) == 2
    with pytest.raises(UserError, match="hold no logits"):
        fitted.decider.apply(bare)


def test_predictions_of_other_tasks_are_refused(fitted: Fitted) -> None:
    predictions = sample()
    with pytest.raises(UserError, match="the rule is for tone"):
        fitted.decider.apply(replace(predictions, tasks=predictions.tasks[:1]))


def test_the_decision_can_be_overridden(fitted: Fitted) -> None:
    test = sample(seed=1)
    plain = fitted.decider.with_decision("argmax").apply(test)
    stored = fitted.decider.with_decision("stored").apply(test)
    assert all((item.predicted == item.argmax).all() for item in plain.tasks)
    assert any((item.predicted != item.argmax).any() for item in stored.tasks)
    assert np.array_equal(plain.tasks[0].probabilities, stored.tasks[0].probabilities)  # type: ignore[arg-type]
    with pytest.raises(UserError, match="did you mean 'argmax'"):
        fitted.decider.with_decision("argmx")


def test_plain_is_softmax_and_argmax() -> None:
    test = sample()
    plain = Decider.plain({task.name: task.classes for task in (TONE, TOPIC)}).apply(test)
    assert all((item.predicted == item.argmax).all() for item in plain.tasks)


def damage(folder: Path, **changes: Any) -> None:
    content = json.loads((folder / FILE).read_text(encoding="utf-8"))
    (folder / FILE).write_text(json.dumps(content | changes), encoding="utf-8")


def test_a_missing_or_foreign_rule_is_an_error(fitted: Fitted, tmp_path: Path) -> None:
    folder = model_folder(tmp_path)
    with pytest.raises(UserError, match=r"decision\.json: there is no such file"):
        Decider.load(folder)
    fitted.decider.save(folder, WEIGHTS)
    model_folder(tmp_path, weights="cd" * 32)
    with pytest.raises(UserError, match="was fitted for other weights"):
        Decider.load(folder)
    model_folder(tmp_path, tasks=(TONE, replace(TOPIC, classes=("2", "1"))))
    with pytest.raises(UserError, match="but the model for"):
        Decider.load(folder)
    model_folder(tmp_path, tasks=(TOPIC, TONE))
    with pytest.raises(UserError, match="but the model for"):
        Decider.load(folder)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"version": 99}, "version 99 is unknown"),
        ({"tasks": {}}, "is for no task"),
        ({"tasks": []}, "is damaged"),
        ({"tasks": {"tone": {"classes": ["none", "yes", "no"]}}}, "is damaged"),
    ],
)
def test_a_damaged_rule_is_an_error(fitted: Fitted, tmp_path: Path, changes: dict[str, Any], problem: str) -> None:
    fitted.decider.save(model_folder(tmp_path), WEIGHTS)
    damage(tmp_path, **changes)
    with pytest.raises(UserError, match=problem):
        Decider.load(tmp_path)


def test_a_cut_off_rule_is_an_error(fitted: Fitted, tmp_path: Path) -> None:
    fitted.decider.save(model_folder(tmp_path), WEIGHTS)
    path = tmp_path / FILE
    path.write_text(path.read_text(encoding="utf-8")[:-40], encoding="utf-8")
    with pytest.raises(UserError, match="is damaged"):
        Decider.load(tmp_path)


@pytest.mark.parametrize("folds", [2, 5, 7])
def test_folds_share_out_rows_and_classes_evenly(folds: int) -> None:
    labels = np.repeat([0, 1, 2], [70, 25, 3])
    ids = [f"row-{number}" for number in range(98)]
    dealt = stratified_folds(ids, labels, folds, seed=0)
    assert np.ptp(np.bincount(dealt, minlength=folds)) <= 1
    for c in range(3):
        assert np.ptp(np.bincount(dealt[labels == c], minlength=folds)) <= 1
    assert (dealt != stratified_folds(ids, labels, folds, seed=1)).any()


def test_the_standard_error_of_a_gain_is_that_of_the_bootstrap() -> None:
    item = one_task(TONE, 600, 0, missing=0.0)
    biased = (item.logits + np.array([0.0, 0.8, 1.6])).argmax(axis=1)  # type: ignore[operator]
    judgement = gain(TONE, item.labels, item.argmax, biased)
    generator, drawn = np.random.default_rng(0), []
    for _ in range(400):
        rows = generator.integers(0, 600, 600)
        drawn.append(gain(TONE, item.labels[rows], item.argmax[rows], biased[rows]).value)
    assert judgement.standard_error == pytest.approx(np.std(drawn), rel=0.1)
    assert judgement.value == pytest.approx(np.mean(drawn), abs=3 * judgement.standard_error / 20 + 0.005)


def test_a_clear_gain_is_judged_alike_by_every_part_of_the_rows() -> None:
    item = one_task(TONE, 4000, 0, skew=1.5, missing=0.0)
    assert item.logits is not None
    ids = [f"row-{number}" for number in range(4000)]
    rows = LabelledRows(TONE, ids, item.logits.astype(np.float64), item.labels)
    method = FittingMethod(TemperatureScaling(), BiasDecision(), folds=5, seed=0)
    _, decided = cross_fitted(rows, method)
    assert gain(TONE, rows.labels, rows.argmax, decided).exceeds(1.5 + CLEAR)
    assert (judged_without(rows, method) == decided).all()


@pytest.mark.parametrize("decision", [BiasDecision(standard_errors=None), ThresholdDecision(standard_errors=None)])
def test_a_class_with_just_enough_rows_is_moved_by_the_rules_that_judge_it_as_well(decision: Decision) -> None:
    """Five rows of it are four in each fit without a fold."""
    labels = np.repeat([0, 1, 2], [5, 60, 60])
    logits = np.random.default_rng(0).normal(0, 0.3, (125, 3)) + 2.0 * np.eye(3)[labels]
    logits[:, 0] -= 2.5
    assert (logits.argmax(axis=1) != 0).all(), "no row is taken for it without a rule"
    rows = Predictions([str(row) for row in range(125)], (TaskPredictions(TONE, labels, logits.argmax(1), logits),))
    (item,) = fit_decider(rows, NoCalibration(), decision).predictions.tasks
    assert (item.honest[:5] == 0).sum() >= 4
    part = fit_decider(rows.select(np.arange(125) > 0), NoCalibration(), decision, whole=rows)
    assert (part.decider.apply(rows).tasks[0].predicted[:5] == 0).sum() >= 4
    alone = fit_decider(rows.select(np.arange(125) > 0), NoCalibration(), decision).decider
    assert alone != part.decider, "four rows by themselves are too few"


@pytest.mark.parametrize("seed", [19, 29, 42])
def test_a_rule_that_is_kept_by_little_is_judged_without_each_fold(seed: int) -> None:
    item = one_task(TONE, 150, 10 * seed, missing=0.0)
    assert item.logits is not None
    ids = [f"row-{number}" for number in range(150)]
    rows = LabelledRows(TONE, ids, item.logits.astype(np.float64), item.labels)
    outer, inner = (FittingMethod(NoCalibration(), BiasDecision(), folds=5, seed=number) for number in (0, 1))
    judged, folds = rows.argmax, stratified_folds(ids, rows.labels, 5, 0)
    for fold in range(5):
        out = folds == fold
        others = rows.select(~out)
        if others.gain(others.argmax, cross_fitted(others, inner)[1]).exceeds(1.5):
            scaling, rule = inner.fit(others)
            judged[out] = rule.decide(rows.logits[out], scaling.log_probabilities(rows.logits[out]))
    result = fit_decider(Predictions(ids, (item,)), NoCalibration(), BiasDecision())
    assert result.evidence["tone"]["decision"]["kept"]
    assert (result.predictions.tasks[0].honest == judged).all()
    assert result.evidence["tone"]["decision"]["honest_gain"] == pytest.approx(rows.gain(rows.argmax, judged).value)
    assert (judged != cross_fitted(rows, outer)[1]).any()
    assert (judged != rows.argmax).any()


def test_no_change_is_no_gain() -> None:
    item = one_task(TONE, 50, 0, missing=0.0)
    assert gain(TONE, item.labels, item.argmax, item.argmax) == Gain(0.0, 0.0)
    assert not Gain(0.0, 0.0).exceeds(0.0)


def in_posts(predictions: Predictions, posts: np.ndarray) -> Predictions:
    return replace(predictions, metadata={"post": [f"post {number}" for number in posts]}, group="post")


@pytest.mark.parametrize("groups", [3, 4, 40])
def test_folds_never_tear_a_group_apart(groups: int) -> None:
    predictions = in_posts(sample(400), np.random.default_rng(2).integers(0, groups, 400))
    item, posts = predictions.tasks[0], predictions.clusters
    assert item.logits is not None
    assert posts is not None
    known = item.known
    ids = [name for name, inside in zip(predictions.ids, known, strict=True) if inside]
    rows = LabelledRows(TONE, ids, item.logits[known], item.labels[known], posts[known])
    method = FittingMethod(TemperatureScaling(), Argmax(), 5, 0)
    folds = method.deal(rows)
    assert len(set(folds.tolist())) == min(5, groups)
    assert len(np.unique(np.stack([posts[known], folds]), axis=1)[0]) == groups
    if groups == 40:
        counts = np.stack([np.bincount(folds[rows.labels == c], minlength=5) for c in range(3)])
        assert (counts.max(axis=1) <= 1.3 * counts.mean(axis=1) + 2).all()
    shuffled = np.random.default_rng(3).permutation(len(ids))
    again = LabelledRows(TONE, [ids[n] for n in shuffled], rows.logits[shuffled], rows.labels[shuffled],
                         posts[known][shuffled])  # fmt: skip
    assert (method.deal(again) == folds[shuffled]).all()


def test_rows_that_repeat_are_no_further_evidence_for_a_rule() -> None:
    few = sample(150, skew=1.5)
    item = few.tasks[0]
    alone = gain(TONE, item.labels[item.known], item.argmax[item.known], np.roll(item.argmax[item.known], 1))
    labels, argmax = (np.repeat(values[item.known], 9) for values in (item.labels, item.argmax))
    decided, groups = np.repeat(np.roll(item.argmax[item.known], 1), 9), np.repeat(np.arange(item.known.sum()), 9)
    grouped = gain(TONE, labels, argmax, decided, groups)
    assert grouped.standard_error == pytest.approx(alone.standard_error, rel=1e-6)
    assert grouped.freedom == pytest.approx(item.known.sum() - 1)
    assert gain(TONE, labels, argmax, decided).standard_error < alone.standard_error / 2.5


def test_few_groups_ask_for_more_standard_errors() -> None:
    assert Gain(0.2, 0.1, 99).exceeds(1.5)
    assert not Gain(0.2, 0.1, 2).exceeds(1.5)
    assert Gain(0.2, 0.1, 2).exceeds(1.0)
    assert not Gain(0.2, 0.0, 0).exceeds(0)


@pytest.mark.parametrize("groups", [1, 2])
def test_one_or_two_groups_keep_nothing(groups: int) -> None:
    fitted = fit_decider(in_posts(sample(400, skew=1.5), np.arange(400) % groups), TemperatureScaling(), BiasDecision())
    for evidence in fitted.evidence.values():
        assert not evidence["decision"]["kept"]
        assert not evidence["calibration"]["kept"]
        assert "of too few values of post to tell what helps in others" in evidence["decision"]["reason"]


def calibrated(rows: int, seed: int, times: float) -> Predictions:
    """Logits that are ``times`` too large."""
    generator = np.random.default_rng([3, seed])
    right = 1.5 * generator.normal(size=(rows, 3)) + np.array([1.0, 0.0, -1.0])
    labels = (right + generator.gumbel(size=right.shape)).argmax(axis=1)
    logits = (times * right).astype(np.float32)
    return Predictions([str(n) for n in range(rows)], (TaskPredictions(TONE, labels, logits.argmax(axis=1), logits),))


@pytest.mark.parametrize(
    ("rows", "times", "fewest", "most"),
    [(30, 1.0, 0.0, 0.05), (200, 1.0, 0.0, 0.05), (200, 1.5, 0.6, 1.0), (800, 1.5, 1.0, 1.0)],
)
def test_temperature_is_kept_where_something_is_to_gain(rows: int, times: float, fewest: float, most: float) -> None:
    seeds = range(40 if rows < 800 else 10)
    evidence = [fit_decider(calibrated(rows, n, times), TemperatureScaling(), Argmax()).evidence["tone"] for n in seeds]
    assert fewest <= np.mean([one["calibration"]["kept"] for one in evidence]) <= most


@pytest.mark.parametrize("calibration", [TemperatureScaling(), VectorScaling()])
@pytest.mark.parametrize("wrong", [0, 1, 3])
def test_what_is_said_to_be_kept_is_what_is_stored(calibration: Calibration, wrong: int) -> None:
    for seed in range(20):
        generator = np.random.default_rng([4, seed])
        labels = generator.integers(0, 3, 40)
        logits = (generator.uniform(0, 1, (40, 3)) + 1.2 * np.eye(3)[labels]).astype(np.float32)
        logits[:wrong] = 1e-3 * np.eye(3)[(labels[:wrong] + 1) % 3]
        item = TaskPredictions(TONE, labels, logits.argmax(axis=1), logits)
        fitted = fit_decider(Predictions([str(n) for n in range(40)], (item,)), calibration, Argmax())
        evidence, stored = fitted.evidence["tone"]["calibration"], fitted.decider.tasks["tone"].scaling
        assert evidence["kept"] == (stored != Scaling.identity(3)), evidence["reason"]
        assert evidence["reason"].startswith("kept") == evidence["kept"]
        if wrong == 0 and isinstance(calibration, TemperatureScaling):
            assert not evidence["kept"]


class OfParts(Calibration):
    """A calibration of somebody's own that can be fitted to parts of the rows alone."""

    standard_errors = None

    def fit(self, logits: np.ndarray, labels: np.ndarray) -> Scaling:
        return Scaling.identity(3) if len(labels) == 40 else TemperatureScaling().fit(logits, labels)


def test_nothing_is_kept_where_only_parts_of_the_rows_could_be_fitted() -> None:
    predictions = calibrated(40, 0, 3.0)
    fitted = fit_decider(predictions, OfParts(), Argmax())
    evidence = fitted.evidence["tone"]["calibration"]
    assert evidence["after"]["nll"] < evidence["before"]["nll"]
    assert fitted.decider.tasks["tone"].scaling == Scaling.identity(3)
    assert not evidence["kept"]
    assert evidence["reason"].startswith("not kept: what is fitted to all")


@pytest.mark.parametrize(
    ("freedom", "said"),
    [
        (math.inf, "more than 1.5 of these were asked for"),
        (1e6, "more than 1.5 of these were asked for"),
        (4, "more than 1.5 of these, 1.88 with so few groups, were asked for"),
        (0, "with so few groups no number of these would be enough"),
    ],
)
def test_how_much_is_asked_for_is_what_is_needed(freedom: float, said: str) -> None:
    assert Gain(1.0, 0.5, freedom).asked(1.5) == said
    assert Gain(1.0, 0.5, freedom).exceeds(1.5) == (freedom > 0)
    assert not Gain(0.5 * 1.49, 0.5, freedom).exceeds(1.5)
    assert Gain(0.5 * 1.89, 0.5, freedom).exceeds(1.5) == (freedom > 0)


def nearly_perfect(rows: int, seed: int, spread: float, times: float) -> Predictions:
    """Logits that are ``times`` too large, of classes that are seldom mistaken for each other."""
    generator = np.random.default_rng([5, seed])
    right = spread * generator.normal(size=(rows, 3))
    labels = (right + generator.gumbel(size=right.shape)).argmax(axis=1)
    logits = (times * right).astype(np.float32)
    return Predictions([str(n) for n in range(rows)], (TaskPredictions(TONE, labels, logits.argmax(axis=1), logits),))


@pytest.mark.parametrize("calibration", [TemperatureScaling(), pytest.param(VectorScaling(), marks=pytest.mark.slow)])
@pytest.mark.parametrize(("rows", "spread"), [(100, 25.0), (300, 60.0)])
def test_the_lack_of_a_rare_mistake_is_no_gain(calibration: Calibration, rows: int, spread: float) -> None:
    """Perfect probabilities of 97 to 99 % right rows, of which a split may hold none or one that is wrong."""
    evidence = [
        fit_decider(nearly_perfect(rows, seed, spread, 1.0), calibration, Argmax()).evidence["tone"]
        for seed in range(60)
    ]
    assert np.mean([one["calibration"]["kept"] for one in evidence]) <= 0.05


def test_what_rare_mistakes_show_is_kept() -> None:
    evidence = [
        fit_decider(nearly_perfect(1000, seed, 60.0, 3.0), TemperatureScaling(), Argmax()).evidence["tone"]
        for seed in range(10)
    ]
    assert np.mean([one["calibration"]["kept"] for one in evidence]) >= 0.5


def test_null_keeps_the_calibration_whatever_it_gains() -> None:
    evidence = [
        fit_decider(calibrated(60, seed, 1.0), TemperatureScaling(standard_errors=None), Argmax()).evidence["tone"]
        for seed in range(5)
    ]
    assert all(one["calibration"]["kept"] and "as asked for" in one["calibration"]["reason"] for one in evidence)


def test_logits_that_are_no_better_than_chance_are_told() -> None:
    draw = np.random.default_rng(0)
    labels = draw.integers(0, 3, 300)
    logits = draw.normal(0, 0.3, (300, 3)) - 2.0 * np.eye(3)[labels]
    rows = Rows([str(row) for row in range(300)], ["x"] * 300, None, labels[:, None])
    tasks = [Task("tone", ("a", "b", "c"), "tone")]
    fitted = fit_decider(Predictions.undecided(tasks, rows, [logits]), TemperatureScaling(), Argmax())
    (item,) = fitted.predictions.tasks
    assert item.probabilities is not None
    apart = np.ptp(np.log(item.probabilities), axis=1)
    assert apart.max() == pytest.approx(0.01, rel=1e-3), "far more than a float32 rounds away"
    said = fitted.evidence["tone"]["calibration"]["reason"]
    assert said.startswith("kept: ")
    assert said.endswith("the logits are no better than chance here, so that all classes become equally probable")
