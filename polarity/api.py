"""The same things from Python: train, load a finished run and predict, compare runs, put them together."""

import json
import math
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from polarity.config.cli import prepare_process
from polarity.config.verb import read_settings
from polarity.errors import RunError, UserError, nearest
from polarity.quoting import as_word
from polarity.wording import times

if TYPE_CHECKING:
    from polarity.comparison.result import Comparison
    from polarity.config.recorded import DataSettings
    from polarity.data.rows import Rows
    from polarity.ensembles.predictor import EnsemblePredictor
    from polarity.evaluation.devices import Accelerator
    from polarity.posthoc import DecisionChoice
    from polarity.prediction.predictor import Predictor
    from polarity.run import RunDirectory
    from polarity.tasks import Task

Folder = str | PathLike[str]
INTERRUPTED = 130
"""Exit code of a run that Ctrl-C has stopped."""

_ONE_AT_A_TIME = threading.RLock()
"""Trainings of one process: they share its random numbers."""
AT_ONCE = 1000
"""Texts that are tokenised together."""


@dataclass(frozen=True)
class Answer:
    """What a run says about one text in one task.

    :param label: the decision of the run's rule, which need not be the most probable class.
    :param probabilities: calibrated, by class.
    """

    label: str
    probabilities: dict[str, float]


