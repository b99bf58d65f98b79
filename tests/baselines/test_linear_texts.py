"""The linear baseline as a model that is stored: it says the same about any texts when it is read back."""

from pathlib import Path

import numpy as np
import pytest

from polarity.baselines.suite import fit_linear, linear
from polarity.baselines.texts import ABOUT, WEIGHTS, LinearTexts
from polarity.config.build import load_splits
from polarity.data.rows import Rows, Splits
from polarity.errors import UserError
from polarity.tasks import Task
from tests.running import composed, overrides

NEW = ["a new text of soup", "GREAT news, and 😀", "", "የአማርኛ ጽሑፍ", "bread  bread bread"]


def splits_of(folder: Path) -> Splits:
    return load_splits(composed(*overrides(folder, rows=120)))


def rows_of(texts: list[str], context: list[str] | None = None) -> Rows:
    return Rows([str(n) for n in range(len(texts))], texts, context, np.zeros((len(texts), 2), dtype=np.int64))


def test_it_is_the_baseline_and_says_the_same_when_it_is_read_back(tmp_path: Path) -> None:
    splits = splits_of(tmp_path)
    fitted = fit_linear(splits)
    fitted.save(tmp_path / "linear")
    again = LinearTexts.load(tmp_path / "linear")
    assert [(task.name, task.classes) for task in again.tasks] == [(task.name, task.classes) for task in splits.tasks]
    for rows in (splits.val, rows_of(NEW), rows_of([])):
        for before, after in zip(fitted.logits(rows), again.logits(rows), strict=True):
            assert np.array_equal(before, after)
    known = linear(splits, tmp_path / "cache")
    assert all(np.array_equal(a, b) for a, b in zip(known.logits["val"], again.logits(splits.val), strict=True))
    assert list(known.strengths.values()) == list(again.strengths)


def test_pairs_and_tasks_with_nothing_to_learn_are_kept_too(tmp_path: Path) -> None:
    texts = [f"text {n % 7} of some words" for n in range(40)]
    context = [f"post {n % 3} about things" for n in range(40)]
    labels = np.column_stack([np.arange(40) % 2, np.zeros(40, dtype=np.int64), np.full(40, -100)])
    rows = Rows([str(n) for n in range(40)], texts, context, labels)
    tasks = tuple(Task(name, ("x", "y", "z"), name) for name in ("some", "one", "none"))
    fitted = fit_linear(Splits(tasks, rows, rows, None))
    fitted.save(tmp_path / "linear")
    for before, after in zip(fitted.logits(rows), LinearTexts.load(tmp_path / "linear").logits(rows), strict=True):
        assert np.array_equal(before, after)


@pytest.mark.parametrize("name", [ABOUT, WEIGHTS])
def test_what_is_damaged_is_refused(tmp_path: Path, name: str) -> None:
    fit_linear(splits_of(tmp_path)).save(tmp_path / "linear")
    path = tmp_path / "linear" / name
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(UserError, match="damaged"):
        LinearTexts.load(tmp_path / "linear")
