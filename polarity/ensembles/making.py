"""An ensemble, from finished runs to a folder of its own."""

from dataclasses import replace
from pathlib import Path

from polarity.data.locate import locate
from polarity.ensembles.asking import ask_all, sample_of
from polarity.ensembles.console import cost_sentence, members_table, ways_table
from polarity.ensembles.folder import config_of, fill, reporting_of
from polarity.ensembles.gathering import Gathered, gather
from polarity.ensembles.outcome import Outcome, find_outcome
from polarity.ensembles.settings import EnsembleSettings
from polarity.evaluation.metrics import score
from polarity.evaluation.predictions import Predictions
from polarity.paths import LATEST
from polarity.progress import progress
from polarity.reports.console import RunConsole
from polarity.reports.html import write_run_report
from polarity.run import RunDirectory
from polarity.runs.ledger import record_evaluation
from polarity.runs.new_folder import new_folder
from polarity.runs.reproduction import reproduce
from polarity.systems.rebuild import rebuild_any
from polarity.training.finish import afterwards, remarks


def make(settings: EnsembleSettings) -> RunDirectory:
    """Judge, write, check what was written, and print; returns the folder.

    :raises UserError: with everything that is wrong; then nothing is written.
    """
    with progress("reading the runs"):
        gathered = gather(settings)
    asked = ask_all(gathered, settings)
    outcome = find_outcome(asked, gathered, settings)
    config = config_of(outcome, gathered, settings)
    overrides = settings.as_overrides([run.path for run in gathered.runs.values()])
    root = locate(settings.output_dir)
    with progress("writing the ensemble"), new_folder(root, config, overrides) as run:
        read = fill(run, outcome, gathered, settings)
        _check(run, gathered, settings)
        counted = _record(run, root, outcome, gathered)
    read = tuple(replace(split, ledger=counted[0]) if counted and split.name == "test" else split for split in read)
    afterwards(run, str(run.path.parent / LATEST), run.point_latest)
    reporting = reporting_of(settings, run.settings)
    write_run_report(run, texts=reporting.texts, resamples=reporting.resamples, splits=read)
    _print(run, outcome, reporting.resamples, [*remarks(read), *counted])
    return run


def _record(run: RunDirectory, root: Path, outcome: Outcome, gathered: Gathered) -> list[str]:
    """Note in the ledger that the test split was looked at; what it says then."""
    if "test" not in outcome.said:
        return []
    mark, test = gathered.evaluated["test"].fingerprint(), outcome.said["test"]
    scores = score([item.task for item in test.tasks], test.labels, [item.predicted for item in test.tasks])
    return [record_evaluation(run, mark, scores, verb="ensemble", path=root / run.path.name)]


def _check(run: RunDirectory, gathered: Gathered, settings: EnsembleSettings) -> None:
    """Read the folder back, as everybody will; it has to say what was stored."""
    sample = sample_of(gathered.splits.val)
    answering = rebuild_any(run.path, accelerator=settings.accelerator, trust=settings.trust)
    reproduce(answering, "val", answering.predict(sample))


def _print(run: RunDirectory, outcome: Outcome, resamples: int, about: list[str]) -> None:
    console = RunConsole(run.log)
    splits: dict[str, Predictions] = {"val": outcome.fitted.predictions, **outcome.said}
    console.print(ways_table(outcome))
    for split, rows in splits.items():
        decided = (
            outcome.decided
            if split == "val"
            else {one.name: [item.predicted for item in one.said[split].tasks] for one in outcome.asked}
        )
        console.print(members_table(outcome, rows, decided, split=split, resamples=resamples))
    for sentence in (outcome.sentence, cost_sentence(outcome), *about):
        console.print(sentence)
    console.print(f"everything is in {run.path}; report: {run.report.name}")
