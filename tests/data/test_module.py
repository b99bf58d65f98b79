"""The data module inside a real Trainer: epochs, resuming, warnings, random numbers, devices."""

import json
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback
from torch import Tensor

from polarity.data.module import TextDataModule
from polarity.data.rows import Rows, Splits
from polarity.errors import UserError
from polarity.models.huggingface.tokens import TokenStore
from polarity.samplers import NaturalSampler
from polarity.tasks import IGNORE_INDEX, Task
from tests.command import PATIENCE
from tests.tiny import tiny_tokenizer

TASKS = (Task("tone", ("calm", "angry"), "tone"), Task("topic", ("war", "trade", "none"), "topic"))
ROWS = {"train": 70, "val": 21, "test": 11}


def store(rows: int) -> TokenStore:
    lengths = np.random.default_rng(rows).integers(3, 30, rows)
    ids = np.arange(1, lengths.sum() + 1, dtype=np.int32) % 50 + 2  # 1 is the padding
    offsets = np.cumsum([0, *lengths])
    arrays = {"ids": ids, "offsets": offsets, "cut": np.zeros(rows, dtype=bool)}
    return TokenStore(arrays, tiny_tokenizer(), max_length=30)


def table(rows: int) -> Rows:
    generator = np.random.default_rng(rows)
    labels = np.stack([generator.integers(0, 2, rows), generator.choice([0, 1, 2, IGNORE_INDEX], rows)], axis=1)
    return Rows([f"row{number}" for number in range(rows)], ["text"] * rows, None, labels)


def data(**changed: Any) -> TextDataModule:
    sampler = NaturalSampler(rows_per_epoch=None)
    splits = Splits(tasks=TASKS, train=table(70), val=table(21), test=table(11))
    sampler.fit(splits.train.labels, TASKS, seed=5)
    settings: dict[str, Any] = {
        "batch_size": 4,
        "eval_batch_size": 6,
        "accumulate": 3,
        "mega_batches": 3,
        "seed": 5,
        "num_workers": 0,
        "pin_memory": False,
    }
    stores = {name: store(rows) for name, rows in ROWS.items()}
    return TextDataModule(splits=splits, inputs=stores, sampler=sampler, **settings | changed)


