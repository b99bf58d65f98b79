"""What ``python -m polarity.compare`` does: what differs between runs, and whether their scores really do."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field

from polarity.comparison.align import Aligned, align, own_cluster
from polarity.comparison.compare import compare_systems
from polarity.comparison.find import find_folders
from polarity.comparison.held_out import marks_of, record_evaluations
from polarity.comparison.load import FREE, System, baseline_of, load_systems
from polarity.comparison.result import Comparison
from polarity.comparison.same_rows import apart, part_by_rows
from polarity.comparison.tables import (
    SHOWN,
    configuration_table,
    scores_table,
    tests_table,
    write_comparison,
)
from polarity.errors import UserError
from polarity.evaluation.out_of_fold import OUT_OF_FOLD
from polarity.files import unwritable
from polarity.parts import unfinished
from polarity.paths import expanded
from polarity.progress import progress
from polarity.reports.console import RunConsole
from polarity.settings import Seed
from polarity.wording import times

AUTO = "auto"


@dataclass(frozen=True)
class CompareSettings:
    """Settings of ``conf/compare.yaml``, which explains them."""

    runs: str | list[str]
    split: str
    select: str | None
    tasks: Annotated[list[str], Field(min_length=1)] | None
    baselines: bool
    cluster: str | None
    resamples: Annotated[int, Field(ge=200)]
    confidence: Annotated[float, Field(ge=0.5, lt=1)]
    margin: Annotated[float, Field(gt=0, lt=100)]
    seed: Seed
    output: str | None


def compare(settings: CompareSettings) -> list[Comparison]:
    """Compare runs on the rows of one split; those on other rows among themselves, in a comparison of their own.

    :raises UserError: if nothing can be compared; then nothing is written, nor recorded as a look.
    """
    _check(settings)
    found = find_folders([settings.runs] if isinstance(settings.runs, str) else settings.runs)
    read, left_out = load_systems(found, settings.split)
    systems = [system for system in read if system.has_labels(settings.tasks)]
    without = [system.name for system in read if not system.has_labels(settings.tasks)]
    unlabelled = f"no row of {_split(settings, read)} has a label"
    if not systems:
        raise UserError(f"split: {unlabelled}, so there is nothing to compare by")
    left_out += [f"left out: {name}: {unlabelled}" for name in without]
    notes = [*found.notes, *left_out]
    parted = part_by_rows(systems, settings.split, tasks=settings.tasks)
    if settings.baselines:
        for rows in parted:
            rows.systems += baseline_of(rows.systems, settings.split)
    several = [rows.systems for rows in parted if len(rows.systems) > 1]
    if not several:
        alone = [f"runs: only {systems[0].folder} is there; a comparison needs two"] if len(parted) == 1 else []
        raise UserError([*alone, *(text for rows in parted for text in rows.differs), *notes])
    notes = [*apart(parted), *notes]
    ready = [_aligned(settings, systems) for systems in several]  # all of them, before a look is recorded
    return [_compared(settings, *one, [] if number else notes) for number, one in enumerate(ready)]


def _aligned(
    settings: CompareSettings, systems: Sequence[System]
) -> tuple[Sequence[System], Aligned, str | None, list[str]]:
    """The systems, their rows, what these are grouped by, and what is to be said of that."""
    cluster, about = own_cluster(systems) if settings.cluster == AUTO else (settings.cluster, [])
    aligned = align(systems, _split(settings, systems), tasks=settings.tasks, cluster=cluster)
    if systems[0].folds and cluster and any(system.predictions.group != cluster for system in systems):
        about.append(
            f"the folds do not keep rows of one {cluster} together, so the tests and intervals over folds are as if "
            "such rows had nothing in common"
        )
    return systems, aligned, cluster, about


def _split(settings: CompareSettings, systems: Sequence[System]) -> str:
    return OUT_OF_FOLD if systems[0].folds else settings.split


def _compared(
    settings: CompareSettings,
    systems: Sequence[System],
    aligned: Aligned,
    cluster: str | None,
    about: Sequence[str],
    notes: Sequence[str],
) -> Comparison:
    split = _split(settings, systems)
    ranked = split in (FREE, OUT_OF_FOLD, settings.select)
    marks = []
    if split not in (FREE, OUT_OF_FOLD):
        marks = marks_of(split, record_evaluations(systems, aligned, split), ranked=ranked)
    return compare_systems(
        systems,
        aligned,
        split=split,
        ranked=ranked,
        cluster=cluster,
        resamples=settings.resamples,
        confidence=settings.confidence,
        seed=settings.seed,
        margin=settings.margin / 100,
        marks=marks,
        notes=[*about, *notes],
    )


def _check(settings: CompareSettings) -> None:
    problems = []
    tasks = settings.tasks or []
    if named_twice := [name for number, name in enumerate(tasks) if name in tasks[:number]]:
        problems.append(f"tasks: {named_twice[0]!r} is named twice")
    if settings.select not in (None, settings.split):
        problems.append(
            f"select: the runs are compared on split={settings.split}, so only select={settings.split} has an effect"
        )
    if settings.output is not None:
        problems += unwritable("output", expanded(settings.output))
    if problems:
        raise UserError(problems)


def show_comparison(comparison: Comparison) -> None:
    """Print it: marks, configuration diff, scores, tests, and a sentence for each pair."""
    console = RunConsole(None)
    for mark in comparison.marks:
        console.print(mark, style="bold yellow")
    if comparison.differences:
        console.print(configuration_table(comparison))
    elif sum(group.kind == "run" for group in comparison.groups) > 1:
        console.print("no setting differs between the runs")
    console.print(scores_table(comparison))
    if comparison.chosen is not None:
        console.print(comparison.chosen.sentence)
    if comparison.pairs:
        console.print(tests_table(comparison))
    for pair in comparison.pairs[:SHOWN]:
        console.print(f"- {pair.sentence}")
    if len(comparison.pairs) > SHOWN:
        console.print(
            f"... and {times(len(comparison.pairs) - SHOWN, 'pair')} more, which output=FOLDER writes as well"
        )
    for note in comparison.notes:
        console.print(f"note: {note}")


def write(comparison: Comparison, folder: Path) -> list[Path]:
    """Write JSON, CSV and HTML, all of them or none; returns their paths."""
    from polarity.reports.html import write_comparison_report

    with unfinished(folder / "files") as part:
        part.mkdir()
        made = [*write_comparison(part, comparison), write_comparison_report(comparison, part / "comparison.html")]
        return [path.replace(folder / path.name) for path in made]


def write_all(settings: CompareSettings, comparisons: Sequence[Comparison]) -> list[Path]:
    """Write them to ``output``, if it was asked for, several into folders of their own; returns the paths."""
    if settings.output is None:
        return []
    folder, several = expanded(settings.output), len(comparisons) > 1
    places = [folder / f"rows-{number}" if several else folder for number, _ in enumerate(comparisons, 1)]
    return [path for one, place in zip(comparisons, places, strict=True) for path in write(one, place)]


def compare_and_write(settings: CompareSettings) -> None:
    """Compare, show and write."""
    with progress("comparing"):
        comparisons = compare(settings)
    for number, comparison in enumerate(comparisons, 1):
        if len(comparisons) > 1:
            runs, rows = times(len(comparison.systems), "system"), times(comparison.setup.rows, "row")
            RunConsole(None).print(f"\n{number} of {len(comparisons)}: {runs} on the same {rows}", style="bold")
        show_comparison(comparison)
    if written := write_all(settings, comparisons):
        RunConsole(None).print(f"written: {', '.join(str(path) for path in written)}")
