"""After the last epoch: the best checkpoint, read back from disk, has to give the score that was monitored."""

import shlex
import shutil
import traceback
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning import Trainer
from lightning.pytorch.loggers import TensorBoardLogger

from polarity.analysis.console import class_table, decisions_table
from polarity.baselines import write_baselines
from polarity.config.preflight import Prepared
from polarity.content import State
from polarity.data.cache import cached_arrays
from polarity.data.reading import Reader
from polarity.data.rows import Splits
from polarity.evaluation.inference import predict_logits
from polarity.files import write_json
from polarity.models.classifier import MultiTaskClassifier
from polarity.models.components import modules_in
from polarity.models.saving import load_model, read_card, save_model
from polarity.paths import LATEST
from polarity.posthoc.evidence import told
from polarity.progress import progress
from polarity.quoting import command_line
from polarity.reports.baselines_table import baselines_table
from polarity.reports.console import RunConsole
from polarity.reports.html import SplitContent, write_run_report
from polarity.run import RunDirectory
from polarity.runs.ledger import id_of, ledger_of, record_evaluation
from polarity.runs.manifest import seal
from polarity.secrets import masked_text
from polarity.training.assembled import Assembled
from polarity.training.callbacks.checkpoints import BestCheckpoints
from polarity.training.callbacks.resume import ResumePoint
from polarity.training.chosen_epoch import chosen_epoch
from polarity.training.fixed_vectors import VectorCache, fixed_as_in_training
from polarity.training.manifest import Manifest
from polarity.training.restoring import weights_of_model
from polarity.training.results import SplitResults, decide, log_to_tensorboard, write_results
from polarity.training.trainer import print_profile
from polarity.training.verifying import Asking, verify, verify_written
from polarity.wording import times


class CheckpointError(RuntimeError):
    """The best checkpoint is missing, or cannot be read."""


def finish(assembled: Assembled, trainer: Trainer, run: RunDirectory) -> float:
    """Reload, verify, export, predict, score and report the best checkpoint. Returns its monitored score.

    :raises CheckpointError: if there is no best checkpoint; current weights are never scored in its place.
    :raises ScoreMismatchError: if the fresh model's validation score differs from the one monitored in training.
    :raises WrittenMismatchError: if what was written reads or answers texts otherwise than what was trained.
    """
    run.set_status("running", stage="finishing")
    splits, stages = scored_splits(assembled.prepared), assembled.stages
    with stages.time("reload and verify"):
        best = best_checkpoint(trainer, run)
        trust = modules_in(assembled.module.model.architecture())
        export_model(run, best["checkpoint"], assembled.reader, trust)
        model, reader = load_model(run.model, trust)
        predict = partial(_predict, assembled, trainer, run, model)
        logits = {"val": predict("val")}
        best["value"] = verify(best, splits.val, model, logits["val"])
        ask = Asking(assembled, trainer.strategy.root_device, str(trainer.precision))
        verify_written(model, reader, ask, lambda rows, _: [said[rows] for said in logits["val"]])
        write_json(run.checkpoints / "best.json", best)
    with stages.time("test"):
        if splits.test is not None:
            logits["test"] = predict("test")
    with stages.time("decision rule"):
        results = decide(assembled, run, logits)
    best["selection"] = chosen_epoch(run, results.splits["val"], best)
    test_uses = _record_test_scores(assembled, run, results)
    with stages.time("baselines"):
        _write_baselines(assembled, run)
    with stages.time("report"):
        about = {"best": best, "seconds": assembled.stages.seconds}
        reporting, val = assembled.prepared.components.reporting, splits.val
        read = write_results(run, results, about, reporting=reporting, rows=val)
        log_to_tensorboard(assembled, trainer, best, results, read)
    seal(run)
    afterwards(run, "the summary", lambda: _print_end(assembled, trainer, run, best, results, read, test_uses))
    afterwards(run, f"{run.path.parent / LATEST}", run.point_latest)
    again = f"{run.report.name} ({command_line('report', f'run={run.path}')})"
    afterwards(run, again, lambda: _report(run, read, texts=reporting.texts))
    afterwards(run, "the profile", lambda: print_profile(trainer, run))
    shutil.rmtree(_answers(run), ignore_errors=True)
    run.finish()
    for callback in trainer.checkpoint_callbacks:
        if isinstance(callback, ResumePoint):
            callback.conclude(run)
    return float(best["value"])


