"""Ways to put probabilities together, by value."""

from itertools import combinations_with_replacement

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score

from polarity.calibration.scaling import Scaling
from polarity.ensembles.average import Average
from polarity.ensembles.greedy import Greedy
from polarity.ensembles.stacking import Stacking
from polarity.ensembles.weighted import Weighted
from polarity.systems.combination import LinearPool, Stack, TaskEnsemble
from polarity.tasks import Task

TASK = Task("tone", ("a", "b", "c"), "tone")


def said(members: int, rows: int, seed: int = 0, size: float = 2.0) -> np.ndarray:
    """Log-probabilities of members that know nothing of each other."""
    return np.asarray(log_softmax(np.random.default_rng(seed).normal(size=(members, rows, 3)) * size, axis=-1))


def drawn(probabilities: np.ndarray, seed: int = 1) -> np.ndarray:
    """A label for each row."""
    generator = np.random.default_rng(seed)
    return np.array([generator.choice(3, p=row) for row in probabilities])


def test_an_average_is_the_mean_of_the_probabilities() -> None:
    members = said(3, 20)
    fitted = Average().fit(TASK, members, np.zeros(20, dtype=int))
    assert np.exp(fitted.log_probabilities(members)) == pytest.approx(np.exp(members).mean(axis=0))


def test_weights_are_those_that_the_labels_were_drawn_by() -> None:
    members, wanted = said(3, 6000), np.array([0.6, 0.3, 0.1])
    labels = drawn(np.tensordot(wanted, np.exp(members), 1))
    fitted = Weighted(prior=0.0).fit(TASK, members, labels)
    assert isinstance(fitted, LinearPool)
    assert fitted.weights == pytest.approx(wanted, abs=0.03)


@pytest.mark.parametrize("prior", [0.0, 25.0])
def test_weights_make_the_labels_as_likely_as_can_be(prior: float) -> None:
    members, labels = said(3, 150), drawn(np.exp(said(3, 150))[0])

    def against(weights: np.ndarray) -> float:
        pooled = np.tensordot(weights, np.exp(members), 1)[np.arange(150), labels]
        return float(-np.log(pooled).sum() - prior * np.log(np.maximum(weights, 1e-300)).sum())

    fitted = Weighted(prior=prior).fit(TASK, members, labels)
    assert isinstance(fitted, LinearPool)
    best = minimize(lambda free: against(softmax(free)), np.zeros(3), method="Nelder-Mead", options={"fatol": 1e-10})
    assert against(np.array(fitted.weights)) <= best.fun + 1e-5
    assert sum(fitted.weights) == pytest.approx(1)


def test_a_strong_prior_is_the_plain_average() -> None:
    fitted = Weighted(prior=1e9).fit(TASK, said(4, 50), np.zeros(50, dtype=int))
    assert isinstance(fitted, LinearPool)
    assert fitted.weights == pytest.approx([0.25] * 4, abs=1e-6)


def macro_f1(members: np.ndarray, chosen: tuple[int, ...], labels: np.ndarray) -> float:
    decided = np.exp(members)[list(chosen)].sum(axis=0).argmax(axis=1)
    return float(f1_score(labels, decided, average="macro", labels=[0, 1, 2], zero_division=0))


@pytest.mark.parametrize("seed", range(6))
def test_greedy_selection_takes_the_best_of_all_in_each_round(seed: int) -> None:
    members, labels = said(3, 40, seed), drawn(np.exp(said(3, 40, seed)).mean(axis=0), seed)
    fitted = Greedy(rounds=2).fit(TASK, members, labels)
    assert isinstance(fitted, LinearPool)
    every = {chosen: macro_f1(members, chosen, labels) for size in (1, 2)
             for chosen in combinations_with_replacement(range(3), size)}  # fmt: skip
    singles = {chosen: score for chosen, score in every.items() if len(chosen) == 1}
    firsts = [chosen[0] for chosen, score in singles.items() if score == pytest.approx(max(singles.values()))]
    reachable = {chosen: score for chosen, score in every.items() if set(chosen) & set(firsts)}
    taken = tuple(number for number, weight in enumerate(fitted.weights) for _ in range(round(weight * 2)))
    assert macro_f1(members, taken, labels) == pytest.approx(max(reachable.values()))


