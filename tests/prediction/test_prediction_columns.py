"""What a prediction says about a row."""

from typing import Any

import numpy as np
import pytest
from scipy.special import log_softmax, softmax

from polarity.calibration.scaling import Scaling
from polarity.decisions.rules import AddedBias, LargestLogit
from polarity.errors import UserError
from polarity.posthoc import Decider, TaskDecider
from polarity.prediction.columns import AddedColumns
from tests.prediction.jobs import TASKS, added_columns

LOGITS = [np.array([[2.0, 1.0, 0.0], [0.0, 0.1, 0.2]]), np.array([[1.0, 0.0], [0.0, 3.0]])]
GOOD = np.array([0, 2])


def values(columns: AddedColumns) -> tuple[dict[str, list[Any]], dict[str, int]]:
    arrays, abstained = columns.values(LOGITS, GOOD, [None, "row 2: broken", None])
    return dict(zip(columns.names, (array.to_pylist() for array in arrays), strict=True)), abstained


def test_decision_confidence_and_probabilities() -> None:
    result, _ = values(added_columns(error_column="error"))
    expected = softmax(LOGITS[0], axis=1)
    assert result["tone.pred"] == ["none", None, "no"]
    assert [result[f"tone.prob.{label}"][0] for label in TASKS[0].classes] == pytest.approx(expected[0].tolist())
    assert result["tone.confidence"] == [pytest.approx(expected[0].max()), None, pytest.approx(expected[1].max())]
    assert result["topic.pred"] == ["1", None, "2"]
    assert result["error"] == [None, "row 2: broken", None]


def test_the_rule_decides_and_calibration_tells_how_sure() -> None:
    scaling = Scaling((0.5,) * 3, (0.0, 0.0, 1.0))
    tone = TaskDecider(TASKS[0].classes, scaling, AddedBias((-9.0, 0.0, 0.0)))
    topic = TaskDecider(TASKS[1].classes, Scaling.identity(2), LargestLogit())
    result, _ = values(AddedColumns(TASKS, Decider({"tone": tone, "topic": topic}), top_k=1))
    log_p = log_softmax(LOGITS[0] * 0.5 + np.array([0.0, 0.0, 1.0]), axis=1)
    decided = (log_p + np.array([-9.0, 0.0, 0.0])).argmax(axis=1)
    assert result["tone.pred"][0] == TASKS[0].classes[decided[0]]
    assert result["tone.confidence"][0] == pytest.approx(float(np.exp(log_p[0, decided[0]])))
    assert result["tone.top.1"][0] == TASKS[0].classes[log_p[0].argmax()]


def test_the_most_probable_classes_in_their_order() -> None:
    result, _ = values(added_columns(top_k=3, probabilities=False))
    assert [result[f"tone.top.{place}"][0] for place in (1, 2, 3)] == ["none", "yes", "no"]
    assert [result[f"tone.top.{place}"][2] for place in (1, 2, 3)] == ["no", "yes", "none"]
    probabilities = [result[f"tone.top.{place}.prob"][0] for place in (1, 2, 3)]
    assert probabilities == sorted(probabilities, reverse=True)
    assert sum(probabilities) == pytest.approx(1)
    assert "topic.top.2" in result
    assert "topic.top.3" not in result, "a task has no more than its classes"
    assert not any(".prob." in name for name in result if ".top." not in name)


def test_it_abstains_below_a_confidence_and_not_at_it() -> None:
    sure, _ = values(added_columns())
    limit = sure["tone.confidence"][0]
    result, abstained = values(added_columns(abstain_below=limit))
    assert result["tone.pred"] == ["none", None, None]
    assert result["tone.confidence"] == sure["tone.confidence"], "how sure it was is told all the same"
    assert abstained == {"tone": 1, "topic": 0}
    result, abstained = values(added_columns(abstain_below={"topic": 0.9}))
    assert result["tone.pred"] == sure["tone.pred"]
    assert result["topic.pred"] == [None, None, "2"]
    assert abstained == {"tone": 0, "topic": 1}


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"top_k": 4}, "top_k: 4 is more than the 3 classes of any task"),
        ({"abstain_below": 0.0}, "abstain_below: has no effect at 0"),
        ({"abstain_below": {"tone": 0.0}}, "abstain_below.tone: has no effect at 0"),
        ({"abstain_below": {"ton": 0.5}}, "abstain_below.ton: no such task; did you mean 'tone'?"),
    ],
)
def test_settings_without_sense_are_refused(settings: dict[str, Any], problem: str) -> None:
    with pytest.raises(UserError) as refused:
        added_columns(**settings)
    assert problem in str(refused.value)


def test_names_that_clash() -> None:
    assert added_columns().clashes(["text", "id"]) == []
    assert len(added_columns().clashes(["text", " tone.pred "])) == 1
    assert added_columns(prefix="new_").clashes(["tone.pred"]) == []
    (problem,) = added_columns(error_column="tone.pred").clashes([])
    assert problem.startswith("error_column:")
