"""The members of an ensemble, found and checked: all problems at once, before anything is computed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from polarity.comparison.find import find_folders
from polarity.comparison.load import short_names
from polarity.config.trust import check_trusted
from polarity.content import Json
from polarity.data.locate import locate
from polarity.data.rows import Rows, Splits
from polarity.ensembles.settings import LINEAR, EnsembleSettings
from polarity.ensembles.soup import Soup, soup_problems
from polarity.errors import UserError
from polarity.evaluation.predictions import Predictions
from polarity.files import unwritable
from polarity.run import RunDirectory
from polarity.runs.environment import CONTEXT, only_rows, read_environment
from polarity.runs.manifest import check_unchanged
from polarity.runs.overlap import overlaps
from polarity.runs.rebuild import BUILT, run_splits
from polarity.runs.saved import finished_single_model, saved_predictions
from polarity.systems.members import unused_in_members


@dataclass(frozen=True)
class Gathered:
    """Runs that may be put together.

    :param runs: by their short names.
    :param stored: what each said about the validation rows.
    :param splits: their rows.
    :param test: whether the test split is to be scored.
    """

    runs: dict[str, RunDirectory]
    stored: dict[str, Predictions]
    splits: Splits
    test: bool

    @property
    def scored(self) -> Splits:
        """The splits without a test split that is not to be looked at."""
        return self.splits if self.test else replace(self.splits, test=None)

    @property
    def evaluated(self) -> dict[str, Rows]:
        """The splits that are predicted."""
        return {name: rows for name, rows in self.scored.items() if name != "train"}


def gather(settings: EnsembleSettings) -> Gathered:
    """Find and check the runs.

    :raises UserError: with everything that is wrong with runs, settings and data.
    """
    problems = [*settings.problems, *unwritable("output_dir", locate(settings.output_dir))]
    runs, stored = _runs(settings, problems)
    if problems:
        raise UserError(problems)
    problems += [*unused_in_members(settings.trust, runs.values()), *_copies(runs)]
    problems += _different(runs, stored, test=settings.test)
    if isinstance(settings.method, Soup):
        problems += soup_problems(list(runs.values()))
    if problems:
        raise UserError(problems)
    first = next(iter(runs.values()))
    splits = _splits(first, settings)
    problems += [f"calibration.{text}" for text in settings.calibration.problems(splits.tasks)]
    problems += [f"decision.{text}" for text in settings.decision.problems(splits.tasks)]
    if settings.test and splits.test is None:
        problems.append("test: the runs' data have no test split")
    for run in list(runs.values())[1:]:
        if _data(run) != _data(first):
            problems += _leaks(run, splits, settings)
    if problems:
        raise UserError(problems)
    return Gathered(runs, stored, splits, settings.test)


def _runs(settings: EnsembleSettings, problems: list[str]) -> tuple[dict[str, RunDirectory], dict[str, Predictions]]:
    """The runs and their validation predictions, each as far as it can be used."""
    try:
        folders = list(find_folders(settings.named).folders)
    except UserError as error:
        problems += error.problems
        return {}, {}
    runs, stored = dict[str, RunDirectory](), dict[str, Predictions]()
    taken = {LINEAR, *settings.ways}
    for short, folder in zip(short_names(folders), folders, strict=True):
        name = f"./{short}" if short in taken else short
        try:
            run = finished_single_model(folder)
            check_unchanged(run)
            runs[name], stored[name] = run, saved_predictions(run, "val")
        except UserError as error:
            problems += [f"runs: {text}" for text in error.problems]
    if not problems and len(runs) + settings.baseline < 2:
        problems.append(f"runs: only {folders[0]} is there; an ensemble needs two members, or baseline=true beside it")
    return runs, stored


def _copies(runs: dict[str, RunDirectory]) -> list[str]:
    """A problem for each run that stands in two folders: it would have two voices."""
    began: dict[str, str] = {}
    first = {name: began.setdefault(run.environment.read_text(encoding="utf-8"), name) for name, run in runs.items()}
    return [f"runs: {name} is a copy of {one}; give each run once" for name, one in first.items() if one != name]


def _different(runs: dict[str, RunDirectory], stored: dict[str, Predictions], *, test: bool) -> list[str]:
    """A problem for each run that is about other tasks or rows than the first."""
    (first, ours), *others = runs.items()
    problems = []
    for name, run in others:
        tasks = [[(item.task.name, item.task.classes) for item in stored[each].tasks] for each in (first, name)]
        if tasks[0] != tasks[1]:
            problems.append(
                f"runs: {name} has other tasks or classes than {first}: {_listed(tasks[1])}, not {_listed(tasks[0])}"
            )
        for split in ("val", "test") if test else ("val",):
            here, there = _data(ours).get(split), _data(run).get(split)
            if here != there:
                rows = f"{split} rows than {first} ({_rows(there)}, not {_rows(here)})"
                problems.append(f"runs: {name} was evaluated on other {rows}, so it cannot be put together with it")
        if stored[name].ids != stored[first].ids and not problems:
            problems.append(f"runs: {name} has its validation rows in another order than {first}")
    return problems


def _listed(tasks: Sequence[tuple[str, tuple[str, ...]]]) -> str:
    return "; ".join(f"{name} ({', '.join(classes)})" for name, classes in tasks)


def _rows(split: Json | None) -> str:
    if split is None:
        return "none"
    beside = f", contexts with {str(split[CONTEXT])[:8]}" if split[CONTEXT] else ""
    return f"{split.get('rows', 0):,} with fingerprint {str(split.get('fingerprint'))[:8]}{beside}"


def _data(run: RunDirectory) -> Json:
    """What the rows are, and the contexts that are read with them, since all members are given the same."""
    data = read_environment(run)["data"]
    return {name: {**rows, CONTEXT: data[name].get(CONTEXT)} for name, rows in only_rows(data).items()}


def _splits(run: RunDirectory, settings: EnsembleSettings) -> Splits:
    check_trusted(run.config, str(run.path / "config.yaml"), trust=settings.trust, unused=False, sections=BUILT)
    return run_splits(run)


def _leaks(run: RunDirectory, splits: Splits, settings: EnsembleSettings) -> list[str]:
    """A problem for each split whose rows another run has learnt from."""
    try:
        theirs = _splits(run, settings)
    except UserError as error:
        return [
            f"runs: {run.path}: nobody can tell whether it was trained on rows that are evaluated here: {text}"
            for text in error.problems
        ]
    near = run.settings.data.near_duplicates
    return [
        f"runs: {name}: {found} ({run.path}), so the ensemble's scores would be too high"
        for name, rows in splits.items()
        if name != "train"
        for found in overlaps(rows, theirs, near)
        if found.split == "train" or name == "test"
    ]