def test_greedy_selection_finds_members_that_complete_each_other_and_leaves_out_noise() -> None:
    labels = np.arange(60) % 3
    right = log_softmax(8.0 * np.eye(3)[labels], axis=1)
    blank = np.full((60, 3), -np.log(3))
    halves = [np.where((np.arange(60) < 30)[:, None] == first, right, blank) for first in (True, False)]
    wrong = log_softmax(2.0 * np.eye(3)[(labels + 1) % 3], axis=1)
    fitted = Greedy(rounds=20).fit(TASK, np.stack([wrong, *halves]), labels)
    assert isinstance(fitted, LinearPool)
    assert fitted.weights[0] == 0
    assert min(fitted.weights[1:]) > 0


def test_more_rounds_allow_finer_weights() -> None:
    members, labels = said(4, 200), drawn(np.exp(said(4, 200)).mean(axis=0))
    few, many = (Greedy(rounds=rounds).fit(TASK, members, labels) for rounds in (1, 20))
    assert isinstance(few, LinearPool)
    assert sorted(few.weights) == [0, 0, 0, 1]
    assert len(many.used) > 1


def test_stacking_is_a_logistic_regression_pulled_to_the_mean() -> None:
    members, labels = said(2, 300), drawn(np.exp(said(2, 300))[1])
    x, truth = members.transpose(1, 0, 2).reshape(300, 6), np.eye(3)[labels]

    def against(flat: np.ndarray, penalty: float) -> float:
        matrix = flat.reshape(3, 7)
        log_p = log_softmax(x @ matrix[:, :6].T + matrix[:, 6], axis=1)
        origin = np.column_stack([np.tile(np.eye(3) / 2, 2), np.zeros(3)])
        return float(-(truth * log_p).sum() + 0.5 * penalty * ((matrix - origin) ** 2).sum())

    fitted = Stacking(penalty=5.0).fit(TASK, members, labels)
    assert isinstance(fitted, Stack)
    flat = np.column_stack([fitted.coefficients.reshape(3, 6), fitted.shift]).ravel()
    best = minimize(against, flat + 0.1, args=(5.0,), method="L-BFGS-B", options={"maxfun": 10**6, "maxiter": 10**4})
    assert against(flat, 5.0) <= best.fun + 1e-4
    free = LogisticRegression(C=1e6, max_iter=10_000, tol=1e-8).fit(x, labels)
    unpulled = Stacking(penalty=1e-6).fit(TASK, members, labels).log_probabilities(members)
    assert np.exp(unpulled) == pytest.approx(free.predict_proba(x), abs=2e-3)


def test_without_evidence_stacking_is_the_geometric_mean() -> None:
    members = said(3, 50, size=1.0)
    fitted = Stacking(penalty=1e12).fit(TASK, members, np.arange(50) % 3)
    assert fitted.log_probabilities(members) == pytest.approx(log_softmax(members.mean(axis=0), axis=1), abs=1e-4)


def test_what_is_stored_says_the_same() -> None:
    members, labels = said(3, 100), drawn(np.exp(said(3, 100))[1])
    scalings = tuple(Scaling((1.0 + number,) * 3, (0.0, 0.1, 0.2)) for number in range(3))
    for blend in (Average(), Weighted(), Greedy(rounds=3), Stacking()):
        fitted = TaskEnsemble(scalings, blend.fit(TASK, members, labels))
        again = TaskEnsemble.from_dict(fitted.to_dict(), 3, 3)
        assert np.array_equal(again.logits(list(members)), fitted.logits(list(members)))
        used = fitted.combination.used
        assert np.array_equal(fitted.only(used).logits([members[m] for m in used]), fitted.logits(list(members)))
        with pytest.raises(ValueError, match="not 2"):
            TaskEnsemble.from_dict(fitted.to_dict(), 2, 3)


def test_a_combination_of_one_row_or_none_is_possible() -> None:
    for blend in (Average(), Stacking()):
        fitted = TaskEnsemble((Scaling.identity(3),) * 2, blend.fit(TASK, said(2, 9), np.arange(9) % 3))
        assert fitted.logits([np.zeros((0, 3))] * 2).shape == (0, 3)
        assert np.exp(fitted.logits([np.zeros((1, 3))] * 2).astype(float)).sum() == pytest.approx(1)
