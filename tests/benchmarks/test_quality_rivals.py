"""What others decide on the same rows."""

import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks import quality_rivals
from benchmarks.quality_rivals import by_autogluon, by_trainer
from polarity.tasks import IGNORE_INDEX
from tests import trials
from tests.tiny import save_tiny_encoder


@pytest.mark.slow
def test_the_trainer_of_transformers_decides_on_each_test_row(tmp_path: Path) -> None:
    splits = trials.assembled(tmp_path).prepared.splits
    assert splits.test is not None
    assert (splits.train.labels == IGNORE_INDEX).any(), "rows without a label are left out"
    encoder = save_tiny_encoder(tmp_path / "encoder")
    first, again, *others = (by_trainer(splits, str(encoder), seed, max_steps=2) for seed in (0, 0, 1, 2, 3))
    assert [len(said) for said in first] == [len(splits.test)] * len(splits.tasks)
    assert all(said.max() < len(task.classes) for said, task in zip(first, splits.tasks, strict=True))
    assert all(np.array_equal(mine, same) for mine, same in zip(first, again, strict=True))
    assert any(not np.array_equal(mine, its) for other in others for mine, its in zip(first, other, strict=True))


def test_autogluon_is_asked_in_words_and_answers_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """AutoGluon wants other versions of what is installed here, so that a script answers in its place."""
    splits = trials.assembled(tmp_path).prepared.splits
    assert splits.test is not None
    (tmp_path / "autogluon_tabular.py").write_text(
        "import json, sys\n"
        "asked = json.load(open(sys.argv[1]))\n"
        "assert asked['seconds'] == 7\n"
        "said = [[task['train'][0][1]] * len(asked['test']) for task in asked['tasks']]\n"
        "json.dump(said, open(sys.argv[2], 'w'))\n"
    )
    monkeypatch.setattr(quality_rivals, "__file__", str(tmp_path / "quality_rivals.py"))
    said = by_autogluon(splits, Path(sys.executable), 7)
    for number, task in enumerate(splits.tasks):
        labels = splits.train.labels[:, number]
        first = labels[labels != IGNORE_INDEX][0]
        assert said[number].tolist() == [first] * len(splits.test), task.name
