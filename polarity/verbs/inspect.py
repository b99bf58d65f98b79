"""What ``python -m polarity.inspect`` does: one report about data before any training."""

from dataclasses import dataclass
from pathlib import Path

from polarity.data.batching import Batching
from polarity.data.corpus import Corpus
from polarity.data.limit import Limit
from polarity.errors import UserError
from polarity.files import check_room, write_json
from polarity.inspection.console import inspection_tables
from polarity.inspection.inspector import Folds, Inspector
from polarity.inspection.result import Inspection
from polarity.inspection.tables import write_tables
from polarity.models.encoder import EncoderSettings
from polarity.paths import cache_dir, expanded
from polarity.progress import progress
from polarity.reports.console import RunConsole
from polarity.reports.html.inspection import write_inspection_report
from polarity.run_files import is_run
from polarity.settings import PositiveInt, Seed

REPORT, RESULT = "report.html", "inspection.json"
STYLES = {"stop": "bold red", "warning": "yellow", "note": None}


@dataclass(frozen=True)
class InspectSettings:
    """The settings of ``conf/inspect.yaml``, where each is explained."""

    data: Corpus
    limit: Limit
    batching: Batching
    model: EncoderSettings | None
    groups: list[str] | None
    language: str | None
    labels: bool
    folds: Folds
    repeats: PositiveInt
    seed: Seed
    most: PositiveInt | None
    texts: bool
    output: str | None
    cache_dir: str | None


def inspect(settings: InspectSettings) -> Inspection:
    """Inspect, print and store.

    :raises UserError: with everything that is wrong with settings and data; then nothing is written or shown.
    """
    cache = cache_dir(settings.cache_dir)
    folder = None if settings.output is None else expanded(settings.output)
    check_room(output=folder, cache_dir=cache)
    if folder is not None and _is_of_another(folder):
        raise UserError(f"output: {folder} holds another report than an inspection's; choose another folder")
    inspector = Inspector(
        model=settings.model,
        max_length=settings.batching.max_length,
        max_context=settings.batching.max_context,
        groups=settings.groups,
        language=settings.language,
        labels=settings.labels,
        folds=settings.folds,
        repeats=settings.repeats,
        seed=settings.seed,
        most=settings.most,
        texts=settings.texts,
        cache=cache,
    )
    with progress("inspecting"):
        inspection = inspector.inspect(settings.data, settings.limit)
    if folder is not None:
        write_json(folder / RESULT, inspection.to_dict())
        write_tables(inspection, folder)
        write_inspection_report(inspection, folder / REPORT)
    show_inspection(inspection, folder)
    return inspection


def _is_of_another(folder: Path) -> bool:
    """Whether a folder is a run's, or has a report that would be lost."""
    return is_run(folder) or ((folder / REPORT).exists() and not (folder / RESULT).exists())


def show_inspection(inspection: Inspection, folder: Path | None) -> None:
    """Print the tables, and below them what they come to."""
    console = RunConsole(None)
    for table in inspection_tables(inspection):
        console.print(table)
    for finding in inspection.findings:
        console.print(f"{finding.level}: {finding.text}", style=STYLES[finding.level])
    if folder is not None:
        console.print(f"everything is in {folder}: {REPORT}, {RESULT} and CSV files")
