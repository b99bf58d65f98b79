"""Heads that begin as a linear probe are exactly that, whatever the encoder is; no resumed run begins again."""

import json
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch.testing import assert_close

from polarity.baselines.linear import LinearModel
from polarity.data.reading import Inputs
from polarity.errors import UserError
from polarity.evaluation.predictions import read_predictions
from polarity.locks import FolderLock
from polarity.models import Head, MultiTaskClassifier, PretrainedEncoder
from polarity.models.encoder import Encoder, EncoderSettings
from polarity.models.joined import WideDeep
from polarity.models.ngrams.encoder import NgramEncoder
from polarity.models.ngrams.settings import Ngrams
from polarity.reports.html.run.history import history_curves
from polarity.run import RunDirectory
from polarity.spreadsheets import read_csv
from polarity.sweeps.job import Job
from polarity.tasks import IGNORE_INDEX
from polarity.training import run as training_run
from polarity.training.linear_probe import begin_as, begin_as_probe, narrow_tables
from polarity.training.trainer import build_trainer
from tests.effects.corpus import TASKS, rows, splits
from tests.running import train
from tests.sameness import assert_same, assert_same_runs, history, state
from tests.tiny import save_tiny_encoder
from tests.training.test_resume import interrupted
from tests.trials import assembled

TEXTS = rows(48)
RUIN = 10.0
"""A rate at which everything is lost that a model knows."""


def settings_of(kind: str, folder: Path) -> EncoderSettings:
    deep = PretrainedEncoder(name=str(save_tiny_encoder(folder / "encoder", width=16)))
    return {"tokens": deep, "ngrams": Ngrams(), "both": WideDeep(encoder=deep, ngrams=Ngrams())}[kind]


@torch.no_grad()
@pytest.mark.parametrize("kind", ["tokens", "ngrams", "both"])
def test_its_logits_are_those_of_the_linear_models(kind: str, tmp_path: Path) -> None:
    source = settings_of(kind, tmp_path)
    reader = source.make_reader(TEXTS)
    model = MultiTaskClassifier(tasks=TASKS, encoder=source.build(reader), head=Head()).eval()
    inputs = reader.inputs(TEXTS, 32)
    batch = inputs.batch(np.arange(len(TEXTS)))

    def compute(encoder: Encoder, read: Inputs) -> np.ndarray:
        return encoder.before(**read.batch(np.arange(len(TEXTS)))).numpy()

    features = model.encoder.linear_features({"train": inputs, "val": inputs}, compute)
    labels = TEXTS.labels.copy()
    labels[labels[:, 0] == 1, 0] = IGNORE_INDEX  # a class without a training row
    fitted = [LinearModel.fit(task, features.by_split["train"], labels[:, t], 3.0) for t, task in enumerate(TASKS)]
    begin_as(model, fitted, features)
    for t, logits in enumerate(model(**batch)):
        rest = list(fitted[t].seen)
        wanted = fitted[t].distances(features.by_split["val"])
        assert_close(logits[:, rest].double(), torch.from_numpy(wanted), rtol=1e-4, atol=1e-4)
        assert logits.argmax(dim=1).tolist() == fitted[t].log_probabilities(features.by_split["val"]).argmax(1).tolist()


def test_where_vectors_are_too_short_for_all_outputs_they_hold_what_they_can(tmp_path: Path) -> None:
    source = Ngrams(width=3)
    reader = source.make_reader(TEXTS)
    encoder, weights = source.build(reader), np.random.default_rng(0).normal(size=(8, reader.terms))
    columns, shift = encoder.linear_features({"train": reader.inputs(TEXTS, 32)}, lambda *_: weights).take(weights)
    values = np.linalg.svd(weights, compute_uv=False)
    left = np.linalg.norm(columns @ encoder.table.weight.detach().numpy().T - weights)
    assert left == pytest.approx(np.linalg.norm(values[3:]), rel=1e-4)  # no matrix of rank 3 is nearer
    assert not shift.any()


