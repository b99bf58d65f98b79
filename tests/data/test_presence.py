"""What is said about classes, tasks and labels that a split lacks."""

import numpy as np
import pytest

from polarity.data.presence import presence, unlabelled_notes
from polarity.data.rows import Rows
from polarity.tasks import Task

TASKS = (Task("tone", ("calm", "loud"), "tone"), Task("stance", ("yes", "no", "none"), "stance"))
COMPLETE = [(0, 0), (1, 1), (-100, 2)]


def rows(*labels: tuple[int, int]) -> Rows:
    names = [str(number) for number in range(len(labels))]
    return Rows(names, names, None, np.array(labels, dtype=np.int64).reshape(-1, 2))


def test_complete() -> None:
    splits = [(name, rows(*COMPLETE)) for name in ("train", "val", "test")]
    assert presence(TASKS, splits, "stop") == ([], [])
    assert unlabelled_notes(splits) == []


@pytest.mark.parametrize("absent", ["stop", "warn"])
def test_training_needs_every_class(absent: str) -> None:
    splits = [("train", rows((0, 0), (0, 2))), ("val", rows(*COMPLETE))]
    problems, notes = presence(TASKS, splits, absent)  # type: ignore[arg-type]
    assert [problem.split(";")[0] for problem in problems] == [
        "train: no row of class 'loud' of task 'tone' (1 in val)",
        "train: no row of class 'no' of task 'stance' (1 in val)",
    ]
    assert notes == []


def test_evaluation_may_lack_classes_if_told_so() -> None:
    splits = [("train", rows(*COMPLETE)), ("val", rows((0, -100), (1, -100))), ("test", rows((1, 1), (0, 0)))]
    missing = [
        "val: no row has a label of task 'stance'",
        "test: no row of class 'none' of task 'stance' (1 in train, 0 in val)",
    ]
    stopped, no_notes = presence(TASKS, splits, "stop")
    assert [problem.split(";")[0] for problem in stopped] == missing
    assert all("data.absent_classes=warn" in problem for problem in stopped)
    assert no_notes == []
    assert presence(TASKS, splits, "warn") == (
        [],
        [f"{missing[0]}; the task has no part in its scores", f"{missing[1]}; its F1 counts as 0"],
    )


def test_no_label_at_all_is_one_problem() -> None:
    splits = [("train", rows((-100, -100))), ("val", rows((-100, -100)))]
    assert presence(TASKS, splits, "warn") == (["no row has a label of any task"], [])


def test_rows_without_label_are_counted() -> None:
    splits = [("train", rows((0, 0), (-100, -100), (-100, 1))), ("val", rows((0, 0)))]
    assert unlabelled_notes(splits) == ["train: 1 of 3 rows has no label; such rows train and score nothing"]
