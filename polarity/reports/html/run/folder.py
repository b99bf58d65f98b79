"""Reading a run's folder: everything that its report shows, and nothing from anywhere else but the ledger's count."""

from dataclasses import dataclass
from pathlib import Path

from omegaconf import OmegaConf

from polarity.analysis import Analysis, Mistake, analyse
from polarity.analysis.folded import respecting_folds
from polarity.baselines import BASELINES
from polarity.config.recorded import RunSettings
from polarity.content import Config, Json
from polarity.errors import UserError
from polarity.evaluation.out_of_fold import OUT_OF_FOLD
from polarity.files import read_object
from polarity.reports.html.run.baselines import BaselineResult, baseline_results
from polarity.reports.html.run.history import Curves, Exposed, class_exposure, exposed, history_curves
from polarity.reports.html.run.steps import step_curves
from polarity.run import RunDirectory
from polarity.runs.ledger import ledger_of
from polarity.runs.saved import CHECKSUMS, read_metrics, saved_folds, saved_predictions
from polarity.spreadsheets import read_csv

HEADINGS = {"val": "validation", OUT_OF_FOLD: "out-of-fold"}
NO_SLICES = "no slices"
_UNKNOWN: Json = {
    **dict.fromkeys(("polarity", "python", "platform", "processor"), ""),
    **dict.fromkeys(("git", "cores", "threads"), None),
    "devices": [],
    "packages": {},
    "data": {},
}


@dataclass(frozen=True)
class SplitContent:
    """One split of the run.

    :param ledger: how often its labels were looked at; None where nobody counts.
    """

    name: str
    heading: str
    analysis: Analysis
    baselines: tuple[BaselineResult, ...]
    ledger: str | None

    @property
    def heading_of_one(self) -> str:
        """The heading over what is of the first repeat alone of a cross-validation."""
        return self.heading if self.analysis.repeats == 1 else f"{self.heading}, repeat 1 of {self.analysis.repeats}"

    @property
    def unsliced(self) -> list[str]:
        """What the rows could not be sliced by."""
        return [note.removeprefix(NO_SLICES).strip() for note in self.analysis.notes if note.startswith(NO_SLICES)]

    @property
    def remarks(self) -> list[str]:
        """What else could not be computed."""
        return [note for note in self.analysis.notes if not note.startswith(NO_SLICES)]

    @property
    def strongest(self) -> BaselineResult | None:
        """The baseline with the best score."""
        return max(self.baselines, key=lambda item: item.result.overall.value or 0.0, default=None)


@dataclass(frozen=True)
class ShownMistake:
    """A mistake with its text; empty where texts are private.

    :param number: of all that are shown, from 1.
    """

    number: int
    mistake: Mistake
    text: str
    context: str


@dataclass(frozen=True)
class RunContent:
    """Everything that the report of a run shows.

    :param splits: test first, for its scores are those that nothing was chosen by.
    :param folds: where each fold of a cross-validation is, its rows and its scores; empty for other runs.
    :param class_exposure: by task.
    :param evidence: why each task's calibration and rule were kept or not.
    :param average: the same of the mean of a cross-validation's folds.
    :param pretraining: what pretraining of each encoder came to.
    :param texts: whether there are any to show.
    :param mistakes: of validation, since a test split whose texts are read is one no more.
    """

    name: str
    config: Config
    settings: str
    overrides: list[str]
    status: Json
    environment: Json
    best: Json
    seconds: dict[str, float]
    evidence: Json
    average: Json
    pretraining: list[str]
    splits: tuple[SplitContent, ...]
    folds: list[Json]
    curves: list[Curves]
    class_exposure: dict[str, list[Exposed]]
    cell_exposure: list[Exposed]
    mistakes: list[ShownMistake]
    texts: bool

    @property
    def seed(self) -> int | None:
        """Of the run; an ensemble has none."""
        return RunSettings(self.config).seed

    @property
    def headline(self) -> SplitContent:
        """The split that the summary is about."""
        return self.splits[0]


