"""How many rows go through the model at once is chosen by memory, kept with the run, and changes no step."""

import copy
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from polarity.data import memory
from polarity.data.plan import micro_batches
from polarity.run import RunDirectory
from polarity.training import micro_batches as chosen
from polarity.training.manifest import Manifest
from polarity.training.micro_batches import (
    SHARE,
    MicroBatches,
    bytes_of_a_row,
    free_on,
    known_bytes,
    needed,
    rows_within,
)
from polarity.training.resuming import trusted_config
from polarity.training.run import resume_run
from polarity.training.status import record_failure
from tests import trials
from tests.running import train
from tests.sameness import assert_close_runs, assert_same_runs
from tests.tiny import FAMILIES, tiny_batch, tiny_classifier
from tests.training.test_resume import HARD, interrupted
from tests.verbs import said_by

CPU = torch.device("cpu")
ROW = 1e6
SAME = ("model.dropout=0.0", "model.encoder_dropout=0.0", "batching.batch_size=12", "batching.accumulate=2")


def of_memory(monkeypatch: pytest.MonkeyPatch, rows: float) -> None:
    """From now on there is room for so many rows on a device, beside the weights."""
    monkeypatch.setattr(chosen, "beside_rows", lambda *_: 0.0)
    monkeypatch.setattr(chosen, "known_bytes", lambda *_: None)
    monkeypatch.setattr(chosen, "bytes_of_a_row", lambda *_: ROW)
    monkeypatch.setattr(chosen, "free_on", lambda _: rows * ROW / SHARE)


@given(st.floats(-1e12, 1e12), st.floats(0, 1e10), st.integers(1, 8), st.integers(1, 100))
def test_the_fewest_micro_batches_that_fit(room: float, row: float, world_size: int, more: int) -> None:
    batch_size = world_size + more
    rows = rows_within(room, row, batch_size, world_size)
    assert world_size <= rows <= batch_size
    fit = SHARE * max(0.0, room) / max(1.0, row) * world_size
    assert rows <= max(fit, world_size)
    assert rows == batch_size or micro_batches(batch_size, rows) > batch_size / max(fit, world_size) - 1
    if fit / world_size >= batch_size:
        assert rows == batch_size


@pytest.mark.parametrize(
    ("fit", "world_size", "rows"), [(100, 1, 48), (48, 1, 48), (47, 1, 24), (20, 1, 16), (0, 1, 1), (20, 2, 24)]
)
def test_rows_that_fit_are_shared_evenly(fit: int, world_size: int, rows: int) -> None:
    assert rows_within(fit * ROW / SHARE, ROW, 48, world_size) == rows


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
def test_what_a_row_keeps_is_counted_and_nothing_is_changed(family: str, precision: str) -> None:
    model = tiny_classifier(family)
    one = {name: value[:1] for name, value in tiny_batch().items()}
    before, random = copy.deepcopy(model.state_dict()), torch.get_rng_state()
    row, double = (
        bytes_of_a_row(model, {name: torch.cat([value] * copies) for name, value in one.items()}, CPU, precision)
        for copies in (2, 4)
    )
    assert row > 4 * one["input_ids"].shape[1] * 8
    assert double / row == pytest.approx(3, rel=0.35)  # from one row to four, in place of from one to two
    assert torch.equal(torch.get_rng_state(), random)
    assert model.training
    assert all(weight.grad is None for weight in model.parameters())
    after = model.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)


@pytest.mark.parametrize(("width", "tokens", "layers"), [(64, 16, 2), (64, 64, 3), (128, 48, 2)])
def test_what_transformers_are_known_to_keep_is_what_is_counted(width: int, tokens: int, layers: int) -> None:
    model = tiny_classifier("bert", width=width, layers=layers)
    inputs = {"input_ids": torch.full((2, tokens), 7), "attention_mask": torch.ones(2, tokens, dtype=torch.long)}
    counted, known = bytes_of_a_row(model, inputs, CPU, "32-true"), known_bytes(model, tokens)
    assert known is not None
    assert 0.5 < counted / known < 1.5


def test_what_is_no_transformer_is_counted_only() -> None:
    assert known_bytes(torch.nn.Linear(3, 4), 5) is None


@pytest.mark.parametrize("known", [None, 7.0])
def test_what_only_a_gpu_can_do_is_not_counted_elsewhere(known: float | None) -> None:
    model = tiny_classifier()
    model.register_forward_pre_hook(lambda *_: torch.empty(1, device="meta").item())
    inputs = {name: value[:2] for name, value in tiny_batch().items()}
    assert needed(model, inputs, torch.device("cuda"), "bf16-mixed", known) == (known or 0.0)
    with pytest.raises(RuntimeError):
        needed(model, inputs, CPU, "bf16-mixed", known)