@pytest.mark.parametrize(("width", "told"), [(3, True), (sum(len(task.classes) for task in TASKS), False)])
def test_that_they_hold_it_in_part_is_told(width: int, told: bool) -> None:
    source = Ngrams(width=width)
    encoder = source.build(source.make_reader(TEXTS))
    model = MultiTaskClassifier(tasks=TASKS, encoder=encoder, head=Head())
    said = narrow_tables(model)
    assert [f"have {width} numbers, so they hold it in part" in text for text in said] == [True] * told


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        (["model=ngrams"], []),
        (["model=wide_deep", "model.encoder=local"], ["model.encoder.name"]),
        (["model=late_fusion", "model.encoder=local"], ["model.encoder.name"]),
        (["model=local"], ["model.name"]),
    ],
    ids=lambda given: "".join(given[:1]),
)
def test_vectors_that_begin_as_it_hold_it_whole_however_many_classes_there_are(
    settings: list[str], named: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("polarity.models.ngrams.encoder.WIDTH", 1)
    name = [f"{key}={save_tiny_encoder(tmp_path / 'encoder')}" for key in named]
    line = ["~model.name", *settings, *name, "data.features={source:category}"]
    begins = [] if "model=late_fusion" in settings else ["head.init=linear_probe"]
    for more, whole in ((begins, True), ([], not begins)):
        model = assembled(tmp_path, *line, *more).module.model
        parts = {name: part for name, part in model.encoder.named_modules() if isinstance(part, NgramEncoder)}
        random = [part.width for name, part in parts.items() if not begins and name.startswith("parts.encoder.")]
        its = [part for name, part in parts.items() if begins or not name.startswith("parts.encoder.")]
        assert [part.width for part in its] == [min(6, part.terms) if whole else 1 for part in its]
        assert set(random) == (set() if begins else {1}), "what begins at random is as it would be alone"
        assert bool(narrow_tables(model)) != whole


@torch.no_grad()
@pytest.mark.parametrize("kind", ["tokens", "ngrams", "both"])
def test_of_many_rows_some_are_enough(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, texts = settings_of(kind, tmp_path), splits(48, 24)
    reader, seen = source.make_reader(texts.train), list[int]()
    inputs = {name: reader.inputs(part, 32) for name, part in texts.items()}

    def compute(encoder: Encoder, read: Inputs) -> np.ndarray:
        seen.append(len(read))
        return np.concatenate([encoder.before(**read.batch(np.array([row]))).numpy() for row in range(len(read))])

    monkeypatch.setattr("polarity.training.linear_probe.MOST_ROWS", 20)
    fitted = []
    for seed in (0, 0, 1):
        torch.manual_seed(0)
        model = MultiTaskClassifier(tasks=TASKS, encoder=source.build(reader), head=Head()).eval()
        fitted.append(begin_as_probe(model, texts, inputs, compute, seed)[1].model.weights)
    assert set(seen) <= {20, 24}
    assert np.array_equal(fitted[0], fitted[1])
    assert fitted[0].shape != fitted[2].shape or not np.allclose(fitted[0], fitted[2])


def linear(run: RunDirectory, split: str) -> list[list[int]]:
    classes = {task.name: task.classes for task in TASKS}
    return [item.argmax.tolist() for item in read_predictions(run.baseline("linear", split), classes).tasks]


def test_where_training_is_ruinous_the_model_is_the_linear_baseline_that_it_begins_as(tmp_path: Path) -> None:
    ruinous = ["model=ngrams", "head.init=linear_probe", f"model.lr={RUIN}", f"optimizer.lr={RUIN}", "decision=argmax"]
    run = train(tmp_path, *ruinous, "trainer.max_epochs=2", without=("model=local", "model.name="))
    said, metrics = run.log.read_text(), json.loads(run.metrics.read_text())
    assert "linear probe: heads begin as logistic regression on " in said
    assert "(best: epoch 0, " in said
    assert "(epoch 0, step 0, val/macro_f1 " in said
    classes = {task.name: task.classes for task in TASKS}
    for split in ("val", "test"):
        own = [item.argmax.tolist() for item in read_predictions(run.predictions(split), classes).tasks]
        assert own == linear(run, split)
    before, *epochs = history(run)
    assert [before["epoch"], *(row["epoch"] for row in epochs)] == ["-1", "0", "1"]
    assert float(before["val/macro_f1"]) == metrics["best"]["value"] > max(float(row["val/macro_f1"]) for row in epochs)
    assert [metrics["best"][key] for key in ("epoch", "step", "checkpoint")] == [
        -1,
        0,
        "checkpoints/epoch=0-step=0.ckpt",
    ]
    assert metrics["best"]["selection"]["epochs"] == 3
    assert history_curves(read_csv(run.history), classes)[0].epochs == [0, 1, 2]
    job = Job(1, run.path, [], FolderLock(tmp_path / "claim"))
    assert [row["epoch"] for row in job.epochs] == ["0", "1"]
    logged = EventAccumulator(str(next(run.path.rglob("events.*")).parent)).Reload().Scalars("val/macro_f1")
    assert [item.value for item in logged] == pytest.approx([float(row["val/macro_f1"]) for row in (before, *epochs)])


@pytest.mark.slow
@pytest.mark.parametrize(("at", "rate"), [((1, 3), 2e-3), ((0, 0), RUIN), ((0, 3), RUIN), ((1, 3), RUIN)])
def test_a_run_that_was_cut_off_goes_on_with_what_it_had_learnt(
    at: tuple[int, int], rate: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = ("head.init=linear_probe", "callbacks.resume.minutes=0", f"optimizer.lr={rate}")
    for name in ("straight", "stopped"):
        (tmp_path / name).mkdir()
    straight = train(tmp_path / "straight", *settings)
    stopped = interrupted(tmp_path / "stopped", at, monkeypatch, *settings)
    assert_same_runs(straight, stopped)
    best = [json.loads(run.metrics.read_text())["best"] for run in (straight, stopped)]
    assert best[0] == best[1]
    assert (best[0]["epoch"] == -1) == (rate == RUIN)


@pytest.mark.slow
def test_validating_before_training_changes_no_number_of_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = []
    for first in (True, False):
        trainer = partial(build_trainer, validate_first=first)
        monkeypatch.setattr(training_run, "build_trainer", lambda *given, trainer=trainer, **_: trainer(*given))
        runs.append(train(tmp_path, "head.init=linear_probe", "model.encoder_dropout=0.2", "callbacks=ema"))
    assert_same(*(state(run)["state_dict"] for run in runs))
    assert_same(*(state(run)["optimizer_states"] for run in runs))
    assert [len(history(run)) for run in runs] == [3, 2]
    assert history(runs[0])[1:] == [dict(row) for row in history(runs[1])]


@pytest.mark.slow
def test_weights_of_another_run_are_not_replaced_behind_the_back(tmp_path: Path) -> None:
    run = train(tmp_path, "trainer.max_epochs=1")
    with pytest.raises(UserError, match=r"^head.init: linear_probe would put other weights .* set it to random$"):
        assembled(tmp_path, f"from={run.path}", "head.init=linear_probe")


@pytest.mark.parametrize("further", [{"layers": 2}, {"trunk_width": 8, "trunk_dropout": 0.0}])
def test_it_needs_heads_of_one_layer(further: dict[str, float]) -> None:
    with pytest.raises(UserError, match="a linear probe is one layer"):
        Head(init="linear_probe", **further)  # type: ignore[arg-type]
