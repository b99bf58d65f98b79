"""``python -m polarity.refit``: the same training on more rows, and every verb knows what nobody can say of it."""

import json
import os
import signal
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

import polarity
from polarity.config.preflight import prepare
from polarity.config.refit import refit_problems
from polarity.evaluation.predictions import read_predictions
from polarity.models.huggingface.pretrained import PretrainedEncoder
from polarity.models.saving import load_model
from polarity.run import RunDirectory
from polarity.runs.rebuild import run_splits
from polarity.training.assembled import Stages, assemble
from polarity.training.linear_probe import MOST_ROWS, begin_as_probe
from polarity.training.narrowed_tables import NarrowedTables
from polarity.training.refitting import StopAfter
from tests.running import composed, overrides, train
from tests.trials import plain_trainer
from tests.verbs import said_by

QUICK = ("reporting.resamples=100", "reporting.baselines=false", "trainer.log_every_n_steps=1")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    return train(tmp_path_factory.mktemp("refit"), *QUICK, rows=120)


@pytest.fixture(scope="module")
def again(run: RunDirectory) -> RunDirectory:
    said_by("refit", f"run={run.path}", f"output_dir={run.path.parents[1] / 'again'}")
    return RunDirectory.open(run.path.parents[1] / "again" / "latest")


def test_it_is_trained_on_both_and_decides_as_before(run: RunDirectory, again: RunDirectory) -> None:
    before, after = run_splits(run), run_splits(again)
    assert after.train.ids == before.train.ids + before.val.ids
    assert after.test is not None
    assert after.test.ids == before.test.ids  # type: ignore[union-attr]
    rules = [json.loads((one.model / "decision.json").read_text(encoding="utf-8")) for one in (run, again)]
    assert rules[0]["tasks"] == rules[1]["tasks"]
    assert rules[0]["weights_sha256"] != rules[1]["weights_sha256"]
    best = json.loads(run.metrics.read_text(encoding="utf-8"))["best"]
    assert json.loads(again.metrics.read_text(encoding="utf-8"))["best"]["epochs"] == best["epoch"] + 1


