"""Heads that begin as a linear probe are exactly that, whatever the encoder is; no resumed run begins again."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from polarity.baselines.linear import LinearModel
from polarity.data.reading import Inputs
from polarity.errors import UserError
from polarity.evaluation.predictions import read_predictions
from polarity.models import Head, MultiTaskClassifier, PretrainedEncoder
from polarity.models.encoder import Encoder, EncoderSettings
from polarity.models.joined import WideDeep
from polarity.models.ngrams.settings import Ngrams
from polarity.run import RunDirectory
from polarity.tasks import IGNORE_INDEX
from polarity.training.linear_probe import begin_as, begin_as_probe
from tests.effects.corpus import TASKS, rows, splits
from tests.running import train
from tests.sameness import assert_same_runs
from tests.tiny import save_tiny_encoder
from tests.training.test_resume import interrupted
from tests.trials import assembled

TEXTS = rows(48)
SMALL = 1e-9
"""A rate at which nothing is learnt."""


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
        wanted = np.stack([one.decision_function(features.by_split["val"]) for one in fitted[t].fitted], axis=1)
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


def test_a_run_of_ngrams_that_learns_nothing_says_what_the_linear_baseline_says(tmp_path: Path) -> None:
    still = ["model=ngrams", "head=linear", "head.init=linear_probe", f"model.lr={SMALL}", f"optimizer.lr={SMALL}"]
    run = train(tmp_path, *still, "decision=argmax", "trainer.max_epochs=1", without=("model=local", "model.name="))
    assert "linear probe: heads begin as logistic regression on " in run.log.read_text()
    classes = {task.name: task.classes for task in TASKS}
    own = [item.argmax.tolist() for item in read_predictions(run.predictions("val"), classes).tasks]
    assert own == linear(run, "val")


@pytest.mark.slow
def test_a_run_that_was_cut_off_goes_on_with_what_it_had_learnt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = ("head.init=linear_probe", "trainer.max_epochs=2", "callbacks.resume.minutes=0")
    for name in ("straight", "stopped"):
        (tmp_path / name).mkdir()
    straight = train(tmp_path / "straight", *settings)
    assert_same_runs(straight, interrupted(tmp_path / "stopped", (1, 3), monkeypatch, *settings))


def test_weights_of_another_run_are_not_replaced_behind_the_back(tmp_path: Path) -> None:
    run = train(tmp_path, "trainer.max_epochs=1")
    with pytest.raises(UserError, match=r"^head.init: linear_probe would put other weights .* set it to random$"):
        assembled(tmp_path, f"from={run.path}", "head.init=linear_probe")


@pytest.mark.parametrize("further", [{"layers": 2}, {"trunk_width": 8, "trunk_dropout": 0.0}])
def test_it_needs_heads_of_one_layer(further: dict[str, float]) -> None:
    with pytest.raises(UserError, match="a linear probe is one layer"):
        Head(init="linear_probe", **further)  # type: ignore[arg-type]
