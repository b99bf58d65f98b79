"""Scores against scikit-learn, on random predictions with missing labels and absent classes."""

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, confusion_matrix, precision_recall_fscore_support

from polarity.evaluation.metrics import score, score_task
from polarity.tasks import IGNORE_INDEX, Task

TASK = Task("tone", ("calm", "angry", "none", "1"), "tone")


@pytest.mark.parametrize("absent", [(), (2,), (0, 3)])
@pytest.mark.parametrize("seed", range(5))
def test_scores_equal_scikit_learn(seed: int, absent: tuple[int, ...]) -> None:
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, 4, 200)
    predictions = generator.integers(0, 4, 200)
    labels[np.isin(labels, absent)] = 1
    labels[:20] = IGNORE_INDEX
    scored = score_task(TASK, labels, predictions)
    known = labels != IGNORE_INDEX
    expected = precision_recall_fscore_support(labels[known], predictions[known], labels=range(4), zero_division=0)
    for number, value in enumerate(scored.per_class.values()):
        assert (value.precision, value.recall, value.f1, value.support) == pytest.approx(
            tuple(column[number] for column in expected)
        )
    assert scored.macro_f1 == pytest.approx(expected[2].mean())
    assert scored.accuracy == pytest.approx(accuracy_score(labels[known], predictions[known]))
    assert (scored.confusion == confusion_matrix(labels[known], predictions[known], labels=range(4))).all()
    assert scored.rows == 180


def test_an_absent_class_counts_zero_in_the_macro_average() -> None:
    scored = score_task(TASK, np.array([0, 0, 1]), np.array([0, 0, 1]))
    assert [value.f1 for value in scored.per_class.values()] == [1.0, 1.0, 0.0, 0.0]
    assert scored.macro_f1 == 0.5


def test_a_task_without_labels_is_left_out_of_the_overall_score() -> None:
    other = Task("other", ("no", "yes"), "other")
    labels = np.array([[0, IGNORE_INDEX], [1, IGNORE_INDEX], [2, IGNORE_INDEX], [3, IGNORE_INDEX]])
    scores = score([TASK, other], labels, [np.array([0, 1, 2, 3]), np.array([0, 1, 0, 1])])
    assert scores.overall == 1.0
    assert scores.tasks["other"].macro_f1 is None
    told = scores.to_dict()["tasks"]["other"]["per_class"]
    assert told == {name: {"precision": None, "recall": None, "f1": None, "support": 0} for name in other.classes}
    assert scores.to_dict()["tasks"]["other"]["rows"] == 0
