"""Training that ends within an epoch: nothing is shown that was not measured then, and means are over what was done."""

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from lightning.pytorch.callbacks import Callback
from torch.nn import functional as F

from polarity.evaluation.metrics import score
from polarity.models.classifier import MultiTaskClassifier
from polarity.run import RunDirectory
from polarity.tasks import IGNORE_INDEX
from polarity.training import run as training_run
from tests.running import composed, overrides

QUIET = (
    "reporting.baselines=false",
    "reporting.resamples=100",
    "trainer.max_epochs=3",
    "batching.batch_size=16",
    "trainer.log_every_n_steps=1",
)


class Recorder(Callback):
    """Keeps logits and labels of every training batch, by epoch, and how often validation was run."""

    def __init__(self, stop_at: int | None = None) -> None:
        self.seen: dict[int, list[tuple[list[np.ndarray], np.ndarray]]] = {}
        self.objectives: dict[int, list[torch.Tensor]] = {}
        self.validations = 0
        self.stop_at = stop_at

    def setup(self, trainer: Any, pl_module: Any, stage: str) -> None:
        model, forward = pl_module.model, pl_module.model.forward

        def recorded(**inputs: Any) -> Any:
            logits = forward(**inputs)
            if model.training:
                self.last = [values.detach().numpy() for values in logits]
            return logits

        model.forward = recorded

    def on_train_batch_end(self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        self.seen.setdefault(trainer.current_epoch, []).append((self.last, batch["labels"].numpy()))
        self.objectives.setdefault(trainer.current_epoch, []).append(pl_module.last_task_losses.detach())
        if batch_idx == self.stop_at and trainer.current_epoch == 1:
            trainer.should_stop = True

    def on_validation_end(self, trainer: Any, pl_module: Any) -> None:
        self.validations += 1


def trained(folder: Path, recorder: Recorder, patch: pytest.MonkeyPatch, *more: str) -> RunDirectory:
    arguments = overrides(folder, *QUIET, *more, rows=150)
    config = composed(*arguments)
    build = training_run.build_callbacks
    patch.setattr(training_run, "build_callbacks", lambda config: {**build(config), "recorder": recorder})
    training_run.start_run(config, arguments, keep_going=False)
    return RunDirectory.open(next(path.parent for path in (folder / "outputs").glob("2*/status.json")))


def history(run: RunDirectory) -> list[dict[str, float]]:
    with run.history.open(encoding="utf-8", newline="") as file:
        return [{name: float(cell) for name, cell in row.items()} for row in csv.DictReader(file)]


def entropy(batches: list[tuple[list[np.ndarray], np.ndarray]], task: int) -> float:
    logits = torch.from_numpy(np.concatenate([values[task] for values, _ in batches]))
    labels = torch.from_numpy(np.concatenate([labels[:, task] for _, labels in batches]))
    return float(F.cross_entropy(logits, labels, ignore_index=IGNORE_INDEX))


def last_validation(run: RunDirectory) -> dict[str, float]:
    """Validation scores of the weights that training ended with, computed anew."""
    saved = torch.load(run.resume_point, weights_only=True)
    model = MultiTaskClassifier.from_architecture(saved["architecture"])
    weights = {name.removeprefix("model."): value for name, value in saved["state_dict"].items() if "model." in name}
    model.load_state_dict(weights)
    model.eval()
    assembled = training_run.assemble(training_run.prepare(run.config), training_run.Stages())
    rows, labels = [], assembled.prepared.splits.val.labels
    logits = [np.zeros((len(labels), len(task.classes)), np.float32) for task in model.tasks]
    with torch.no_grad():
        for batch in assembled.data.evaluation_batches("val"):
            inputs = {name: batch[name] for name in batch if name not in ("labels", "rows", "window")}
            for number, values in enumerate(model(**inputs)):
                logits[number][batch["rows"]] = values.numpy()
            rows += batch["rows"].tolist()
    assert sorted(rows) == list(range(len(labels)))
    scores = score(model.tasks, labels, [values.argmax(axis=1) for values in logits])
    losses = [entropy([(logits, labels)], number) for number in range(len(model.tasks))]
    named = {f"val/{task.name}/loss": loss for task, loss in zip(model.tasks, losses, strict=True)}
    return {"val/macro_f1": scores.overall, "val/loss": float(np.mean(losses)), **named}


@pytest.mark.parametrize(
    ("more", "stop_at", "batches", "share"),
    [
        (("trainer.max_steps=9",), None, [7, 2], 2 / 7),
        pytest.param(("trainer.max_steps=3",), None, [3], 3 / 7, marks=pytest.mark.slow),
        pytest.param(
            ("trainer.max_steps=9", "trainer.max_epochs=9", "trainer.min_epochs=7"),
            None,
            [7, 2],
            2 / 7,
            marks=pytest.mark.slow,
        ),
        pytest.param(("trainer.max_steps=14",), None, [7, 7], 1.0, marks=pytest.mark.slow),
        pytest.param(("trainer.max_steps=5", "batching.accumulate=2"), None, [7, 2], 2 / 7, marks=pytest.mark.slow),
        (("batching.accumulate=2",), 2, [7, 4], 4 / 7),  # as max_time does it: within a window, which is then finished
        pytest.param(
            ("regularizer=rdrop", "regularizer.warmup_epochs=0", "trainer.max_steps=2"),
            None,
            [2],
            2 / 7,
            marks=pytest.mark.slow,
        ),
    ],
)
def test_an_epoch_that_ends_early_is_scored_as_it_is(
    more: tuple[str, ...],
    stop_at: int | None,
    batches: list[int],
    share: float,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    recorder = Recorder(stop_at)
    run = trained(tmp_path, recorder, monkeypatch, *more)
    rows = history(run)
    assert [len(recorder.seen[epoch]) for epoch in recorder.seen] == batches
    assert recorder.validations == len(batches) == len(rows)
    assert rows[-1]["epoch_share"] == pytest.approx(share, abs=1e-4)
    accumulate = run.config["batching"]["accumulate"]
    for epoch, row in enumerate(rows):
        seen = recorder.seen[epoch]
        seen = [(logits, np.tile(labels, (len(logits[0]) // len(labels), 1))) for logits, labels in seen]
        means = [entropy(seen, task) for task in range(2)]
        assert [row["train/tone/loss"], row["train/topic/loss"]] == pytest.approx(means, rel=1e-4)
        assert row["train/loss"] == pytest.approx(np.mean(means), rel=1e-4)
        windows = -(-len(seen) // accumulate)
        objective = torch.stack(recorder.objectives[epoch]).sum() / windows
        assert row["train/objective"] == pytest.approx(float(objective), rel=1e-4)
    with (run.details / "exposure.csv").open(encoding="utf-8", newline="") as file:
        exposure = list(csv.DictReader(file))
    labelled = sum(float(row["natural"]) for row in exposure if row["epoch"] == "0" and row["kind"] == "cell")
    for epoch, seen in recorder.seen.items():
        labels = np.concatenate([labels for _, labels in seen])
        classes = [row for row in exposure if row["epoch"] == str(epoch) and row["kind"] == "class"]
        of_tone = [row for row in classes if row["name"].startswith("tone=")]
        shown = [int(float(row["realised"])) for row in of_tone]
        assert shown == np.bincount(labels[labels[:, 0] >= 0, 0], minlength=len(shown)).tolist()
        natural, expected = (sum(float(row[name]) for row in of_tone) for name in ("natural", "expected"))
        assert expected == pytest.approx(natural * len(labels) / labelled), "of as many rows as were shown"
    for name, value in last_validation(run).items():
        assert rows[-1][name] == pytest.approx(value, rel=1e-5), name
    assert run.status["state"] == "finished"


@pytest.mark.slow
def test_time_can_be_limited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = Recorder()
    limit = ("trainer.max_epochs=10000", "trainer.max_time={seconds: 1}", "callbacks.early_stopping=null")
    run = trained(tmp_path, recorder, monkeypatch, *limit)
    rows = history(run)
    assert recorder.validations == len(rows) < 10000
    last = recorder.seen[len(rows) - 1]
    assert rows[-1]["epoch_share"] == pytest.approx(len(last) / 7, abs=1e-4)
    assert rows[-1]["train/tone/loss"] == pytest.approx(entropy(last, 0), rel=1e-4)


@pytest.mark.slow
def test_a_perfect_sameness_of_training_and_validation_loss(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On the same rows, without dropout and without learning, both losses are the same number, whatever is trained."""
    corpus = tmp_path / "corpus.csv"
    overrides(tmp_path, rows=60)
    rows = list(csv.DictReader(corpus.read_text(encoding="utf-8").splitlines()))
    for split in ("train", "val"):
        with (tmp_path / f"{split}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, rows[0])
            writer.writeheader()
            writer.writerows({**row, "id": f"{split}-{row['id']}"} for row in rows)
    corpus.unlink()
    settings = ("loss=focal", "loss.smoothing=0.1", "loss.class_weights=balanced", "optimizer.lr=1e-12")
    settings += ("model.dropout=0", "model.encoder_dropout=0", "data.leakage.exact=allow", "trainer.max_epochs=1")
    files = (f"data.path={tmp_path}", "data.split=null")
    run = trained(tmp_path, Recorder(), monkeypatch, *settings, *files)
    (row,) = history(run)
    for name in ("loss", "tone/loss", "topic/loss"):
        assert row[f"train/{name}"] == pytest.approx(row[f"val/{name}"], rel=1e-4)
    assert row["train/objective"] != pytest.approx(row["train/loss"], rel=0.05)
    assert row["train/gradient_norm"] > 0
