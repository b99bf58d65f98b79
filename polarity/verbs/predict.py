"""What ``python -m polarity.predict`` does: the decisions and calibrated probabilities of a run for any rows."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Literal

from pydantic import Field

from polarity.config.recorded import DataSettings
from polarity.config.trust import Trust
from polarity.data.reading import Unknown
from polarity.ensembles.predictor import EnsemblePredictor, predictor_of
from polarity.errors import UserError
from polarity.evaluation.devices import Accelerator
from polarity.posthoc import DecisionChoice
from polarity.prediction.columns import AddedColumns, Threshold
from polarity.prediction.job import PredictionJob, PredictionOutcome
from polarity.prediction.predictor import Predictor
from polarity.prediction.streams import Input, Output, format_of
from polarity.printable import SafeConsole
from polarity.privacy import show_texts
from polarity.progress import progress
from polarity.reduced_precision.choose import INT8, Precision, predictor_in
from polarity.run import RunDirectory
from polarity.runs.saved import finished_run
from polarity.settings import Name, PositiveInt
from polarity.systems.rebuild import rebuild_any
from polarity.tables.dialect import Dialect, dialect_problems
from polarity.tables.formats import USED, Format
from polarity.wording import times

ChunkRows = Annotated[int, Field(ge=1, le=49_999)]  # from 50,000 on, the tokenizer shows a bar of its own
MOSTLY_UNKNOWN = 0.5
DEFAULT_TEXT = "text"
"""Column of the text for runs on data that were not read from columns."""
DEFAULT_ERROR = "error"


@dataclass(frozen=True)
class PredictSettings:
    """The settings of ``conf/predict.yaml``, where each is explained."""

    run: str
    input: str
    output: str
    input_format: Format | None
    output_format: Format | None
    overwrite: bool
    spreadsheet: bool
    text: Name | None
    context: Name | None
    encoding: Name | None
    delimiter: Name | None
    quote: str | None
    header: bool | None
    decision: DecisionChoice
    probabilities: bool
    top_k: PositiveInt | None
    abstain_below: Threshold | None
    prefix: str
    on_error: Literal["stop", "keep"]
    error_column: Name
    chunk_rows: ChunkRows
    precision: Precision | None
    batch_size: PositiveInt | None
    accelerator: Accelerator
    trust: Trust


def predict(settings: PredictSettings) -> PredictionOutcome:
    """Classify the rows of a file.

    :raises UserError: with everything that is wrong with run, settings and input; then there is no output.
    """
    run, problems = finished_run(settings.run), list[str]()
    show_texts(run.settings.reporting.texts)  # new rows are as private as those that it was trained on
    job = _job(settings, run, problems)
    if job is None or problems:
        raise UserError(problems)
    console = SafeConsole(stderr=True)
    answering = rebuild_any(
        run.path,
        accelerator="cpu" if settings.precision == INT8 and settings.accelerator == "auto" else settings.accelerator,
        batch_size=settings.batch_size,
        decision=settings.decision,
        trust=settings.trust,
    )
    if settings.precision is None:
        predictor: Predictor | EnsemblePredictor = predictor_of(answering)
    else:
        predictor, cost = predictor_in(answering, settings.precision)
        if cost is not None:
            console.print(f"precision={settings.precision}: {cost}", soft_wrap=True)
    added = AddedColumns(
        predictor.tasks,
        predictor.decider,
        prefix=settings.prefix,
        probabilities=settings.probabilities,
        top_k=settings.top_k,
        abstain_below=settings.abstain_below,
        error_column=settings.error_column if job.keep else None,
    )
    job = replace(job, metadata=predictor.columns)
    with progress("looking through the input"):
        total, keys = job.survey(predictor, added)
    with progress("predicting", total) as advance:
        outcome = job.run(predictor, added, keys, advance)
    console.print(_summary(outcome, job, settings), soft_wrap=True)
    for line in [*outcome.notes, *mostly_unknown(predictor.unknown)]:
        console.print(f"note: {line}", style="yellow", soft_wrap=True)
    return outcome


def mostly_unknown(found: Sequence[Unknown]) -> list[str]:
    """What to tell of an input that a run's readers, or one of them, hardly know."""
    strange = [one for one in found if one.share > MOSTLY_UNKNOWN]
    lost = all(one in strange for one in found if one.of_texts)
    so = ": these predictions say little about the texts"
    return [f"{one.share:.0%} {one.what}{so if lost and one.of_texts else ''}" for one in strange]


def _job(settings: PredictSettings, run: RunDirectory, problems: list[str]) -> PredictionJob | None:
    source, output = Input(settings.input), Output(settings.output, overwrite=settings.overwrite)
    problems += source.problems() + output.problems(source)
    kind = format_of("input", source.path, settings.input_format, problems)
    named = settings.output_format or (kind if output.path is None else None)
    wanted = None if output.path is None and named is None else format_of("output", output.path, named, problems)
    if kind is None or wanted is None:
        return None
    data = run.settings.data
    if settings.spreadsheet and wanted not in ("csv", "tsv"):
        problems.append(f"spreadsheet: has no effect on {wanted} output")
    keep = settings.on_error == "keep"
    if not keep and settings.error_column != DEFAULT_ERROR:
        problems.append("error_column: has no effect with on_error=stop")
    dialect = _dialect(settings, data, kind, problems)
    text, context = _columns(settings, data, problems)
    return PredictionJob(
        source, kind, output, wanted, dialect, text, context, keep, settings.chunk_rows, settings.spreadsheet
    )


def _dialect(settings: PredictSettings, data: DataSettings, kind: Format, problems: list[str]) -> Dialect:
    """How text input is read: as given, or as the run's own data were; but tsv has its own delimiter."""
    names = ("encoding", "delimiter", "quote", "header")
    given: dict[str, object] = {name: getattr(settings, name) for name in names}
    problems += [
        f"{name}: has no effect on {kind} input"
        for name, value in given.items()
        if value is not None and name not in USED[kind]
    ]
    delimiter = settings.delimiter or (data.dialect.delimiter if kind == "csv" else None)
    quote = data.dialect.quote if settings.quote is None else settings.quote
    header = data.dialect.header if settings.header is None else settings.header
    dialect = Dialect(settings.encoding or data.dialect.encoding, delimiter, quote, header, setting="")
    problems += dialect_problems(dialect)
    return dialect


def _columns(settings: PredictSettings, data: DataSettings, problems: list[str]) -> tuple[str, str | None]:
    """The columns that are read: as given, or as the run's data have them."""
    text = settings.text or data.text or DEFAULT_TEXT
    context = settings.context or data.context
    if settings.context is not None and data.pairs is False:
        problems.append("context: the run was trained on single texts; leave it out")
    if context is None and data.pairs:
        problems.append("context: the run was trained on text pairs; name the column of the first texts")
    if context == text:
        problems.append(f"context: column {text!r} is already that of text")
    return str(text), context


def _summary(outcome: PredictionOutcome, job: PredictionJob, settings: PredictSettings) -> str:
    speed = f"{times(outcome.rows, 'row')} in {outcome.seconds:.1f} s, {outcome.rows_per_second:,.0f} rows/s"
    parts = [f"{speed}; written to {job.output.name}"]
    if outcome.broken:
        column = f"{settings.prefix}{settings.error_column}"
        parts.append(f"{times(outcome.broken, 'row')} not classified, see the column {column!r}")
    if settings.abstain_below is not None:
        shares = ", ".join(f"{task} {count:,}" for task, count in outcome.abstained.items())
        parts.append(f"abstained: {shares}")
    return "\n".join(parts)