def _record_test_scores(assembled: Assembled, run: RunDirectory, results: SplitResults) -> str | None:
    """Note in the ledger that this run's scores on the test split were seen."""
    test = scored_splits(assembled.prepared).test
    if test is None:
        return None
    mark, ledger = test.fingerprint(), ledger_of(run.config)
    looks = [look for look in ledger.evaluations(mark).entries if look.verb == "train"]
    if any(look.id == id_of(run) if look.id else look.run == str(run.path) for look in looks):
        return ledger.sentence(mark)  # killed after it had looked, and resumed: the same numbers are seen again
    return record_evaluation(run, mark, results.scores()["test"], verb="train")


def scored_splits(prepared: Prepared) -> Splits:
    """The splits that are scored; not test in the jobs of a sweep, of which one is chosen, unless asked for."""
    return replace(prepared.splits, test=None) if prepared.root.test is False else prepared.splits


def _write_baselines(assembled: Assembled, run: RunDirectory) -> None:
    parts = assembled.prepared.components
    if parts.reporting.baselines:
        cache = assembled.prepared.root.cache
        splits = scored_splits(assembled.prepared)
        write_baselines(run, splits, cache, calibration=parts.calibration, decision=parts.decision)


def best_checkpoint(trainer: Trainer, run: RunDirectory) -> State:
    """The best checkpoint's file, epoch, step, monitored name and value."""
    callback = next(item for item in trainer.checkpoint_callbacks if isinstance(item, BestCheckpoints))
    path, value = Path(callback.best_model_path), callback.best_model_score
    if value is None or not bool(value.isfinite()):
        raise CheckpointError(
            f"{run.checkpoints}: no best checkpoint, since no epoch ended with a finite {callback.monitor}"
        )
    if problem := Manifest(run).problem(path):
        raise CheckpointError(f"{path} cannot be read, and nothing else is scored in its place: {problem}")
    loaded = read_checkpoint(path)
    return {
        "checkpoint": str(path.relative_to(run.path) if path.is_relative_to(run.path) else path),
        "epoch": loaded["epoch"] if loaded["global_step"] else -1,  # before training, which is no epoch
        "step": loaded["global_step"],
        "monitor": callback.monitor,
        "value": float(value),
    }


def read_checkpoint(path: Path) -> State:
    """A checkpoint's content: plain containers and tensors, on the CPU; of the file, only what is asked for is read.

    :raises CheckpointError: if the file is missing or damaged.
    """
    try:
        return dict(torch.load(path, map_location="cpu", weights_only=True, mmap=True))
    except Exception as error:  # many kinds, by where a file is cut off
        raise CheckpointError(f"{path} cannot be read, and nothing else is scored in its place: {error}") from error


def export_model(run: RunDirectory, checkpoint: str, reader: Reader, trust: Collection[str] = ()) -> None:
    """Write ``model/`` from a checkpoint alone: nothing of the model that was trained in memory is used.

    :param trust: modules of others whose code the checkpoint may name.
    """
    loaded = read_checkpoint(run.path / checkpoint)
    model = MultiTaskClassifier.from_architecture(loaded["architecture"], trust)
    model.load_state_dict(weights_of_model(loaded), strict=True)
    model.encoder.merge()
    save_model(model, reader, run.model)


def _answers(run: RunDirectory) -> Path:
    """Logits of the best checkpoint while the run finishes, for the process that goes on with that if this one ends."""
    return run.checkpoints / "answers"


