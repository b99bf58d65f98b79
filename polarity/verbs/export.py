"""What ``python -m polarity.export`` does: a run's model as a folder for other programs, checked against the run."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from polarity.config.trust import Trust
from polarity.data.contexts import context_room
from polarity.data.locate import locate
from polarity.data.rows import Rows, Splits, evenly
from polarity.errors import UserError
from polarity.exporting.answers import Agreement, answers_of_folder, answers_of_session, checked
from polarity.exporting.card import write_card
from polarity.exporting.card_tokens import CardTokens
from polarity.exporting.folder import ABOUT, about, folder_problems, parts_of
from polarity.exporting.hf import write_hf
from polarity.exporting.onnx import GRAPH, SMALL_GRAPH, package_problems, session_of, write_onnx
from polarity.exporting.quantize import QuantizationCost, cost, write_int8
from polarity.files import read_object, whole_folder, write_json
from polarity.models.saving import CONFIG
from polarity.paths import expanded
from polarity.posthoc import DecisionChoice
from polarity.progress import progress
from polarity.reports.console import RunConsole
from polarity.run import RunDirectory
from polarity.runs.rebuild import Rebuilt, rebuild, run_splits
from polarity.runs.saved import finished_single_model
from polarity.settings import NonNegativeInt
from polarity.signature import TARGET


@dataclass(frozen=True)
class ExportSettings:
    """The settings of ``conf/export.yaml``, where each is explained."""

    run: str
    format: Literal["hf", "onnx"]
    output: str | None
    overwrite: bool
    decision: DecisionChoice
    int8: bool
    check_rows: NonNegativeInt
    trust: Trust


def export(settings: ExportSettings) -> Path:
    """Write the folder; returns its path.

    :raises UserError: with everything that is wrong with run, settings and data, or if the copy does not say what the
        run says; then nothing is written.
    """
    run = finished_single_model(settings.run, _of_transformers)
    folder = run.export(settings.format) if settings.output is None else locate(settings.output)
    problems = folder_problems(folder, overwrite=settings.overwrite)
    problems += package_problems() if settings.format == "onnx" else []
    if settings.int8 and settings.format == "hf":
        problems.append("int8: has no effect with format=hf")
    if settings.int8 and not settings.check_rows:
        problems.append("int8: its cost is measured on the validation rows; leave check_rows above 0")
    if problems:
        raise UserError(problems)
    rebuilt = rebuild(run.path, accelerator="cpu", decision=settings.decision, trust=settings.trust)
    if problems := rebuilt.model.encoder.export_problems(settings.format):
        raise UserError(problems)
    splits = run_splits(run) if settings.check_rows else None
    with progress("exporting"), whole_folder(expanded(folder).absolute(), overwrite=settings.overwrite) as part:
        agreement, costs = _write(settings, rebuilt, splits, part)
    _say(settings, folder, agreement, costs)
    return folder


def _of_transformers(run: RunDirectory) -> bool:
    """Whether its encoder is one of transformers; any other names its class."""
    return TARGET not in read_object(run.model / CONFIG)


def _write(
    settings: ExportSettings, rebuilt: Rebuilt, splits: Splits | None, folder: Path
) -> tuple[Agreement | None, QuantizationCost | None]:
    tasks = {task.name: list(task.classes) for task in rebuilt.model.tasks}
    pairs = splits.val.context is not None if splits else bool(rebuilt.settings.data.pairs)
    longest = rebuilt.settings.max_length
    lengths = longest, context_room(longest, rebuilt.settings.max_context)
    content = about(settings.format, tasks, parts_of(rebuilt)[1], *lengths, pairs=pairs)
    write_json(folder / ABOUT, content)
    write_hf(rebuilt, folder) if settings.format == "hf" else write_onnx(rebuilt, folder)
    agreement = None if splits is None else _agreement(settings, rebuilt, splits.val, folder)
    costs = None
    if settings.int8 and splits is not None:
        write_int8(folder)
        costs = _cost(rebuilt, splits.val, folder)
    write_card(rebuilt, content, folder, agreement, costs)
    return agreement, costs


def _agreement(settings: ExportSettings, rebuilt: Rebuilt, val: Rows, folder: Path) -> Agreement:
    """Compare the folder with the run on validation rows from all over the split."""
    rows = val.select(evenly(len(val), settings.check_rows))
    if settings.format == "hf":
        given = answers_of_folder(folder, rows, rebuilt.batch_size)
    else:
        read = CardTokens.read(folder, rows)
        given = answers_of_session(session_of(folder / GRAPH), read, rebuilt.model.tasks, rebuilt.batch_size)
    return checked(rebuilt, rows, given, "folder" if settings.format == "hf" else "graph")


def _cost(rebuilt: Rebuilt, val: Rows, folder: Path) -> QuantizationCost:
    tasks, read = rebuilt.model.tasks, CardTokens.read(folder, val)
    before, after = (
        answers_of_session(session_of(folder / name), read, tasks, rebuilt.batch_size) for name in (GRAPH, SMALL_GRAPH)
    )
    return cost(folder, val, tasks, before, after)


def _say(settings: ExportSettings, folder: Path, agreement: Agreement | None, costs: QuantizationCost | None) -> None:
    console = RunConsole(None)
    if agreement is None:
        console.print("not checked against the run's own model, since check_rows=0")
    else:
        console.print(f"checked on {agreement}")
    if costs is not None:
        console.print(str(costs))
    console.print(f"{settings.format} folder with model card: {folder}")