class Recorder(LightningModule):
    """A tiny model that keeps what it was shown."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = torch.nn.Embedding(len(tiny_tokenizer()), 4, padding_idx=1)
        self.register_buffer("constant", torch.ones(2))  # DDP sends buffers around in each forward pass
        self.shown: list[tuple[int, int, list[int]]] = []
        self.windows: list[list[list[float]]] = []
        self.evaluated: list[list[int]] = []

    def training_step(self, batch: dict[str, Any], batch_idx: int) -> Tensor:
        self.shown.append((self.current_epoch, batch_idx, batch["rows"].tolist()))
        self.windows.append([counts.tolist() for counts in batch["window"]])
        loss: Tensor = self.embedding(batch["input_ids"]).mean()
        return loss

    def validation_step(self, batch: dict[str, Any], batch_idx: int) -> None:
        assert "window" not in batch
        self.evaluated.append(batch["rows"].tolist())

    test_step = validation_step

    def configure_optimizers(self) -> torch.optim.Optimizer:
        assert self.trainer.estimated_stepping_batches > 0  # makes Lightning ask for the loader before it restores
        return torch.optim.SGD(self.parameters(), lr=0.1)


def trainer(folder: Path, epochs: int = 3, **changed: Any) -> Trainer:
    settings: dict[str, Any] = {
        "max_epochs": epochs,
        "accumulate_grad_batches": 3,
        "accelerator": "cpu",
        "devices": 1,
        "logger": False,
        "enable_checkpointing": False,
        "enable_progress_bar": False,
        "enable_model_summary": False,
        "use_distributed_sampler": False,
        "num_sanity_val_steps": 0,
        "default_root_dir": folder,
    }
    return Trainer(**settings | changed)


def fit(folder: Path, module: TextDataModule | None = None, ckpt: Path | None = None, **changed: Any) -> Recorder:
    model = Recorder()
    trainer(folder, **changed).fit(model, datamodule=module or data(), ckpt_path=ckpt, weights_only=True)
    return model


def test_a_batch_is_what_the_model_expects() -> None:
    module = data()
    batch = next(iter(module.train_dataloader()))
    assert set(batch) == {"input_ids", "attention_mask", "labels", "rows", "window"}
    assert batch["input_ids"].shape == batch["attention_mask"].shape
    rows = batch["rows"]
    assert all(batch[name].dtype == torch.int64 for name in ("input_ids", "attention_mask", "labels", "rows"))
    assert torch.equal(batch["labels"], torch.from_numpy(module.splits.train.labels[rows.numpy()]))
    assert [counts.shape for counts in batch["window"]] == [(2,), (3,)]
    assert all(counts.dtype == torch.float32 for counts in batch["window"])
    assert batch["window"][0].sum() == 12


def test_token_types_are_there_where_the_store_has_them() -> None:
    arrays = {"ids": np.ones(4, np.int32), "offsets": np.array([0, 1, 4]), "cut": np.zeros(2, bool)}
    typed = TokenStore(arrays | {"types": np.array([0, 0, 1, 1], np.int8)}, tiny_tokenizer(), max_length=30)
    assert typed.batch(np.array([0, 1]))["token_type_ids"].tolist() == [[0, 0, 0], [0, 1, 1]]


@pytest.mark.parametrize("workers", [0, 1])
def test_epochs_follow_the_plan(tmp_path: Path, workers: int) -> None:
    module = data(num_workers=workers)
    model = fit(tmp_path, module)
    assert module.train_batches is not None
    for epoch in range(3):
        shown = [rows for shown_epoch, _, rows in model.shown if shown_epoch == epoch]
        assert shown == [batch.tolist() for batch in module.train_batches.plan(epoch)]
        assert sorted(row for rows in shown for row in rows) == list(range(70))
    assert len({str(model.shown[start : start + 18]) for start in (0, 18, 36)}) == 3


@pytest.mark.parametrize("workers", [0, 1])
def test_every_split_is_evaluated_whole(tmp_path: Path, workers: int) -> None:
    module, model = data(num_workers=workers), Recorder()
    trainer(tmp_path).validate(model, datamodule=module, verbose=False)
    assert sorted(row for rows in model.evaluated for row in rows) == list(range(21))
    model.evaluated = []
    for split, rows in (("test", 11), ("train", 70)):
        assert sorted(r for batch in module.eval_dataloader(split) for r in batch["rows"].tolist()) == list(range(rows))


@pytest.mark.parametrize("world_size", [1, 2, 5])
def test_evaluation_without_a_trainer_holds_each_row_once(world_size: int) -> None:
    batches = list(data().evaluation_batches("val", world_size=world_size))
    assert sorted(row for batch in batches for row in batch["rows"].tolist()) == list(range(21))
    assert len(batches) % world_size == 0


def random_states() -> tuple[Any, ...]:
    return random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()  # noqa: NPY002


@pytest.mark.parametrize("workers", [0, 1])
def test_loading_uses_no_global_random_number(workers: int) -> None:
    module = data(num_workers=workers)
    loaders = [module.train_dataloader(), module.val_dataloader()]
    before = random_states()
    for loader in loaders:
        for _ in range(2):
            list(loader)
    assert random_states() == before


class SaveAt(Callback):
    """Saves a checkpoint in one hook, after a number of batches or at the end of an epoch."""

    def __init__(self, hook: str, batches: int, path: Path) -> None:
        self.hook, self.batches, self.path = hook, batches, path

    def save(self, hook: str, trainer: Trainer) -> None:
        done = trainer.fit_loop.epoch_loop.batch_progress.total.processed
        if hook == self.hook and done == self.batches and not self.path.exists():
            trainer.save_checkpoint(self.path)

    def on_train_batch_start(self, trainer: Trainer, *_: Any) -> None:
        self.save("batch_start", trainer)

    def on_train_batch_end(self, trainer: Trainer, *_: Any) -> None:
        self.save("batch_end", trainer)

    def on_validation_end(self, trainer: Trainer, *_: Any) -> None:
        self.save("validation_end", trainer)

    def on_train_epoch_end(self, trainer: Trainer, *_: Any) -> None:
        self.save("epoch_end", trainer)


PLACES = [
    ("batch_end", 6),
    ("batch_end", 18 + 9),
    ("batch_start", 18 + 9),
    ("validation_end", 18),
    ("validation_end", 36),
    ("epoch_end", 18),
    ("epoch_end", 36),
]


@pytest.mark.parametrize(("hook", "batches"), PLACES)
@pytest.mark.parametrize("workers", [0, 1])
def test_a_resumed_run_is_shown_what_it_would_have_been_shown(
    tmp_path: Path, hook: str, batches: int, workers: int
) -> None:
    saver = SaveAt(hook, batches, tmp_path / "saved.ckpt")
    whole = fit(tmp_path, data(num_workers=workers), callbacks=[saver])
    assert len(whole.shown) == 54
    resumed = fit(tmp_path, data(num_workers=workers), ckpt=saver.path)
    assert resumed.shown == whole.shown[batches:]
    assert resumed.windows == whole.windows[batches:]
    assert torch.equal(resumed.embedding.weight, whole.embedding.weight)


def test_a_run_may_be_resumed_twice(tmp_path: Path) -> None:
    first = SaveAt("epoch_end", 18, tmp_path / "first.ckpt")
    whole = fit(tmp_path, callbacks=[first])
    second = SaveAt("batch_end", 18 + 6, tmp_path / "second.ckpt")
    fit(tmp_path, ckpt=first.path, callbacks=[second])
    third = SaveAt("validation_end", 36, tmp_path / "third.ckpt")
    fit(tmp_path, ckpt=second.path, callbacks=[third])
    assert fit(tmp_path, ckpt=third.path).shown == whole.shown[36:]


def test_a_plan_that_is_asked_for_before_the_fit_changes_nothing(tmp_path: Path) -> None:
    module = data()
    list(module.train_dataloader())
    assert fit(tmp_path, module).shown == fit(tmp_path).shown


def test_evaluating_a_checkpoint_does_not_move_a_later_fit(tmp_path: Path) -> None:
    saver = SaveAt("batch_end", 6, tmp_path / "saved.ckpt")
    whole = fit(tmp_path, callbacks=[saver])
    module = data()
    trainer(tmp_path).validate(Recorder(), datamodule=module, ckpt_path=saver.path, verbose=False, weights_only=True)
    assert fit(tmp_path, module).shown == whole.shown


def test_a_checkpoint_between_optimizer_steps_is_refused(tmp_path: Path) -> None:
    saver = SaveAt("batch_end", 7, tmp_path / "saved.ckpt")
    fit(tmp_path, callbacks=[saver])
    with pytest.raises(UserError, match="between two optimizer steps"):
        fit(tmp_path, ckpt=saver.path)


@pytest.mark.parametrize(("limit", "batches"), [(4, 4), (0.25, 4), (1.0, 18)])
def test_limited_epochs_have_windows_of_what_they_show(tmp_path: Path, limit: float, batches: int) -> None:
    model = fit(tmp_path, epochs=1, limit_train_batches=limit)
    assert len(model.shown) == batches
    if batches == 4:
        assert sum(model.windows[-1][0]) == 4


def test_no_advice_about_workers_on_a_machine_with_many_cores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lightning.fabric.utilities.data._num_cpus_available", lambda: 64)
    fit(tmp_path, epochs=1)


def test_overfit_batches_is_refused_with_advice(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="overfit_batches"):
        fit(tmp_path, overfit_batches=2)


def run_on_two_devices(folder: Path) -> None:
    """What each of the processes does that the test below starts."""
    module, model = data(accumulate=1), Recorder()
    two = trainer(folder, epochs=2, accumulate_grad_batches=1, strategy="ddp", devices=2)
    two.fit(model, datamodule=module)
    seen = {"shown": model.shown, "windows": model.windows, "evaluated": model.evaluated}
    (folder / f"rank{two.global_rank}.json").write_text(json.dumps(seen))


START = """
import importlib.util, sys
from pathlib import Path