class Model:
    """A finished run's model with its calibration and decision rule; made by :func:`load`."""

    def __init__(self, predictor: "Predictor | EnsemblePredictor", data: "DataSettings") -> None:
        self._predictor, self._data = predictor, data

    @property
    def tasks(self) -> "tuple[Task, ...]":
        """Names and classes of what it decides."""
        return self._predictor.tasks

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that it reads beside the texts."""
        return self._predictor.columns

    def predict(
        self,
        texts: Iterable[str],
        contexts: Iterable[str | None] | None = None,
        metadata: Mapping[str, Iterable[object]] | None = None,
    ) -> list[dict[str, Answer]]:
        """An answer for each task, by its name, for each text, in their order: the numbers of ``polarity.predict``.

        :param contexts: the first texts of pairs, for a run that was trained on pairs.
        :param metadata: the columns of :attr:`columns`, a value for each text, None where it is missing.
        :raises UserError: with a problem for each text that cannot be classified.
        """
        from polarity.data.rows import Rows

        given = _listed("texts", texts)
        first: list[Any] | None = None
        if contexts is not None:
            first = [_plain(context) for context in _listed("contexts", contexts)]
        if problems := self._problems(given, first):
            raise UserError(problems)
        columns = _columns({} if metadata is None else metadata, self.columns, len(given))
        rows = Rows.unlabelled(given, None if first is None else [context or "" for context in first], columns)
        answers: list[dict[str, Answer]] = []
        for start in range(0, len(given), AT_ONCE):
            answers += self._answers(rows.select(range(start, min(start + AT_ONCE, len(given)))), start)
        return answers

    def _problems(self, texts: Sequence[object], contexts: Sequence[object] | None) -> list[str]:
        """Why these cannot be read: what the verb refuses as well."""
        from polarity.data.cells import context_refusal, text_refusal

        if contexts is None and self._data.context is not None:
            return ["contexts: the run was trained on pairs; give a first text for each, '' where there is none"]
        if contexts is not None and self._data.single:
            return ["contexts: the run was trained on single texts; leave them out"]
        if contexts is not None and len(contexts) != len(texts):
            return [f"contexts: there are {len(contexts)} for {times(len(texts), 'text')}"]
        refusals = [
            *((f"texts[{number}]", text_refusal("it", text)) for number, text in enumerate(texts)),
            *((f"contexts[{number}]", context_refusal("it", text)) for number, text in enumerate(contexts or [])),
        ]
        return [refusal.at(where) for where, refusal in refusals if refusal is not None]

    def _answers(self, rows: "Rows", start: int) -> list[dict[str, Answer]]:
        logits, _, problems = self._predictor.logits(rows)
        if problems:
            raise UserError([f"texts[{start + number}]: {problem}" for number, problem in problems.items()])
        decider = self._predictor.decider
        decided, probabilities = decider.decide(logits), decider.probabilities(logits)
        return [
            {
                task.name: _answer(task, decided[number][row], probabilities[number][row])
                for number, task in enumerate(self.tasks)
            }
            for row in range(len(rows))
        ]


def _listed(name: str, values: Any) -> list[Any]:
    """Values of any kind that can be gone through, but a text, whose letters would be taken for texts.

    :raises UserError: for a text, and for what is no several values.
    """
    if isinstance(values, (str, bytes)):
        raise UserError(f"{name}: is one text; give a list")
    try:
        return list(values)
    except TypeError as error:
        raise UserError(f"{name}: has to be a list, got {type(values).__name__}") from error


def _columns(given: Mapping[str, Iterable[object]], wanted: Sequence[str], rows: int) -> dict[str, list[str]]:
    """The columns that a model reads, as text, empty where missing.

    :raises UserError: if there are others, or values that are no text or number, or not one for each row.
    """
    from polarity.data.table import NoTextError, cell_text

    problems = [f"metadata: the run reads the column {name!r} beside the texts" for name in wanted if name not in given]
    columns = dict[str, list[str]]()
    for name, column in given.items():
        values = _listed(f"metadata.{name}", column)
        if name not in wanted:
            problems.append(f"metadata.{name}: the run does not read it{nearest(name, wanted, what='columns')}")
        elif len(values) != rows:
            problems.append(f"metadata.{name}: there are {len(values)} for {times(rows, 'text')}")
        else:
            try:
                columns[name] = [cell_text(_plain(value)) or "" for value in values]
            except NoTextError:
                problems.append(f"metadata.{name}: holds something that is no text or number")
    if problems:
        raise UserError(problems)
    return columns


def _plain(value: object) -> object:
    """A value of NumPy or pandas as one of Python; what stands for a missing one in tables is None."""
    if type(value).__name__ in ("NAType", "NaTType"):
        return None
    value = value.item() if isinstance(value, np.generic) else value
    return None if isinstance(value, float) and math.isnan(value) else value


def _answer(task: "Task", decided: Any, probabilities: np.ndarray) -> Answer:
    return Answer(task.classes[int(decided)], dict(zip(task.classes, probabilities.tolist(), strict=True)))


def load(
    run: Folder,
    *,
    accelerator: "Accelerator" = "auto",
    batch_size: int | None = None,
    decision: "DecisionChoice" = "stored",
    trust: str | list[str] | None = None,
) -> Model:
    """The model of a finished run, ready to classify texts.

    >>> import polarity
    >>> model = polarity.load("outputs/latest")  # doctest: +SKIP
    >>> model.predict(["What a day!"])[0]["sentiment"].label  # doctest: +SKIP
    'positive'

    :param run: its folder.
    :param accelerator: as ``trainer.accelerator``.
    :param batch_size: most rows that go through the model at once; None as in training.
    :param decision: ``stored`` rule, or ``argmax`` of the raw logits.
    :param trust: modules of others whose code the run's configuration may name.
    :raises UserError: if the run is not finished, or any file of it is missing, damaged or of another run.
    """
    from polarity.ensembles.predictor import predictor_of
    from polarity.systems.rebuild import rebuild_any

    if batch_size is not None and batch_size < 1:
        raise UserError(f"batch_size: must be at least 1, got {batch_size}")
    prepare_process()
    rebuilt = rebuild_any(Path(run), accelerator=accelerator, batch_size=batch_size, decision=decision, trust=trust)
    return Model(predictor_of(rebuilt), rebuilt.settings.data)


def compare(runs: Folder | Sequence[Folder], **settings: object) -> "list[Comparison]":
    """What differs between runs, and whether their scores really do: a comparison for each set of the same rows.

    :param runs: folders, or patterns such as ``outputs/**``.
    :param settings: those of ``conf/compare.yaml``: ``split``, ``resamples``, ``margin``, ...
    :raises UserError: if nothing can be compared.
    """
    from polarity.verbs.compare import compare as compare_runs

    prepare_process()
    folders = [runs] if isinstance(runs, (str, PathLike)) else runs
    given = {"runs": [str(folder) for folder in folders], **settings}
    read = read_settings("compare", [f"{key}={json.dumps(value)}" for key, value in given.items()])
    assert read is not None
    return compare_runs(read)


def ensemble(runs: Folder | Sequence[Folder], **settings: object) -> "RunDirectory":
    """Several finished runs as one, as ``python -m polarity.ensemble`` makes it; returns the new folder.

    :param runs: folders, or patterns such as ``outputs/seeds/**``.
    :param settings: those of ``conf/ensemble.yaml``: ``method="average"``, ``baseline=True``, ``gate=False``, ...
    :raises UserError: with everything that is wrong; then nothing is written.
    """
    from polarity.ensembles.making import make

    prepare_process()
    folders = [runs] if isinstance(runs, (str, PathLike)) else runs
    given = {"runs": [str(folder) for folder in folders], **settings}
    texts = [f"{key}={as_word(value) if isinstance(value, str) else json.dumps(value)}" for key, value in given.items()]
    read = read_settings("ensemble", texts)
    assert read is not None
    return make(read)


def train(overrides: Sequence[str] = (), *, config_dir: Folder | None = None) -> "RunDirectory":
    """Train as ``python -m polarity.train OVERRIDES`` does, in this process; returns the finished run's folder.

    >>> import polarity
    >>> run = polarity.train(["experiment=quickstart", "seed=1"])  # doctest: +SKIP
    >>> run.path  # doctest: +SKIP
    PosixPath('/home/somebody/outputs/2026-01-31_12-00-00-1a2b3c4d')

    Of several threads one trains at a time, and the others wait: dropout draws from the process's own random numbers.
    What the caller draws afterwards is what it would have drawn without a training.

    :param overrides: as on the command line; sweeps and ``resume=`` are for the command line only.
    :param config_dir: further folder of presets.
    :raises UserError: with all problems at once; then nothing was started.
    :raises RunError: if the run failed later; its folder and log say why.
    """
    if isinstance(overrides, str):
        raise UserError("overrides: is one text; give a list")
    from polarity.config.preflight import forget_rows

    with _ONE_AT_A_TIME:
        forget_rows()
        try:
            return _train(overrides, config_dir)
        finally:
            forget_rows()


def _train(overrides: Sequence[str], config_dir: Folder | None) -> "RunDirectory":
    from lightning.pytorch.utilities.seed import isolate_rng

    from polarity.config.compose import resolved, with_test
    from polarity.crossvalidation.run import start
    from polarity.run import RunDirectory
    from polarity.train import checked_jobs
    from polarity.training.further_devices import begun_in_python

    prepare_process()
    if any(text.startswith("resume=") for text in overrides):
        raise UserError("resume: is for the command line: python -m polarity.train resume=RUN")
    (job,) = checked_jobs(list(overrides), config_dir=None if config_dir is None else str(Path(config_dir).absolute()))
    config = with_test(resolved(job.config)[0], several=False)
    begun: list[RunDirectory] = []
    place = [] if config_dir is None else ["--config-dir", str(Path(config_dir).absolute())]
    failure: BaseException | None = None
    with begun_in_python([*place, *overrides]), isolate_rng():  # which an exception would leave without restoring
        try:
            start(config, job.overrides, keep_going=False, begun=begun.append)
        except BaseException as error:  # noqa: BLE001 - it is raised again, outside
            failure = error
    if isinstance(failure, SystemExit) and begun:  # without a folder it is a user's own code that has ended the process
        run = begun[0]
        if failure.code == INTERRUPTED:
            raise KeyboardInterrupt from failure
        raise RunError(f"{run.path}: {run.status.get('error', 'the run was stopped')}") from failure
    if failure is not None:
        raise failure
    return RunDirectory(begun[0].path.absolute())
