"""What ``python -m polarity.evaluate`` does: the scores of a finished run again, on its own split or on new rows."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from polarity.analysis import analyse
from polarity.analysis.calibration import is_calibrated
from polarity.analysis.console import FOOTNOTE, analysis_tables, shown
from polarity.config.trust import Trust
from polarity.content import Json
from polarity.data.locate import locate
from polarity.data.rows import Splits
from polarity.errors import UserError
from polarity.evaluation.devices import Accelerator
from polarity.files import check_room
from polarity.posthoc import DecisionChoice
from polarity.privacy import show_texts
from polarity.progress import progress
from polarity.reporting import Resamples
from polarity.reports.console import RunConsole
from polarity.runs.answering import Answering
from polarity.runs.ledger import record_evaluation
from polarity.runs.new_data import NewData
from polarity.runs.overlap import RunOverlap, ledger_mark, overlaps, seen_in_test
from polarity.runs.rebuild import run_splits
from polarity.runs.reproduction import reproduce, reproduce_some
from polarity.runs.saved import CHECKSUMS, finished_model, read_metrics, refuse_refit
from polarity.runs.storing import Evaluated, store
from polarity.settings import PositiveInt
from polarity.systems.rebuild import rebuild_any
from polarity.wording import times


@dataclass(frozen=True)
class EvaluateSettings:
    """The settings of ``conf/evaluate.yaml``, where each is explained."""

    run: str
    split: Literal["val", "test"] | None
    data: NewData
    decision: DecisionChoice
    batch_size: PositiveInt | None
    accelerator: Accelerator
    resamples: Resamples | None
    texts: bool | None
    trust: Trust


def evaluate(settings: EvaluateSettings) -> Path:
    """Evaluate, print and store; returns the folder of the evaluation.

    :raises UserError: with everything that is wrong with run, settings and data; then nothing is written or shown.
    """
    if settings.split is not None and settings.data.path is not None:
        raise UserError("split: has no effect with data.path; give one of the two")
    check_room(run=finished_model(settings.run).evaluations)
    rebuilt = rebuild_any(
        settings.run,
        accelerator=settings.accelerator,
        batch_size=settings.batch_size,
        decision=settings.decision,
        trust=settings.trust,
    )
    reporting = rebuilt.settings.reporting
    texts = reporting.texts if settings.texts is None else settings.texts
    show_texts(texts)
    resamples = reporting.resamples if settings.resamples is None else settings.resamples
    with progress("evaluating"):
        if settings.data.path is None:
            evaluated, notes = _own_split(rebuilt, settings.split or "val", resamples)
            marks = {"this test split": evaluated.fingerprint} if settings.split == "test" else {}
        else:
            evaluated, notes, marks = _new_rows(rebuilt, settings.data, resamples)
    for what, mark in marks.items():
        seen, rows = evaluated.scores(), f"{what} {'have' if what.endswith('rows') else 'has'}"
        notes.append(record_evaluation(rebuilt.run, mark, seen, verb="evaluate", decision=settings.decision, rows=rows))
    folder = rebuilt.run.evaluation(evaluated.name if settings.decision == "stored" else f"{evaluated.name}-argmax")
    with progress("writing the report"):
        store(evaluated, folder, model=rebuilt.settings.encoder, texts=texts)
    _print(rebuilt, evaluated, notes, folder)
    return folder


def _own_split(rebuilt: Answering, split: str, resamples: int) -> tuple[Evaluated, list[str]]:
    if split == "val":
        refuse_refit(rebuilt.run)
    splits = run_splits(rebuilt.run)
    _check_tasks(rebuilt, splits)
    rows = dict(splits.items()).get(split)
    if rows is None:
        there = ", ".join(name for name, _ in splits.items() if name != "train")
        raise UserError(f"split: the run's data have no {split} split (there is: {there})")
    predictions = rebuilt.predict(rows)
    if f"predictions/{split}.parquet" in read_metrics(rebuilt.run)[CHECKSUMS]:
        predictions, reproduced = reproduce(rebuilt, split, predictions)
    else:  # it was not to be looked at, as in the jobs of a sweep
        reproduced = reproduce_some(rebuilt, splits.val)
    about = {**_about(rebuilt), "split": split, "reproduced": vars(reproduced)}
    analysis = analyse(predictions, resamples=resamples)
    if split == "val" and rebuilt.decision != "stored":  # whatever decides, any calibration was fitted on these rows
        both = zip(analysis.calibration, predictions.tasks, strict=True)
        calibration = tuple(replace(one, fitted_here=is_calibrated(item)) for one, item in both)
        analysis = replace(analysis, calibration=calibration)
    return Evaluated(split, rows, rows.fingerprint(), predictions, analysis, about), [str(reproduced)]


def _new_rows(rebuilt: Answering, data: NewData, resamples: int) -> tuple[Evaluated, list[str], dict[str, str]]:
    """Also the marks under which the look counts, by what they are of."""
    rows, notes = data.load(rebuilt.settings.data, rebuilt.tasks)
    found: list[RunOverlap] = []
    in_test: list[str] = []
    try:
        splits: Splits | None = run_splits(rebuilt.run)
    except UserError as error:
        splits = None
        notes.append(
            "NOT CHECKED: whether these rows overlap with the run's training rows, and whether the model still gives "
            f"the run's own predictions; the run's data cannot be read as they were ({error.problems[0]})"
        )
    if splits is not None:
        _check_tasks(rebuilt, splits)
        notes.append(str(reproduce_some(rebuilt, splits.val)))
        found = overlaps(rows, splits, rebuilt.settings.data.near_duplicates)
        if rebuilt.settings.refit:  # it was trained on its validation rows, and has chosen nothing by them
            found = [overlap for overlap in found if overlap.split == "train"]
        in_test = seen_in_test(rows, splits)
        notes += [*(f"WARNING: {overlap}" for overlap in found), *in_test]
    predictions = rebuilt.predict(rows)
    about = {**_about(rebuilt), "path": str(data.path), "overlap": _overlap_json(splits, found), "notes": notes}
    if found:
        clean = ~np.any([overlap.rows for overlap in found], axis=0)
        rest = analyse(predictions.select(clean), resamples=resamples).headline.overall
        about["without_overlap"] = {"rows": int(clean.sum()), "overall": rest.value}
        left = f"overall is {shown(rest)} over {times(int(clean.sum()), 'row')}" if clean.any() else "nothing is left"
        notes.append(f"WARNING: without these rows, {left}")
    mark = ledger_mark(rows, splits)
    marks = {"these rows": mark}
    if in_test and splits is not None and splits.test is not None:
        whole = splits.test.fingerprint()
        marks |= {"the run's test split": whole} if whole != mark else {}
    name = f"{locate(str(data.path)).name.split('.')[0]}-{mark[:8]}"
    analysis = analyse(predictions, resamples=resamples)
    return Evaluated(name, rows, mark, predictions, analysis, about), notes, marks


def _about(rebuilt: Answering) -> Json:
    return {
        "run": str(rebuilt.run.path),
        "best": read_metrics(rebuilt.run)["best"],
        "decision": rebuilt.decision,
        "device": rebuilt.device.type,
    }


def _overlap_json(splits: Splits | None, found: Sequence[RunOverlap]) -> Json | None:
    """None where it could not be looked for."""
    if splits is None:
        return None
    return {one.split: {"exact": one.exact, "near": one.near, "examples": list(one.examples)} for one in found}


def _check_tasks(rebuilt: Answering, splits: Splits) -> None:
    classes = [{task.name: task.classes for task in tasks} for tasks in (rebuilt.tasks, splits.tasks)]
    if list(classes[0].items()) != list(classes[1].items()):
        raise UserError(f"{rebuilt.run.model}: is a model for {classes[0]}, but the run was trained on {classes[1]}")


def _print(rebuilt: Answering, evaluated: Evaluated, notes: Sequence[str], folder: Path) -> None:
    console, best, model = (
        RunConsole(None),
        evaluated.about["best"],
        "a refit" if rebuilt.settings.refit else "an ensemble",
    )
    if "checkpoint" in best:
        model = f"checkpoint {best['checkpoint']} (epoch {best['epoch'] + 1}, {best['monitor']} {best['value']:.4f})"
    for table in analysis_tables(evaluated.analysis, evaluated.name, argmax=rebuilt.decision == "argmax"):
        console.print(table)
    console.print(FOOTNOTE)
    for note in (*evaluated.analysis.notes, *notes):
        console.print(f"- {note}", style="bold red" if note.startswith(("WARNING", "NOT CHECKED")) else None)
    console.print(
        f"- {evaluated.name}, {times(len(evaluated.rows), 'row')}; run {rebuilt.run.path.name}, {model}; "
        f"decision: {rebuilt.decision}; on {rebuilt.device.type}"
    )
    console.print(f"- everything is in {folder}")