def read_run(
    run: RunDirectory, *, texts: bool, resamples: int, splits: tuple[SplitContent, ...] | None = None
) -> RunContent:
    """Read the folder and compute every number from its predictions.

    :param splits: what :func:`read_splits` has given for this folder; None to read them now.
    :raises UserError: if something that every run writes is missing or damaged.
    """
    metrics, config, environment = read_metrics(run), run.config, _environment(run)
    splits = read_splits(run, resamples=resamples) if splits is None else splits
    shown = read_csv(run.details / "exposure.csv")
    own = {split.name: split.analysis for split in splits}
    known = next((own[name] for name in ("val", OUT_OF_FOLD) if name in own), None)
    mistakes = [] if known is None else _mistakes(run, known, texts=texts)
    return RunContent(
        name=run.path.resolve().name,
        config=config,
        settings=OmegaConf.to_yaml(OmegaConf.create(config)),
        overrides=run.overrides,
        status=run.status,
        environment=environment,
        best=dict(metrics.get("best", {})),
        seconds=dict(metrics.get("seconds", {})),
        evidence=dict(metrics.get("calibration") or {}),
        average=dict(metrics.get("average") or {}),
        pretraining=read_object(run.pretraining)["encoders"] if run.pretraining.is_file() else [],
        splits=splits,
        folds=list(metrics.get("folds", [])),
        curves=_curves(run, splits[0].analysis.classes),
        class_exposure=class_exposure(shown, splits[0].analysis.classes),
        cell_exposure=exposed(shown, "cell"),
        mistakes=mistakes,
        texts=any(item.text for item in mistakes),
    )


def read_splits(run: RunDirectory, *, resamples: int) -> tuple[SplitContent, ...]:
    """What the predictions in the folder say, test first; the console, the tables and the report show the same.

    :param resamples: of the bootstrap behind the intervals.
    :raises UserError: if a file of predictions is missing, damaged, or not the one that the run wrote.
    """
    config, environment = run.config, _environment(run)
    return tuple(_split(run, name, config, environment, resamples) for name in _split_names(run, read_metrics(run)))


def _environment(run: RunDirectory) -> Json:
    return _UNKNOWN | (read_object(run.environment) if run.environment.exists() else {})


def _curves(run: RunDirectory, classes: dict[str, tuple[str, ...]]) -> list[Curves]:
    steps = step_curves(run.path / "csv")
    finer = {item.title for item in steps}  # what is known of every step is not drawn by epoch, too
    return [item for item in history_curves(read_csv(run.history), classes) if item.title not in finer] + steps


def _split_names(run: RunDirectory, metrics: Json) -> list[str]:
    """The splits whose predictions the run says that it has written, test first and training last."""
    names = [Path(name).stem for name in metrics.get(CHECKSUMS, {}) if Path(name).parent == Path("predictions")]
    if not names:
        raise UserError(f"{run.metrics}: names no file of predictions; the run was not written by this version")
    order = ("test", "val")
    return sorted(names, key=lambda name: (order.index(name) if name in order else len(order), name))


def _split(run: RunDirectory, name: str, config: Config, environment: Json, resamples: int) -> SplitContent:
    predictions = saved_predictions(run, name)
    mark = environment.get("data", {}).get(name, {}).get("fingerprint")
    analysis, folds = analyse(predictions, resamples=resamples), saved_folds(run) if name == OUT_OF_FOLD else []
    return SplitContent(
        name=name,
        heading=HEADINGS.get(name, name),
        analysis=respecting_folds(analysis, folds) if folds else analysis,
        baselines=baseline_results(run, name, predictions, BASELINES, resamples=resamples, folds=folds),
        ledger=ledger_of(config).sentence(mark) if name == "test" and mark else None,
    )


def _mistakes(run: RunDirectory, analysis: Analysis, *, texts: bool) -> list[ShownMistake]:
    rows = read_csv(run.mistakes) if texts else []
    known = {(row.get("task"), row.get("id")): row for row in rows}
    shown = []
    for number, mistake in enumerate(analysis.mistakes, 1):
        row = known.get((mistake.task, mistake.id), {})
        shown.append(ShownMistake(number, mistake, row.get("text", ""), row.get("context", "")))
    return shown
