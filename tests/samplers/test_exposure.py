import numpy as np
import pytest

from polarity.samplers import exposure
from polarity.samplers.exposure import (
    expected_exposure,
    exposure_table,
    joint_cells,
    natural_exposure,
    realised_exposure,
)
from polarity.tasks import IGNORE_INDEX, Task

MISSING = IGNORE_INDEX
TASKS = (Task("tone", ("calm", "angry"), "tone"), Task("topic", ("war", "none"), "topic"))
LABELS = np.array([[0, 0], [0, 0], [1, 1], [1, MISSING], [MISSING, 1], [MISSING, MISSING]])


def test_joint_cells_of_rows() -> None:
    cells, cell_of_row = joint_cells(LABELS)
    np.testing.assert_array_equal(cells, np.unique(LABELS, axis=0))
    np.testing.assert_array_equal(cells[cell_of_row], LABELS)


def test_natural_counts_leave_out_rows_without_any_label() -> None:
    exposure = natural_exposure(LABELS, TASKS)
    np.testing.assert_array_equal(exposure.classes[0], [2, 2])
    np.testing.assert_array_equal(exposure.classes[1], [2, 2])
    assert exposure.cells == {
        ("calm", "war"): 2,
        ("angry", "none"): 1,
        ("angry", None): 1,
        (None, "none"): 1,
    }


def test_expected_counts_share_the_draws_by_weight() -> None:
    weights = np.array([1.0, 1.0, 4.0, 2.0, 2.0, 0.0])
    exposure = expected_exposure(weights, LABELS, TASKS, draws=100)
    np.testing.assert_allclose(exposure.classes[0], [20, 60])
    np.testing.assert_allclose(exposure.classes[1], [20, 60])
    assert exposure.cells["angry", "none"] == 40


def test_realised_counts_count_repeats() -> None:
    exposure = realised_exposure(np.array([2, 2, 2, 0, 4]), LABELS, TASKS)
    np.testing.assert_array_equal(exposure.classes[0], [1, 3])
    np.testing.assert_array_equal(exposure.classes[1], [1, 4])
    assert exposure.cells["angry", "none"] == 3
    assert exposure.cells["angry", None] == 0


def test_the_table_names_classes_then_cells() -> None:
    weights = np.array([1.0, 1.0, 4.0, 2.0, 2.0, 0.0])
    table = exposure_table(
        natural_exposure(LABELS, TASKS),
        expected_exposure(weights, LABELS, TASKS, draws=10),
        realised_exposure(np.array([2, 2, 0, 3]), LABELS, TASKS),
    )
    names = [row.name for row in table]
    assert names[:4] == ["tone=calm", "tone=angry", "topic=war", "topic=none"]
    assert names[4:] == [
        "tone=calm, topic=war",
        "tone=angry, topic=none",
        "tone=angry, topic unlabelled",
        "tone unlabelled, topic=none",
    ]
    assert [row.kind for row in table] == ["class"] * 4 + ["cell"] * 4
    angry = table[1]
    assert (angry.natural, angry.expected, angry.realised, angry.repeats) == (2, 6, 3, 3)


def test_a_class_without_rows_is_in_the_table() -> None:
    labels = np.zeros((3, 2), dtype=np.int64)
    natural = natural_exposure(labels, TASKS)
    table = exposure_table(natural, natural, natural)
    assert [(row.name, row.natural, row.repeats) for row in table[:2]] == [("tone=calm", 3, 1), ("tone=angry", 0, 0)]


def test_of_very_many_cells_those_with_most_rows_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exposure, "MOST_CELLS", 2)
    labels = np.array([[0, 0], [0, 1], [1, 1], [1, 1], [0, 1]])
    assert natural_exposure(labels, TASKS).cells == {("calm", "none"): 2, ("angry", "none"): 2}
    assert [counts.sum() for counts in natural_exposure(labels, TASKS).classes] == [5, 5]
