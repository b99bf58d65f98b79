"""The linear model, whatever its labels look like."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier

from polarity.baselines.linear import IMPOSSIBLE, STRENGTHS, USUAL, LinearModel, choose
from polarity.data.ngrams import TextFeatures
from polarity.evaluation.metrics import score_task
from polarity.tasks import IGNORE_INDEX
from tests.baselines.corpora import TONE, TOPIC, rows

GIVEN, OTHERS = rows(120, 0), rows(60, 1)
FEATURES = TextFeatures()
X = FEATURES.fit(GIVEN)
OTHER_X = FEATURES.transform(OTHERS)
TONES, TOPICS = GIVEN.labels.T


@pytest.mark.parametrize("strength", STRENGTHS)
@pytest.mark.parametrize(("task", "labels"), [(TONE, TONES), (TOPIC, TOPICS)], ids=["three classes", "two classes"])
def test_it_is_balanced_one_against_the_rest(task: object, labels: np.ndarray, strength: float) -> None:
    ours = LinearModel.fit(task, X, labels, strength).log_probabilities(OTHER_X)  # type: ignore[arg-type]
    oracle = OneVsRestClassifier(LogisticRegression(C=strength, class_weight="balanced", solver="liblinear", tol=1e-6))
    wanted = oracle.fit(X.astype(np.float64), labels).predict_proba(OTHER_X)
    np.testing.assert_allclose(np.exp(ours), wanted, atol=0.02)


@pytest.mark.parametrize(
    "shape", ["all", "some missing", "a class missing", "one class", "no label", "one row a class"]
)
def test_probabilities_are_finite_and_sum_to_one(shape: str) -> None:
    labels = TONES.copy()
    if shape == "some missing":
        labels[::3] = IGNORE_INDEX
    elif shape == "a class missing":
        labels[labels == 1] = IGNORE_INDEX
    elif shape == "one class":
        labels[:] = 2
    elif shape == "no label":
        labels[:] = IGNORE_INDEX
    elif shape == "one row a class":
        keep = [int(np.flatnonzero(labels == c)[0]) for c in range(3)]
        labels[np.setdiff1d(np.arange(len(labels)), keep)] = IGNORE_INDEX
    logits = LinearModel.fit(TONE, X, labels, USUAL).log_probabilities(OTHER_X)
    assert logits.shape == (60, 3)
    assert logits.dtype == np.float32
    assert np.isfinite(logits).all()
    np.testing.assert_allclose(np.exp(logits.astype(np.float64)).sum(axis=1), 1, atol=1e-4)
    if shape == "a class missing":
        assert (logits[:, 1] == np.float32(IMPOSSIBLE)).all()
    if shape == "one class":
        assert (logits.argmax(axis=1) == 2).all()


def test_rows_without_a_label_do_not_count() -> None:
    labels = TONES.copy()
    labels[::2] = IGNORE_INDEX
    known = labels != IGNORE_INDEX
    among = LinearModel.fit(TONE, X, labels, 1.0).log_probabilities(OTHER_X)
    alone = LinearModel.fit(TONE, X[np.flatnonzero(known)], labels[known], 1.0).log_probabilities(OTHER_X)
    np.testing.assert_array_equal(among, alone)


def test_the_same_rows_give_the_same_model() -> None:
    one, other = (LinearModel.fit(TONE, X, TONES, 1.0).log_probabilities(OTHER_X) for _ in range(2))
    np.testing.assert_array_equal(one, other)


def test_no_terms_and_no_rows() -> None:
    model = LinearModel.fit(TONE, csr_matrix((120, 0)), TONES, 1.0)
    assert model.log_probabilities(csr_matrix((4, 0))).shape == (4, 3)
    assert LinearModel.fit(TONE, X, TONES, 1.0).log_probabilities(OTHER_X[:0]).shape == (0, 3)


def test_the_strength_is_that_of_the_best_validation_score() -> None:
    generator = np.random.default_rng(0)
    noisy = np.where(generator.random(120) < 0.5, generator.integers(0, 3, 120), TONES)
    labels = OTHERS.labels[:, 0]

    def score(strength: float) -> float:
        logits = LinearModel.fit(TONE, X, noisy, strength).log_probabilities(OTHER_X)
        value = score_task(TONE, labels, logits.argmax(axis=1)).macro_f1
        assert value is not None
        return value

    scores = {strength: score(strength) for strength in STRENGTHS}
    assert len(set(scores.values())) > 1
    chosen = choose(TONE, (X, noisy), (OTHER_X, labels)).strength
    assert scores[chosen] == max(scores.values())


def test_of_equals_the_one_is_taken_by_which_the_labels_are_likeliest() -> None:
    labels = np.arange(60) % len(TONE.classes)
    features = csr_matrix(np.eye(len(TONE.classes))[labels])  # each class has a word, so that every C decides alike
    chosen = choose(TONE, (features, labels), (features, labels))
    assert chosen.strength == max(STRENGTHS)


def test_without_validation_labels_the_usual_strength() -> None:
    nothing = np.full(60, IGNORE_INDEX)
    assert choose(TONE, (X, TONES), (OTHER_X, nothing)).strength == USUAL
