"""What is compared: the predictions of runs, of baselines, and of folders that were made by hand."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from os.path import commonpath
from pathlib import Path
from typing import Any, Literal

from polarity.comparison.find import FoundFolders
from polarity.config.recorded import RunSettings
from polarity.errors import UserError
from polarity.evaluation.out_of_fold import OUT_OF_FOLD, HeldOut, read_out_of_fold, read_repeats
from polarity.evaluation.predictions import Predictions, read_predictions
from polarity.files import checksum, read_object
from polarity.run import RunDirectory
from polarity.run_files import is_run, what_a_run_lacks
from polarity.runs.manifest import check_unchanged
from polarity.runs.saved import CHECKSUMS, finished_run, read_metrics, refuse_refit, saved_folds, saved_predictions
from polarity.statistics.fold_scores import FoldScores
from polarity.tasks import IGNORE_INDEX

FREE = "val"
"""The split that choices are made by."""
BASELINE = "linear"
"""The baseline that stands in every comparison."""


@dataclass(frozen=True)
class System:
    """One set of predictions.

    :param config: of the run; None where there is none.
    :param overrides: the command line that the run was started with.
    :param environment: what the run depended on; empty where it is not known.
    :param folds: scores of a cross-validation; the predictions are those of its first repeat.
    :param further: predictions of its other repeats, of the same rows.
    :param held_out: fingerprints of the rows that its folds held out, in the order of the folds.
    """

    name: str
    folder: Path
    kind: Literal["run", "predictions", "baseline"]
    predictions: Predictions
    config: Mapping[str, Any] | None = None
    overrides: Sequence[str] = ()
    environment: Mapping[str, Any] | None = None
    folds: FoldScores | None = None
    further: Sequence[Predictions] = ()
    held_out: Sequence[str] = ()

    @property
    def seed(self) -> int | None:
        """Of training."""
        return None if self.config is None else RunSettings(self.config).seed

    @property
    def rows(self) -> Mapping[str, Any]:
        """Of each split, what is known of its rows."""
        found: Mapping[str, Any] = (self.environment or {}).get("data") or {}
        return found

    def fingerprint(self, split: str) -> str | None:
        """Of the split's ids, texts and labels; None where it is not known."""
        found = (self.rows.get(split) or {}).get("fingerprint")
        return None if found is None else str(found)

    def has_labels(self, tasks: Sequence[str] | None) -> bool:
        """Whether a row has a label of one of these tasks, None for all; the tasks that are not there count as such."""
        own = {item.task.name: item.labels for item in self.predictions.tasks}
        return any(name not in own or bool((own[name] != IGNORE_INDEX).any()) for name in tasks or own)


def load_systems(found: FoundFolders, split: str) -> tuple[list[System], list[str]]:
    """The systems of the folders, and a note for each that only a pattern met and that cannot be read.

    :raises UserError: with what is wrong with each folder that was named; or with all, if none can be read.
    """
    problems: list[str] = []
    left_out: list[str] = []
    systems = []
    for name, (folder, named) in zip(short_names(list(found.folders)), found.folders.items(), strict=True):
        try:
            systems.append(_run(name, folder, split) if is_run(folder) else _by_hand(name, folder, split))
        except UserError as error:
            if named:
                problems += error.problems
            else:
                left_out += [f"left out: {text}" for text in error.problems]
    if problems or not systems:
        raise UserError([*problems, *left_out])
    return systems, left_out


def _run(name: str, folder: Path, split: str) -> System:
    run = finished_run(folder)
    if run.manifest.is_file():  # runs of older versions have the checksums of their predictions alone
        check_unchanged(run, "predictions", "baselines", "metrics.json")
    refuse_refit(run)
    split = rows_compared(run, split)
    _check_split(folder, split)
    predictions = saved_predictions(run, split)
    environment = read_object(run.environment) if run.environment.is_file() else {}
    system = System(name, run.path, "run", predictions, run.config, run.overrides, environment)
    if split != OUT_OF_FOLD:
        return system
    held_out = [str(fold["fingerprint"]) for fold in read_metrics(run)["folds"]]
    return _folded(system, run.predictions(split), saved_folds(run), held_out)


def _folded(system: System, path: Path, folds: Sequence[HeldOut], held_out: Sequence[str]) -> System:
    """The same with the folds of all repeats."""
    return replace(system, folds=FoldScores.of(folds), further=read_repeats(path)[1:], held_out=held_out)


def rows_compared(run: RunDirectory, split: str) -> str:
    """The split; of a cross-validation, whose held-out rows are there to choose by, these in the place of validation.

    :raises UserError: if another split of a cross-validation is asked for.
    """
    if not run.settings.folds:
        return split
    if split not in (FREE, OUT_OF_FOLD):
        raise UserError(f"{run.path}: is a cross-validation, so it has no scores on {split}; leave out split")
    return OUT_OF_FOLD


def _by_hand(name: str, folder: Path, split: str) -> System:
    if lacks := what_a_run_lacks(folder):
        raise UserError(f"{folder}: {lacks}")
    _check_split(folder, split)
    path = RunDirectory(folder).predictions(split)
    predictions = read_predictions(path)
    if RunDirectory(folder).metrics.is_file():
        _check_sum(RunDirectory(folder).metrics, path)
    return System(name, folder, "predictions", predictions)


def _check_sum(metrics: Path, path: Path) -> None:
    """If somebody wrote down the checksum of the predictions, it has to hold."""
    known = read_object(metrics).get(CHECKSUMS, {})
    wanted = known.get(f"predictions/{path.name}")
    if wanted is not None and checksum(path) != wanted:
        raise UserError(f"{path}: was changed after its checksum was written to {metrics.name}")


def _check_split(folder: Path, split: str) -> None:
    path = RunDirectory(folder).predictions(split)
    if not path.is_file():
        there = sorted(item.stem for item in path.parent.glob("*.parquet"))
        raise UserError(f"{folder}: has no predictions of split {split!r} (there are: {', '.join(there) or 'none'})")


def baseline_of(systems: Sequence[System], split: str) -> list[System]:
    """The linear baseline of the first that has it; it sees the same rows in every run, so one stands for all.

    It reads contexts where the run does, so that runs with other contexts, or without, have each their own.
    """
    found: dict[str | None, System] = {}
    for system in systems:
        path = RunDirectory(system.folder).baseline(BASELINE, OUT_OF_FOLD if system.folds else split)
        column = None if system.config is None else RunSettings(system.config).data.context
        if system.kind == "run" and path.is_file() and column not in found:
            one = System(f"{BASELINE} baseline", path.parent, "baseline", read_predictions(path))
            folded = system.folds is not None
            found[column] = _folded(one, path, read_out_of_fold(path), system.held_out) if folded else one
    if len(found) < 2:
        return list(found.values())
    return [
        replace(one, name=f"{one.name}, data.context={'null' if column is None else column}")
        for column, one in found.items()
    ]


def short_names(folders: Sequence[Path]) -> list[str]:
    """Short names: the part of each path that is not common to all."""
    if len(folders) == 1:
        return [folders[0].name]
    shared = Path(commonpath(folders))
    return [folder.name if folder == shared else folder.relative_to(shared).as_posix() for folder in folders]
