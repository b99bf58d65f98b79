"""A run goes on where another folder, another run or other columns stand in the place of what it began with."""

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from polarity.config import preflight
from polarity.config.settled import with_places
from polarity.data.rows import Rows
from polarity.errors import UserError
from polarity.files import read_object, write_json
from polarity.run import RunDirectory
from polarity.runs.environment import changed_data, described
from polarity.runs.ledger import ledger_of
from polarity.training import run as training_run
from polarity.training.resuming import notes
from polarity.training.run import resume_run
from tests.effects.corpus import splits
from tests.running import composed, overrides, train
from tests.training.test_resume import Crash

QUICK = ("model=ngrams", "trainer.max_epochs=1", "reporting.baselines=false", "reporting.resamples=100")
WITHOUT = ("model=local", "model.name=")


def failed(run: RunDirectory) -> RunDirectory:
    run.set_status("failed", error="power failure")
    return run


def test_another_value_of_a_column_that_the_model_reads_is_another_row(tmp_path: Path) -> None:
    run = failed(train(tmp_path, *QUICK, "data.features={source:category}", without=WITHOUT))
    corpus = tmp_path / "corpus.csv"
    header, *lines = corpus.read_text(encoding="utf-8").splitlines()
    place = header.split(",").index("source")
    sources = sorted({line.split(",")[place] for line in lines})
    changed = [line.split(",") for line in lines]
    changed[-1][place] = next(name for name in sources if name != changed[-1][place])
    corpus.write_text("\n".join([header, *map(",".join, changed)]), encoding="utf-8")
    preflight.forget_rows()
    with pytest.raises(UserError, match=r"^resume: data: the \w+ split .*: columns of data.features or data.group"):
        resume_run(str(run.path))


def test_so_is_one_of_the_column_that_rows_are_grouped_by() -> None:
    def grouped(value: str) -> Rows:
        rows = splits(48, 24).train.select(range(48))
        rows.metadata["author"], rows.group = [value, *["b"] * (len(rows) - 1)], "author"
        return rows

    texts = splits(48, 24)
    one, other = ({"train": grouped(value), "val": texts.val} for value in "ab")
    before, after = (described(each, ()) for each in (one, other))
    assert changed_data(before, before) == []
    (problem,) = changed_data(before, after)
    assert problem.startswith("data: the train split is not the one that the run was trained with: columns of data.")
    del before["train"]["columns"]  # as an earlier version has recorded it
    assert changed_data(before, after) == []


def test_so_are_other_contexts_also_where_an_earlier_version_began() -> None:
    texts = splits(48, 24)
    several = {name: [f"{name} {row}" for row in range(len(texts.val))] for name in ("a", "b")}
    one, other = (
        described(replace(texts, val=replace(texts.val, context=each), test=None), ()) for each in several.values()
    )
    plain = described(replace(texts, test=None), ())
    assert one["val"]["fingerprint"] == other["val"]["fingerprint"] == plain["val"]["fingerprint"]
    for known, found in ((one, other), (one, plain)):
        (problem,) = changed_data(known, found)
        assert problem.startswith("data: the val split is not the one that the run was trained with: contexts with")
    earlier = {**one, "val": {"rows": 24, "fingerprint": one["val"]["context"]}}  # one mark of texts and contexts
    assert changed_data(earlier, one) == []
    for found in (other, plain):
        (problem,) = changed_data(earlier, found)
        assert problem.startswith("data: the val split is not the one that the run was trained with: 24 rows with")


