"""What is scored in the end is the best checkpoint as it lies on disk, or nothing."""

import json
import re
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning.pytorch.callbacks import Callback
from tokenizers import normalizers

from polarity.models.huggingface import pretrained
from polarity.run import RunDirectory
from polarity.training import finish
from polarity.training import run as training_run
from polarity.training.manifest import Manifest
from tests.running import composed, overrides, train, train_by_one_post
from tests.sameness import history


class AtTheEnd(Callback):
    """Does something to the best checkpoint's file after the last epoch."""

    def __init__(self, act: Callable[[Path], None]) -> None:
        self.act = act

    def on_fit_end(self, trainer: Any, pl_module: Any) -> None:
        self.act(Path(trainer.checkpoint_callback.best_model_path))


def failed(folder: Path, act: Callable[[Path], None], monkeypatch: pytest.MonkeyPatch) -> RunDirectory:
    """A run that ``act`` spoils between training and its last stage."""
    arguments = overrides(folder, "trainer.max_epochs=1")
    build = training_run.build_callbacks
    with monkeypatch.context() as patch:
        patch.setattr(training_run, "build_callbacks", lambda config: {**build(config), "end": AtTheEnd(act)})
        with pytest.raises(SystemExit) as stop:
            training_run.start_run(composed(*arguments), arguments, keep_going=False)
    assert stop.value.code == 1
    (path,) = (folder / "outputs").glob("2*")
    run = RunDirectory.open(path)
    assert run.status["state"] == "failed"
    assert not run.metrics.exists()
    assert not (folder / "outputs" / "latest").exists()
    return run


def cut_off(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1000])


def nudge(path: Path) -> None:
    """Change the weights a little, as another epoch's checkpoint would have them."""
    checkpoint = torch.load(path, weights_only=True)
    for values in checkpoint["state_dict"].values():
        values.add_(0.05 * torch.randn(values.shape))
    torch.save(checkpoint, path)
    manifest = Manifest(RunDirectory(path.parent.parent))
    manifest.add_best(path, path.name, path.name)  # as if the run itself had written it


