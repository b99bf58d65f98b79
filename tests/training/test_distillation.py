"""A teacher's answers reach the rows that they are about, once, and never those that one of the two evaluates."""

from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest
import torch

import polarity
from polarity.errors import UserError
from polarity.evaluation.inference import model_inputs
from polarity.run import RunDirectory
from polarity.runs.rebuild import run_splits
from polarity.training import teacher
from polarity.wording import times
from tests.running import overrides, train
from tests.trials import assembled
from tests.verbs import outcome_of

QUICK = ("trainer.max_epochs=1", "trainer.log_every_n_steps=1", "reporting.baselines=false", "reporting.resamples=100")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    return train(tmp_path_factory.mktemp("teacher"), *QUICK, rows=150)


def student(run: RunDirectory, *more: str) -> tuple[str, ...]:
    return ("regularizer=distillation", f"regularizer.teacher={run.path}", *more)


def home(run: RunDirectory) -> Path:
    return run.path.parents[1]


def test_each_row_learns_what_the_teacher_says_of_it(run: RunDirectory) -> None:
    made = assembled(home(run), *student(run))
    rows = np.array([7, 0, 31])
    batch = made.data._datasets["train"].teacher
    assert batch is not None
    texts = [made.prepared.splits.train.text[row] for row in rows]
    for task, said in zip(made.prepared.splits.tasks, batch, strict=True):
        answers = [answer[task.name].probabilities for answer in polarity.load(run.path).predict(texts)]
        wanted = [[answer[name] for name in task.classes] for answer in answers]
        assert np.exp(said[rows]) == pytest.approx(np.array(wanted), abs=1e-5)
    with patch.object(teacher, "rebuild_any", side_effect=AssertionError("is asked once, and remembered")):
        again = assembled(home(run), *student(run)).data._datasets["train"].teacher
    assert all(np.array_equal(first, second) for first, second in zip(batch, again or [], strict=True))


def test_it_stays_with_its_rows_in_every_batch_and_is_added_to_the_loss(run: RunDirectory) -> None:
    """Also where other inputs stand in place of the texts, as for a frozen encoder."""
    made = assembled(home(run), *student(run, "regularizer.weight=0.5", "regularizer.temperature=3"))
    said = made.data._datasets["train"].teacher or []
    made.data.fix(lambda inputs: inputs)
    batch = next(iter(made.data.train_dataloader()))
    for own, every in zip(batch["teacher"], said, strict=True):
        assert np.array_equal(own, every[batch["rows"]])
    made.module.model.eval()
    with torch.no_grad():
        logits = made.module.model(**model_inputs(batch))
        penalties = made.module.task_losses(batch)[1]
    for number, (own, its) in enumerate(zip(logits, batch["teacher"], strict=True)):
        known = batch["labels"][:, number] >= 0
        p, q = (torch.log_softmax(values[known] / 3, dim=1) for values in (its, own))
        wanted = 0.5 * 9 * (p.exp() * (p - q)).sum() / batch["window"][number].sum()
        torch.testing.assert_close(penalties[number], wanted)


def test_another_version_of_a_library_is_asked_anew(run: RunDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    splits = run_splits(run)
    before = teacher._mark(run, splits.train, splits.tasks)
    assert teacher._mark(run, splits.train, splits.tasks) == before
    monkeypatch.setattr(teacher, "version", lambda _: "99.0")
    assert teacher._mark(run, splits.train, splits.tasks) != before


def test_what_one_evaluates_the_other_must_not_learn(run: RunDirectory) -> None:
    with pytest.raises(UserError) as error:
        assembled(home(run), *student(run, "data.split.seed=3"))
    said = "\n".join(error.value.problems)
    for what in ("regularizer.teacher: val: ", "regularizer.teacher: test: ", "regularizer.teacher: train: "):
        assert what in said
    assert f"{times(22, 'row')} that {run.path} has for val would be trained on, such as 'row-" in said


def test_a_teacher_has_to_know_the_tasks_and_to_be_finished(run: RunDirectory, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"regularizer.teacher: .*: is no run's folder"):
        assembled(home(run), *student(RunDirectory(tmp_path / "none")))
    (run.model / "decision.json").rename(tmp_path / "decision.json")
    try:
        with pytest.raises(UserError, match=r"regularizer.teacher: .*decision.json: there is no such file"):
            assembled(home(run), *student(run, f"cache_dir={tmp_path / 'cache'}"))
    finally:
        (tmp_path / "decision.json").rename(run.model / "decision.json")
    more = ("data.tasks={other:{column:source,classes:[a,b]}}", "data.leakage.exact=allow")  # the splits are others
    with pytest.raises(UserError, match="does not know the task other with these classes"):
        assembled(home(run), *student(run, *more))


def test_classes_in_another_order_are_the_same_classes(run: RunDirectory) -> None:
    made = [
        assembled(home(run), *student(run, *more))
        for more in ((), ("data.tasks={topic:[food,war],tone:[1,no,yes,none]}",))
    ]
    texts = [one.prepared.splits.train.text for one in made]
    assert texts[0] == texts[1]
    (tone, topic), (its_tone, its_topic) = (one.data._datasets["train"].teacher or [] for one in made)
    assert [task.classes[0] for task in made[1].prepared.splits.tasks] == ["1", "food"]
    assert np.array_equal(its_topic, topic[:, [1, 0]])
    assert np.array_equal(its_tone, tone[:, [3, 1, 0, 2]])


def test_folds_of_the_teachers_own_rows_are_refused_before_anything_is_written(run: RunDirectory) -> None:
    before = sorted(run.path.parent.iterdir())
    code, said = outcome_of("train", *overrides(home(run), *student(run, "folds=2"), rows=150))
    assert code == 2, said
    said = " ".join(said.split())
    assert "folds: each row is held out of one fold, so a teacher has to come from other rows" in said
    assert sorted(run.path.parent.iterdir()) == before