@pytest.fixture
def began(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunDirectory:
    """A run that was started with relative paths, and cut off in its first step; now somebody stands elsewhere."""
    more = ("pretraining=mlm", "pretraining.epochs=1", "trainer.max_epochs=1", "reporting.baselines=false")
    line = [text.replace(f"{tmp_path}/", "") for text in overrides(tmp_path, *more, rows=120)]
    monkeypatch.chdir(tmp_path)
    build = training_run.build_callbacks
    with monkeypatch.context() as patch:
        patch.setattr(training_run, "build_callbacks", lambda config: {**build(config), "crash": Crash((0, 0))})
        with pytest.raises(SystemExit):
            training_run.start_run(composed(*line), line, keep_going=False)
    (tmp_path / "elsewhere").mkdir()
    shutil.rmtree(tmp_path / "cache" / "pretraining")
    monkeypatch.chdir(tmp_path / "elsewhere")
    return RunDirectory.open(next((tmp_path / "outputs").glob("2*")))


def test_paths_are_meant_from_where_the_run_began_whatever_reads_them(began: RunDirectory, tmp_path: Path) -> None:
    resume_run(str(began.path))
    assert began.status["state"] == "finished"
    assert Path.cwd() == tmp_path / "elsewhere"
    assert list(Path.cwd().iterdir()) == []
    assert (tmp_path / "cache" / "pretraining").is_dir()
    assert began.config["cache_dir"] == str(tmp_path / "cache")


def test_a_look_at_test_is_one_wherever_the_folder_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run = failed(train(tmp_path, *QUICK, "output_dir=here", "cache_dir=cache", without=WITHOUT))
    again = failed(RunDirectory.open(shutil.move(run.path, tmp_path / "moved")))
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    resume_run(str(again.path))
    mark = read_object(again.environment)["data"]["test"]["fingerprint"]
    (look,) = ledger_of(again.config).evaluations(mark).entries
    assert Path(look.run).is_absolute()
    assert look.id == again.recorded["id"]


def test_a_run_is_named_by_itself_and_not_by_its_place_in_time(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "latest").write_text("one\n", encoding="utf-8")
    config = composed(
        *overrides(tmp_path, f"from={tmp_path / 'latest'}", "regularizer=distillation"),
        f"regularizer.teacher={os.path.relpath(tmp_path / 'latest')}",
    )
    settled = with_places(config)
    assert settled["from"] == str(tmp_path / "one")
    assert settled["regularizer"]["teacher"] == os.path.relpath(tmp_path / "one")
    assert with_places(settled) == settled


def test_another_run_in_the_place_of_a_teacher_is_no_teacher(tmp_path: Path) -> None:
    teacher = train(tmp_path, *QUICK, without=WITHOUT)
    taught = ("regularizer=distillation", f"regularizer.teacher={teacher.path}")
    run = failed(train(tmp_path, *QUICK, *taught, f"output_dir={tmp_path / 'students'}", without=WITHOUT))
    known = read_object(run.environment)
    assert list(known["runs"]) == ["regularizer.teacher"]
    write_json(run.environment, {**known, "runs": {"regularizer.teacher": "another"}})
    with pytest.raises(UserError, match=r"^resume: regularizer.teacher: names another run than when this one began"):
        resume_run(str(run.path))


def test_a_teacher_is_meant_from_where_the_run_began(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    teacher = train(tmp_path, *QUICK, without=WITHOUT)
    taught = ("regularizer=distillation", f"regularizer.teacher={os.path.relpath(teacher.path)}")
    build = training_run.build_callbacks
    line = [text for text in overrides(tmp_path, *QUICK, *taught) if not text.startswith(WITHOUT)]
    with monkeypatch.context() as patch:
        patch.setattr(training_run, "build_callbacks", lambda config: {**build(config), "crash": Crash((0, 0))})
        with pytest.raises(SystemExit):
            training_run.start_run(composed(*line), line, keep_going=False)
    (run,) = (folder for folder in (tmp_path / "outputs").glob("2*") if folder != teacher.path)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    shutil.rmtree(tmp_path / "cache" / "teachers")
    resume_run(str(run))
    assert "its teacher, outputs/" in read_object(RunDirectory(run).metrics)["best"]["selection"]["sentence"]


def test_other_threads_round_otherwise(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path)
    here = torch.get_num_threads()
    for threads, said in ((here, []), (here + 1, [f"goes on with {here}: sums are rounded otherwise"])):
        run.environment.write_text(json.dumps({"data": {}, "threads": threads}), encoding="utf-8")
        found = notes(run, run.resume_point)
        assert len(found) == len(said)
        assert all(part in line for part, line in zip(said, found, strict=True))
    assert "training begins anew" in notes(run, None)[0]