def test_the_memory_of_a_cpu_is_that_of_the_machine_or_of_its_container(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "_of_machine", lambda: memory.Memory(5.0, 8.0))
    monkeypatch.setattr(memory, "_of_container", lambda: memory.Memory(3.0, 4.0))
    assert free_on(CPU) == 3.0
    assert memory.free_share() == 0.625
    monkeypatch.setattr(memory, "_of_container", lambda: None)
    assert free_on(CPU) == 5.0
    assert free_on(torch.device("meta")) is None


@pytest.mark.slow
def test_where_all_rows_fit_the_whole_batch_goes_through(tmp_path: Path) -> None:
    run = train(tmp_path, "trainer.max_epochs=1")
    assert run.config["batching"]["micro_batch_size"] == run.config["batching"]["batch_size"]
    assert "micro-batches" not in run.log.read_text()


@pytest.mark.slow
def test_where_they_do_not_they_go_through_in_parts_and_the_steps_are_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders = [tmp_path / name for name in ("whole", "parts")]
    for folder in folders:
        folder.mkdir()
    whole = train(folders[0], *SAME)
    of_memory(monkeypatch, 5.5)
    parts = train(folders[1], *SAME)
    assert parts.config["batching"]["micro_batch_size"] == 4
    assert parts.config["batching"]["batch_size"] == 12
    assert "micro-batches: 4 of 12 rows at a time, since the longest row takes 1 MB" in parts.log.read_text()
    assert "steps of 12 x 2 rows" in parts.log.read_text()
    assert_close_runs(whole, parts)


@pytest.mark.slow
def test_a_run_goes_on_with_what_it_has_chosen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    of_memory(monkeypatch, 12)  # of which R-Drop takes two for each
    folders = [tmp_path / name for name in ("whole", "stopped")]
    for folder in folders:
        folder.mkdir()
    hard = (*HARD, "batching.batch_size=12")
    whole = train(folders[0], *hard)
    resume = resume_run

    def with_less(*given: str) -> float:
        of_memory(monkeypatch, 2)
        return resume(*given)

    monkeypatch.setattr("polarity.training.run.resume_run", with_less)
    stopped = interrupted(folders[1], (1, 6), monkeypatch, *hard)
    assert stopped.config["batching"]["micro_batch_size"] == 6
    assert_same_runs(whole, stopped)


def test_other_processes_take_what_the_first_has_chosen(tmp_path: Path) -> None:
    run = trials.assembled(tmp_path, "batching.accumulate=2")
    strategy = SimpleNamespace(broadcast=lambda given: given or 5)
    trainer: Any = SimpleNamespace(is_global_zero=False, strategy=strategy, default_root_dir=str(tmp_path / "none"))
    MicroBatches(run).setup(trainer, run.module, "fit")
    assert run.data.micro_batch_size == 5
    assert trainer.accumulate_grad_batches == 2 * 4  # of 16 rows
    assert run.prepared.config["batching"]["micro_batch_size"] == run.prepared.components.batching.micro_batch_size == 5
    assert not (tmp_path / "none").exists()


@pytest.mark.slow
def test_a_refit_is_cut_alike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    of_memory(monkeypatch, 4)
    run = train(tmp_path, *SAME, "trainer.max_epochs=1", "reporting.baselines=false")
    of_memory(monkeypatch, 12)
    said_by("refit", f"run={run.path}", f"output_dir={tmp_path / 'again'}")
    refit = RunDirectory.open(tmp_path / "again" / "latest")
    assert [one.config["batching"]["micro_batch_size"] for one in (run, refit)] == [4, 4]


@pytest.mark.parametrize(
    ("error", "begins"),
    [
        (RuntimeError("[x at y.cpp:1] can't allocate memory: you tried 5 bytes"), "can't allocate memory: you tried 5"),
        (torch.OutOfMemoryError("CUDA out of memory. Tried 5 GiB"), "CUDA out of memory. Tried 5 GiB"),
    ],
)
def test_a_run_without_memory_says_what_takes_less(error: Exception, begins: str, tmp_path: Path) -> None:
    run = RunDirectory.create(tmp_path, {"seed": 1}, [])
    record_failure(run, error)
    said = str(run.status["error"])
    assert said.startswith(f"memory ran out: {begins}")
    assert said.endswith("; with batching.micro_batch_size=ROWS, a new run takes fewer rows at once")


def test_a_run_that_is_killed_while_it_keeps_the_choice_can_be_resumed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = RunDirectory.create(tmp_path, {"seed": 1}, [])
    manifest = Manifest(run)
    manifest.begin()
    with monkeypatch.context() as killed:
        killed.setattr(Manifest, "begin", lambda _: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            manifest.settle({"seed": 2})
    trusted_config(run, trust=None)
    manifest.settle({"seed": 3})
    assert manifest.changed_settings() == []
    assert run.written_config == {"seed": 3}
