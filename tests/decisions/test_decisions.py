"""Properties of every decision, and what each one is for."""

import json
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import f1_score

from polarity.decisions import AddedBias, Argmax, BiasDecision, Decision, LargestLogit, PriorDecision, ThresholdDecision
from polarity.decisions.rules import OrderedThresholds, rule_from_dict
from polarity.errors import UserError
from polarity.tasks import Task
from tests.presets import shipped

TASK = Task("tone", ("none", "yes", "no"), "tone")
SHARES = {"tone": {"none": 0.5, "yes": 0.3, "no": 0.2}}
SHIPPED = shipped("decision")
DECISIONS = [*SHIPPED, BiasDecision(min_rows=60), PriorDecision(target=SHARES, source="uniform", tau=0.5)]
FITTED = [decision for decision in SHIPPED if not isinstance(decision, Argmax | PriorDecision)]
every_decision = pytest.mark.parametrize("decision", DECISIONS)
every_fitted = pytest.mark.parametrize("decision", FITTED)


def sample(rows: int = 400, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Right log-probabilities of imbalanced labels."""
    generator = np.random.default_rng(seed)
    scores = generator.normal(loc=[2.0, 0.5, -1.0], size=(rows, 3))
    labels = (scores + generator.gumbel(size=scores.shape)).argmax(axis=1)
    return scores - np.log(np.exp(scores).sum(axis=1, keepdims=True)), labels


def macro(labels: np.ndarray, decided: np.ndarray) -> float:
    return float(f1_score(labels, decided, labels=range(3), average="macro", zero_division=0))


@every_decision
def test_rules_survive_json_to_the_last_bit(decision: Decision) -> None:
    rule = decision.fit(TASK, *sample())
    assert rule_from_dict(json.loads(json.dumps(rule.to_dict())), 3) == rule


@every_decision
def test_the_order_of_the_rows_does_not_matter(decision: Decision) -> None:
    log_p, labels = sample()
    shuffled = np.random.default_rng(1).permutation(len(labels))
    fresh = sample(seed=1)[0]
    first, second = decision.fit(TASK, log_p, labels), decision.fit(TASK, log_p[shuffled], labels[shuffled])
    assert (first.decide(fresh, fresh) == second.decide(fresh, fresh)).all()


@every_decision
@pytest.mark.parametrize("rows", [0, 1])
def test_few_rows_can_be_decided(decision: Decision, rows: int) -> None:
    log_p = sample()[0][:rows]
    decided = decision.fit(TASK, *sample()).decide(log_p, log_p)
    assert decided.shape == (rows,)
    assert decided.dtype == np.int64


@every_decision
@pytest.mark.parametrize("absent", [0, 1, 2])
def test_a_class_without_rows_can_still_be_chosen(decision: Decision, absent: int) -> None:
    log_p, labels = sample()
    chosen = labels != absent
    rule = decision.fit(TASK, log_p[chosen], labels[chosen])
    sure = np.log(np.where(np.arange(3) == absent, 0.9998, 0.0001))[None]
    assert rule.decide(sure, sure).tolist() == [absent]


@every_fitted
def test_validation_is_never_decided_worse_than_by_argmax(decision: Decision) -> None:
    for seed in range(10):
        log_p, labels = sample(120, seed)
        rule = decision.fit(TASK, log_p, labels)
        assert macro(labels, rule.decide(log_p, log_p)) >= macro(labels, log_p.argmax(axis=1))


@every_fitted
def test_macro_f1_of_other_rows_rises_where_classes_are_rare(decision: Decision) -> None:
    rule = decision.fit(TASK, *sample(4000))
    log_p, labels = sample(4000, seed=1)
    assert macro(labels, rule.decide(log_p, log_p)) > macro(labels, log_p.argmax(axis=1)) + 0.02


@every_fitted
def test_huge_values_and_ties_are_decided_as_they_were_counted(decision: Decision) -> None:
    log_p, labels = sample()
    for values in (1e30 * log_p, np.round(log_p), np.zeros_like(log_p)):
        rule = decision.fit(TASK, values, labels)
        assert macro(labels, rule.decide(values, values)) >= macro(labels, values.argmax(axis=1))


def test_classes_of_few_rows_are_left_alone() -> None:
    log_p, labels = sample()
    rare = int(np.bincount(labels).min())
    assert (np.bincount(labels) > rare).sum() == 2
    kept = BiasDecision(min_rows=rare).fit(TASK, log_p, labels)
    left = BiasDecision(min_rows=rare + 1).fit(TASK, log_p, labels)
    assert kept != left
    thresholds = ThresholdDecision(min_rows=rare + 1).fit(TASK, log_p, labels)
    assert isinstance(thresholds, OrderedThresholds)
    assert thresholds.thresholds[thresholds.order[0]] is None
    everything = BiasDecision(min_rows=10**6).fit(TASK, log_p, labels)
    assert everything == AddedBias((0.0, 0.0, 0.0))


def test_argmax_looks_at_raw_logits() -> None:
    logits, log_p = np.array([[2.0, 1.0, 0.0]]), np.log([[0.1, 0.8, 0.1]])
    assert Argmax().fit(TASK, *sample()).decide(logits, log_p).tolist() == [0]


def test_thresholds_are_asked_in_their_order() -> None:
    rule = OrderedThresholds((2, 1, 0), (None, float(np.log(0.3)), float(np.log(0.2))))
    p = np.log([[0.5, 0.3, 0.2], [0.5, 0.35, 0.15], [0.75, 0.15, 0.1], [0.2, 0.6, 0.2]])
    assert rule.decide(p, p).tolist() == [2, 1, 0, 2]


def test_without_thresholds_it_is_argmax() -> None:
    log_p = np.round(sample()[0])
    rule = OrderedThresholds((2, 0, 1), (None, None, None))
    assert (rule.decide(log_p, log_p) == log_p.argmax(axis=1)).all()


def test_prior_is_the_rule_of_bayes() -> None:
    log_p, labels = sample()
    source, target = np.bincount(labels) / len(labels), np.array([0.5, 0.3, 0.2])
    posterior = np.exp(log_p) / source * target
    decided = PriorDecision(target=SHARES).fit(TASK, log_p, labels).decide(log_p, log_p)
    assert (decided == posterior.argmax(axis=1)).all()


def test_prior_takes_an_absent_class_for_half_a_row() -> None:
    labels = np.array([0] * 30 + [1] * 10)
    rule = PriorDecision(source="validation").fit(TASK, np.log(np.full((40, 3), 1 / 3)), labels)
    assert isinstance(rule, AddedBias)
    np.testing.assert_allclose(np.diff(rule.bias), np.log([30 / 10, 10 / 0.5]))


def test_biases_have_mean_zero_so_that_those_of_two_runs_can_be_compared() -> None:
    rule = BiasDecision().fit(TASK, *sample())
    assert isinstance(rule, AddedBias)
    assert any(rule.bias)
    assert sum(rule.bias) == pytest.approx(0, abs=1e-12)


def test_prior_to_uniform_raises_the_mean_recall() -> None:
    rule = PriorDecision().fit(TASK, *sample(4000))
    log_p, labels = sample(4000, seed=1)

    def mean_recall(decided: np.ndarray) -> float:
        return float(np.mean([(decided == labels)[labels == c].mean() for c in range(3)]))

    assert mean_recall(rule.decide(log_p, log_p)) > mean_recall(log_p.argmax(axis=1)) + 0.05


def test_tau_says_how_far_to_go() -> None:
    half, whole = (PriorDecision(tau=tau).fit(TASK, *sample()) for tau in (0.5, 1.0))
    assert isinstance(half, AddedBias)
    assert isinstance(whole, AddedBias)
    np.testing.assert_allclose(2 * np.array(half.bias), whole.bias)


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"target": "uniform", "source": "uniform"}, "nothing would be adjusted"),
        ({"target": SHARES, "source": SHARES}, "nothing would be adjusted"),
        ({"target": {"tone": {"none": 0.5, "yes": 0.3, "no": 0.3}}}, "target.tone: the shares sum to 1.1"),
        ({"source": {"tone": {"none": 0.5, "yes": 0.3, "no": 0.3}}}, "source.tone: the shares sum to 1.1"),
    ],
)
def test_priors_that_make_no_sense_are_refused(settings: dict[str, Any], problem: str) -> None:
    with pytest.raises(UserError, match=problem):
        PriorDecision(**settings)


def test_priors_name_every_class_and_no_other() -> None:
    decision = PriorDecision(target={"tone": {"none": 0.5, "yess": 0.5}, "tome": {"x": 0.5, "y": 0.5}})
    problems = "\n".join(decision.problems([TASK]))
    assert "target.tone.yess" in problems
    assert "did you mean 'yes'" in problems
    assert "target.tome: no such task" in problems
    assert "target.tone.no: has no share" in problems
    assert PriorDecision(target=SHARES).problems([TASK]) == []


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"kind": "magic"},
        {"kind": "bias", "bias": [0.0, 1.0]},
        {"kind": "bias", "bias": [0.0, 1.0, float("nan")]},
        {"kind": "threshold", "order": [0, 1, 1], "log_thresholds": [None] * 3},
        {"kind": "threshold", "order": [0, 1, 2], "log_thresholds": [None] * 2},
    ],
)
def test_what_is_no_rule_is_refused(content: dict[str, Any]) -> None:
    with pytest.raises((KeyError, ValueError)):
        rule_from_dict(content, 3)


def test_they_print_their_settings() -> None:
    assert repr(BiasDecision(standard_errors=2.0, min_rows=3)) == "BiasDecision(standard_errors=2.0, min_rows=3)"
    assert repr(LargestLogit()) == "LargestLogit()"