def test_where_nothing_can_be_named_the_latest_the_folder_is_told(run: RunDirectory, tmp_path: Path) -> None:
    (tmp_path / "latest").mkdir()
    said = said_by("refit", f"run={run.path}", f"output_dir={tmp_path}")
    (made,) = tmp_path.glob("2*")
    assert f"the run is finished, but {tmp_path / 'latest'} could not be written" in said
    assert f"everything is in {made}" in said


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGUSR1])
def test_a_signal_while_it_trains_ends_it_in_good_order(
    number: signal.Signals, run: RunDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lightning has handlers of its own, which would end the process with code 0, and say nothing."""
    ask = lambda *_, **__: os.kill(os.getpid(), number)  # noqa: E731
    monkeypatch.setattr(StopAfter, "on_train_batch_start", ask, raising=False)
    said = said_by("refit", f"run={run.path}", f"output_dir={tmp_path}", code=128 + number)
    assert said.splitlines()[-1] == f"polarity.refit: interrupted by {number.name}"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_it_is_what_training_on_these_rows_gives(run: RunDirectory, again: RunDirectory) -> None:
    """As many epochs of those that were planned, so that rates fall as they did; the same to the last bit."""
    prepared = prepare(run.config)
    made = assemble(replace(prepared, splits=prepared.splits.all_trained()), Stages())
    epochs = json.loads(again.metrics.read_text(encoding="utf-8"))["best"]["epochs"]
    accumulate = run.config["batching"]["accumulate"]
    plan = {"max_epochs": 2, "limit_val_batches": 0, "accumulate_grad_batches": accumulate, "log_every_n_steps": 1}
    trainer = plain_trainer(callbacks=[NarrowedTables(made), StopAfter(epochs)], **plan)
    trainer.fit(made.module, datamodule=made.data)
    weights, (model, _) = made.module.model.state_dict(), load_model(again.model)
    assert all(torch.equal(weight, weights[name]) for name, weight in model.state_dict().items())


@pytest.mark.slow
def test_it_begins_with_the_pretraining_of_the_run(tmp_path: Path) -> None:
    further = ("pretraining=mlm", "pretraining.lr=1e-2", "model.freeze=encoder", "trainer.max_epochs=1")
    run = train(tmp_path, *QUICK, *further, rows=120)
    said_by("refit", f"run={run.path}", f"output_dir={tmp_path / 'again'}")
    refit = load_model(RunDirectory.open(tmp_path / "again" / "latest").model)[0].encoder.state_dict()
    published = PretrainedEncoder(name=run.config["model"]["name"]).build().state_dict()
    dense = "backbone.encoder.layer.0.output.dense.weight"
    assert not torch.equal(refit[dense], published[dense]), "which nothing but pretraining changes here"


def test_it_ends_after_the_chosen_epoch() -> None:
    trainer = SimpleNamespace(current_epoch=0, should_stop=False)
    for trainer.current_epoch, wanted in enumerate([False, True]):
        StopAfter(2).on_train_epoch_end(trainer, None)  # type: ignore[arg-type]
        assert trainer.should_stop is wanted


@pytest.mark.slow
def test_every_verb_knows_it(run: RunDirectory, again: RunDirectory, tmp_path: Path) -> None:
    none = "is a refit, trained on its validation rows as well, so it has no score of its own"
    for verb, *arguments in (
        ("evaluate", f"run={again.path}"),
        ("report", f"run={again.path}"),
        ("compare", str(run.path), str(again.path)),
        ("ensemble", f"runs=[{run.path},{again.path}]", f"output_dir={tmp_path}"),
    ):
        assert none in " ".join(said_by(verb, *arguments, code=2).split())
    assert "is a refit already" in said_by("refit", f"run={again.path}", code=2)
    assert "reproduced" in said_by("evaluate", f"run={again.path}", "split=test", "resamples=100")
    said_by("export", f"run={again.path}", "format=hf", f"output={tmp_path / 'hf'}")
    card = (tmp_path / "hf" / "README.md").read_text(encoding="utf-8")
    assert f"as long as those of the run {run.path.name} had chosen" in " ".join(card.split())
    texts = read_predictions(again.predictions("seen")).ids[:2]
    assert len(polarity.load(again.path).predict(texts)) == 2
    started = " ".join(said_by("train", *overrides(run.path.parents[1], f"from={again.path}"), code=2).split())
    assert "stand in the train split that the run was trained on" in started


def test_what_cannot_be_done_again_is_refused(tmp_path: Path) -> None:
    config = composed(*overrides(tmp_path, "callbacks=ema", "scheduler=plateau", "+trainer.max_steps=7"))
    assert [problem.partition(":")[0] for problem in refit_problems(config)] == [
        "callbacks.ema",
        "scheduler",
        "trainer.max_steps",
    ]
    assert refit_problems(composed(*overrides(tmp_path))) == []
    distilled = composed(*overrides(tmp_path, "regularizer=distillation", "regularizer.teacher=there"))
    assert "has been chosen by the validation rows" in refit_problems(distilled)[0]


def test_a_probe_is_chosen_as_before_and_fitted_to_all(run: RunDirectory) -> None:
    usual = [text for text in overrides(run.path.parents[1]) if not text.startswith("model")]
    first = assemble(prepare(composed(*usual, "model=ngrams", "head.init=linear_probe")), Stages())
    splits = first.prepared.splits.all_trained()
    inputs = {name: first.reader.inputs(rows, 32) for name, rows in splits.items()}
    own = {name: first.data.inputs[name] for name in ("train", "val")}
    before = begin_as_probe(first.module.model, first.prepared.splits, own, no_vectors, 0)
    both = begin_as_probe(first.module.model, splits, inputs, no_vectors, 0, first=len(first.prepared.splits.train))
    assert len(splits.train) <= MOST_ROWS
    assert [one.strength for one in both] == [one.strength for one in before]
    assert not np.allclose(both[0].model.weights, before[0].model.weights)
    longer = begin_as_probe(first.module.model, splits, inputs, no_vectors, 0)
    for wanted, found in zip(longer, both, strict=True):
        if wanted.strength == found.strength:
            assert np.array_equal(wanted.model.weights, found.model.weights)


def no_vectors(*_: object) -> np.ndarray:
    raise AssertionError("n-grams are read as they are")