def _predict(
    assembled: Assembled, trainer: Trainer, run: RunDirectory, model: MultiTaskClassifier, split: str
) -> list[np.ndarray]:
    """What the model says, or has said to an earlier process of the run that did not come to its end."""

    def asked() -> dict[str, np.ndarray]:
        return {str(number): values for number, values in enumerate(_ask(assembled, trainer, model, split))}

    kept = cached_arrays(_answers(run) / f"{split}-{read_card(run.model)['weights_sha256']}", asked)
    return [np.array(kept[str(number)]) for number in range(len(kept))]


def _ask(assembled: Assembled, trainer: Trainer, model: MultiTaskClassifier, split: str) -> list[np.ndarray]:
    device = trainer.strategy.root_device
    inputs, cache = {split: assembled.data.inputs[split]}, VectorCache.of(assembled, trainer)
    read = fixed_as_in_training(model.encoder, assembled.module.model.encoder).fix(inputs, cache.vectors)[split]
    batches: Iterable[Any] = assembled.data.evaluation_batches(split, inputs=read, world_size=trainer.world_size)
    precision = str(trainer.precision)
    total = len(assembled.data.inputs[split])
    with progress(f"scoring {split}", total) as advance:
        return predict_logits(model, batches, total, device=device, precision=precision, advance=advance)


def _print_end(
    assembled: Assembled,
    trainer: Trainer,
    run: RunDirectory,
    best: Mapping[str, Any],
    results: SplitResults,
    read: Sequence[SplitContent],
    test_uses: str | None,
) -> None:
    console, reporting = RunConsole(run.log), assembled.prepared.components.reporting
    console.print()
    for split in reversed(read):  # that which matters most is what is on the screen in the end
        console.print(decisions_table(split.analysis, split.name))
        console.print(class_table(split.analysis, split.name))
        if reporting.baselines:
            console.print(baselines_table(split))
        for remark in remarks([split]):
            console.print(remark)
    for line in told(results.evidence, {"calibration": "calibration", "decision": "decision rule"}):
        console.print(line)
    if best["selection"]["sentence"]:
        console.print(best["selection"]["sentence"])
    if test_uses is not None:
        console.print(test_uses)
    rows = ", ".join(f"{split} {times(len(part), 'row')}" for split, part in results.splits.items())
    console.print(
        f"checkpoint {best['checkpoint']} (epoch {best['epoch'] + 1}, step {best['step']}, "
        f"{best['monitor']} {best['value']:.4f}); read back from disk and verified; {rows}"
    )
    console.print(
        "wall time: " + ", ".join(f"{name} {spent:.1f} s" for name, spent in assembled.stages.seconds.items())
    )
    shown = any(isinstance(logger, TensorBoardLogger) for logger in trainer.loggers)
    board = f" ({shlex.join(['tensorboard', '--logdir', str(run.path.parent)])})" if shown else ""
    console.print(f"everything is in {run.path}{board}")


def remarks(read: Sequence[SplitContent]) -> list[str]:
    """What could not be computed of each split, such as intervals, and why."""
    return [f"{split.name}: {remark}" for split in read for remark in split.remarks]


def _report(run: RunDirectory, read: tuple[SplitContent, ...], *, texts: bool) -> None:
    with progress("writing the report"):
        path = write_run_report(run, texts=texts, splits=read)
    RunConsole(run.log).print(f"report: {path}")


def afterwards(run: RunDirectory, what: str, act: Callable[[], None]) -> None:
    """Do what a finished run can do without; what goes wrong is told, and fails nothing: it can be made again.

    It comes before the run is marked as finished all the same: one that is killed here is resumed, and does it again.
    """
    try:
        act()
    except Exception as error:  # noqa: BLE001 - hours of training are not lost for any of it
        console = RunConsole(run.log)
        with suppress(OSError):  # the terminal comes first, and has it even where the log cannot be written
            if not isinstance(error, OSError):
                console.print(masked_text(traceback.format_exc()))
            console.print(
                f"the run is finished, but {what} could not be written: {masked_text(str(error))}", style="red"
            )