spec = importlib.util.spec_from_file_location("recorded", sys.argv[1])
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
module.run_on_two_devices(Path(sys.argv[2]))
"""


@pytest.mark.slow
def test_two_devices_share_every_batch_and_evaluate_each_row_once(tmp_path: Path) -> None:
    (tmp_path / "start.py").write_text(START)
    subprocess.run(
        [sys.executable, tmp_path / "start.py", __file__, tmp_path],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"},
        check=True,
        timeout=PATIENCE,
    )
    ranks = [json.loads((tmp_path / f"rank{rank}.json").read_text()) for rank in range(2)]
    alone = fit(tmp_path, data(accumulate=1), epochs=2, accumulate_grad_batches=1)
    assert len(alone.shown) == 36
    for (epoch, number, rows), *parts in zip(alone.shown, *(rank["shown"] for rank in ranks), strict=True):
        assert [part[:2] for part in parts] == [[epoch, number]] * 2
        assert sorted(parts[0][2] + parts[1][2]) == sorted(rows)
    assert ranks[0]["windows"] == ranks[1]["windows"] == alone.windows
    evaluated = [batch for rank in ranks for batch in rank["evaluated"]]
    assert sorted(row for batch in evaluated for row in batch) == sorted([*range(21), *range(21)])
    assert len(ranks[0]["evaluated"]) == len(ranks[1]["evaluated"])
