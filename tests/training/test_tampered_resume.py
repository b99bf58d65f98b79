"""What was changed in a stopped run's folder, or in its data, is noticed before it goes on."""

import json
import math
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from polarity.config import preflight
from polarity.errors import UserError
from polarity.run import RunDirectory
from polarity.training.resuming import point_to_resume_from, trusted_config
from polarity.training.run import resume_run
from tests.running import train
from tests.sameness import assert_same_runs


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    return train(tmp_path_factory.mktemp("finished"))


@pytest.fixture
def stopped(finished: RunDirectory, tmp_path: Path) -> RunDirectory:
    """A copy that was killed in its last stage."""
    run = RunDirectory(shutil.copytree(finished.path, tmp_path / "run"))
    run.set_status("failed", error="power failure")
    return run


def flip(path: Path) -> None:
    """Change one bit."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def cut(path: Path) -> None:
    """Half of an archive: its table of contents stands at the end."""
    os.truncate(path, path.stat().st_size // 2)


def empty(path: Path) -> None:
    """What a file system may leave after a power cut."""
    os.truncate(path, 0)


def zeroed(path: Path) -> None:
    """As above: the length is known, the content has never been written."""
    path.write_bytes(bytes(path.stat().st_size))


@pytest.mark.slow
@pytest.mark.parametrize("damage", [zeroed, flip, cut, empty, Path.unlink])
def test_a_damaged_resume_point_gives_way_to_the_one_before(
    damage: Callable[[Path], None], stopped: RunDirectory, capsys: pytest.CaptureFixture[str]
) -> None:
    damage(stopped.resume_point)
    assert point_to_resume_from(stopped) == stopped.previous_point
    why = "there is no such file" if damage is Path.unlink else "it is damaged"
    said = capsys.readouterr().out
    assert f"CANNOT BE USED: {stopped.resume_point}: {why}" in said
    assert f"GOING ON FROM AN EARLIER POINT: {stopped.previous_point}" in said


@pytest.mark.slow
def test_from_the_point_before_a_run_comes_to_the_same_end(
    stopped: RunDirectory, finished: RunDirectory, capsys: pytest.CaptureFixture[str]
) -> None:
    assert point_to_resume_from(stopped) == stopped.resume_point
    flip(stopped.resume_point)
    assert point_to_resume_from(stopped) == stopped.previous_point
    assert f"CANNOT BE USED: {stopped.resume_point}: it is damaged" in capsys.readouterr().out
    resume_run(str(stopped.path))
    assert_same_runs(finished, stopped)


def test_the_best_checkpoint_serves_as_well_and_without_any_it_is_reported(
    stopped: RunDirectory, finished: RunDirectory
) -> None:
    flip(stopped.resume_point)
    stopped.previous_point.unlink()
    best = point_to_resume_from(stopped)
    assert best is not None
    assert best.name.startswith("epoch=")
    flip(best)
    with pytest.raises(UserError, match="no other checkpoint to go on from"):
        point_to_resume_from(stopped)


def test_the_newest_of_the_best_checkpoints_is_found_by_its_step_also_where_the_clock_was_set_back(
    stopped: RunDirectory,
) -> None:
    stopped.resume_point.unlink()
    stopped.previous_point.unlink()
    (best,) = stopped.checkpoints.glob("epoch=*.ckpt")
    for number, name in enumerate(("epoch=9-step=90.ckpt", "epoch=10-step=100.ckpt", "epoch=2-step=20.ckpt")):
        shutil.copy(best, best.with_name(name))
        os.utime(best.with_name(name), (number, number))
    assert point_to_resume_from(stopped) == best.with_name("epoch=10-step=100.ckpt")


def test_another_runs_checkpoints_are_refused(stopped: RunDirectory, tmp_path: Path) -> None:
    other = RunDirectory.create(tmp_path, stopped.config, [])
    shutil.copytree(stopped.checkpoints, other.checkpoints)
    with pytest.raises(UserError, match="is that of another run"):
        point_to_resume_from(other)


def test_an_edited_configuration_is_refused_by_its_keys(stopped: RunDirectory) -> None:
    trusted_config(stopped, trust=None)
    path = stopped.path / "config.yaml"
    path.write_text(path.read_text().replace("lr: 0.002", "lr: 0.001").replace("seed: 42", "seed: 43"))
    with pytest.raises(UserError, match=r"was edited after the run began \(optimizer.lr, seed\)"):
        resume_run(str(stopped.path))


def test_a_configuration_that_was_cut_off_is_no_foreign_code(stopped: RunDirectory) -> None:
    path = stopped.path / "config.yaml"
    text = path.read_text()
    path.write_text(text[: text.index("polarity.data.") + len("polarity.data")])
    with pytest.raises(UserError, match="was edited after the run began"):
        resume_run(str(stopped.path))


@pytest.mark.parametrize(
    ("name", "what"), [("environment.json", "which data it saw"), ("overrides.yaml", "what was set for it")]
)
def test_what_the_run_wrote_when_it_began_has_to_be_there(name: str, what: str, stopped: RunDirectory) -> None:
    """Without the record of its data nobody could tell whether they are the same."""
    (stopped.path / name).unlink()
    before = stopped.recorded
    with pytest.raises(UserError, match=rf"{name}: there is no such file, but the run wrote one, which tells {what}"):
        resume_run(str(stopped.path))
    assert stopped.recorded == before, "nothing was started"
    assert not (stopped.path / name).exists()


@pytest.mark.slow
def test_without_checkpoints_it_says_that_it_begins_anew(
    stopped: RunDirectory, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(stopped.checkpoints)
    resume_run(str(stopped.path))
    assert f"no checkpoint is in {stopped.path}: training begins anew" in " ".join(capsys.readouterr().out.split())


def test_data_that_were_moved_are_asked_back(stopped: RunDirectory) -> None:
    corpus = Path(stopped.config["data"]["path"])
    corpus.rename(corpus.with_name("moved.csv"))
    preflight._load_once.cache_clear()
    try:
        with pytest.raises(UserError, match=r"keeps its settings, so its data have to be where they were, by paths"):
            resume_run(str(stopped.path))
    finally:
        corpus.with_name("moved.csv").rename(corpus)
        preflight._load_once.cache_clear()


def test_changed_data_are_refused_by_the_split(stopped: RunDirectory) -> None:
    corpus = Path(stopped.config["data"]["path"])
    before = corpus.read_text(encoding="utf-8")
    try:
        lines = before.splitlines(keepends=True)
        lines[5] = lines[5].replace("yes", "no") if ",yes," in lines[5] else lines[5].replace(",", ",extra ", 1)
        corpus.write_text("".join(lines), encoding="utf-8")
        preflight._load_once.cache_clear()  # another process would read them again
        with pytest.raises(UserError, match=r"resume: data: the (train|val|test) split is not the one"):
            resume_run(str(stopped.path))
    finally:
        preflight._load_once.cache_clear()
        corpus.write_text(before, encoding="utf-8")


@pytest.mark.slow
def test_another_tokenizer_is_noticed(stopped: RunDirectory) -> None:
    """Two words that have changed their numbers: every shape is as it was."""
    path = Path(stopped.config["model"]["name"]) / "tokenizer.json"
    before = path.read_text(encoding="utf-8")
    content = json.loads(before)
    vocabulary = content["model"]["vocab"]
    vocabulary["the"], vocabulary["of"] = vocabulary["of"], vocabulary["the"]
    path.write_text(json.dumps(content), encoding="utf-8")
    try:
        with pytest.raises(UserError, match="resume: the training texts are read otherwise than when the run began"):
            resume_run(str(stopped.path))
    finally:
        path.write_text(before, encoding="utf-8")
    assert math.isfinite(resume_run(str(stopped.path)))


@pytest.mark.slow
def test_an_encoder_of_other_settings_is_noticed(stopped: RunDirectory) -> None:
    """Another activation: every weight has the shape that it had."""
    path = Path(stopped.config["model"]["name"]) / "config.json"
    before = path.read_text(encoding="utf-8")
    path.write_text(json.dumps(json.loads(before) | {"hidden_act": "relu"}), encoding="utf-8")
    try:
        with pytest.raises(UserError, match=r"the encoder is another one .*\(hidden_act: gelu then, relu now\)"):
            resume_run(str(stopped.path))
    finally:
        path.write_text(before, encoding="utf-8")
    assert math.isfinite(resume_run(str(stopped.path)))