@pytest.mark.parametrize("act", [Path.unlink, cut_off])
def test_without_its_best_checkpoint_a_run_fails_and_nothing_else_is_scored(
    act: Callable[[Path], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = failed(tmp_path, act, monkeypatch)
    assert "CheckpointError" in run.status["traceback"]
    assert "epoch=0-step=10.ckpt cannot be read, and nothing else is scored in its place" in run.status["error"]
    assert not run.model.exists()
    said = capsys.readouterr().out
    assert "The run stopped: CheckpointError" in said
    assert "precision" not in said


def test_a_checkpoint_that_does_not_reproduce_its_score_fails_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = failed(tmp_path, nudge, monkeypatch)
    assert "ScoreMismatchError" in run.status["traceback"]
    said = re.search(r"but (\d\.\d{8}) was monitored in epoch 1", run.status["error"])
    assert said is not None
    in_single_precision = pytest.approx(float(history(run)[0]["val/macro_f1"]), abs=1e-7)
    assert float(said[1]) == in_single_precision


def test_a_tokenizer_that_is_not_read_back_as_it_was_fails_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its scores would be those of a model that nobody can ask."""

    def forgotten(tokenizer: Any, prefix: str) -> Any:
        backend = tokenizer.backend_tokenizer
        backend.normalizer = normalizers.Sequence([normalizers.Prepend(prefix), backend.normalizer])
        return tokenizer

    monkeypatch.setattr(pretrained, "with_prefix", forgotten)
    arguments = overrides(tmp_path, "trainer.max_epochs=1", "model.prefix='news: '")
    with pytest.raises(SystemExit):
        training_run.start_run(composed(*arguments), arguments, keep_going=False)
    (path,) = (tmp_path / "outputs").glob("2*")
    run = RunDirectory.open(path)
    assert run.status["state"] == "failed"
    assert "reads texts otherwise than they were read in training (input_ids" in run.status["error"]
    assert not run.metrics.exists()


def test_the_last_screen_says_why_there_are_no_intervals_and_what_was_fitted(tmp_path: Path) -> None:
    run = train_by_one_post(tmp_path, "trainer.max_epochs=1")
    log = run.log.read_text(encoding="utf-8")
    assert "macro-F1 [95% interval]" not in log
    assert "val: all rows are of one post, which cannot say how it would be in another: there are no intervals" in log
    few = "the labelled validation rows are of too few values of post to tell what helps in others"
    assert log.count(f"tone, topic: calibration and decision rule: {few}") == log.count(few) == 1
    assert "Intervals say how" not in run.report.read_text(encoding="utf-8")


@pytest.mark.slow
def test_a_run_whose_last_stage_failed_is_finished_by_resuming_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: dict[Path, bytes] = {}

    def hide(path: Path) -> None:
        kept[path] = path.read_bytes()
        path.unlink()

    run = failed(tmp_path, hide, monkeypatch)
    for path, content in kept.items():
        path.write_bytes(content)
    best = training_run.resume_run(str(run.path))
    assert run.status["state"] == "finished"
    assert best == json.loads(run.metrics.read_text())["best"]["value"] == float(history(run)[0]["val/macro_f1"])


@pytest.mark.slow
def test_what_the_model_has_said_is_not_asked_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a run that ended while it finished, only what is missing is done."""
    asked: list[int] = []
    ask = finish.predict_logits
    monkeypatch.setattr(finish, "predict_logits", lambda *a, **b: (asked.append(a[2]), ask(*a, **b))[1])
    arguments = overrides(tmp_path, "trainer.max_epochs=1", "reporting.baselines=false")
    begin_anew = partial(training_run.start_run, composed(*arguments), arguments, keep_going=False)
    path = tmp_path
    for stage in ("decide", "seal", "_print_end"):
        begin = partial(training_run.resume_run, str(path)) if asked else begin_anew
        with monkeypatch.context() as patch:
            patch.setattr(finish, stage, lambda *_: sys.exit(143))
            with pytest.raises(SystemExit):
                begin()
        (path,) = (tmp_path / "outputs").glob("2*")
        assert RunDirectory(path).status["state"] == "failed", "not before all of it is there"
    assert len(asked) == 2, "val and test"
    training_run.resume_run(str(path))
    run = RunDirectory(path)
    assert len(asked) == 2
    assert run.status["state"] == "finished"
    assert run.report.is_file()
    assert {path.name for path in run.checkpoints.iterdir() if path.is_dir()} == set()


@pytest.mark.slow
def test_best_is_the_epoch_of_the_history_with_the_best_score(tmp_path: Path) -> None:
    run = train(tmp_path, "trainer.max_epochs=4", "callbacks.best.save_top_k=2")
    scores = [float(row["val/macro_f1"]) for row in history(run)]
    best = json.loads(run.metrics.read_text())["best"]
    assert best["value"] == max(scores) == json.loads(run.metrics.read_text())["val"]["overall"]
    assert best["epoch"] == scores.index(max(scores))
    assert best.pop("selection")["epochs"] == 4
    assert best == json.loads((run.checkpoints / "best.json").read_text())
    assert len(list(run.checkpoints.glob("epoch=*"))) == 2


def test_no_finite_score_is_no_best_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scores = "polarity.training.module.score_metrics"
    monkeypatch.setattr(scores, lambda _: {"val/macro_f1": float("nan")})
    arguments = overrides(tmp_path, "callbacks.early_stopping=null")
    with pytest.raises(SystemExit):
        training_run.start_run(composed(*arguments), arguments, keep_going=False)
    (path,) = (tmp_path / "outputs").glob("2*")
    assert "no epoch ended with a finite val/macro_f1" in RunDirectory.open(path).status["error"]


def test_a_run_that_ends_while_it_saves_its_first_checkpoint_begins_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is no file that the manifest does not know, which would look damaged, nor another one to go on from."""
    arguments = overrides(tmp_path, "trainer.max_epochs=1", "reporting.baselines=false", "reporting.resamples=100")
    with monkeypatch.context() as patch:
        patch.setattr(Manifest, "add_best", lambda *_: sys.exit(9))
        with pytest.raises(SystemExit):
            training_run.start_run(composed(*arguments), arguments, keep_going=False)
    (path,) = (tmp_path / "outputs").glob("2*")
    run = RunDirectory.open(path)
    assert list(run.checkpoints.glob("*.ckpt")) == []
    training_run.resume_run(str(path))
    assert run.status["state"] == "finished"
