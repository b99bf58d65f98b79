"""The same things from Python: train, load a finished run and predict, compare runs, put them together."""

import threading
from collections.abc import Iterable, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from polarity.config.cli import prepare_process
from polarity.config.verb import read_settings
from polarity.errors import RunError, UserError
from polarity.loaded_model import Model
from polarity.quoting import overrides_of

if TYPE_CHECKING:
    from polarity.comparison.result import Comparison
    from polarity.evaluation.devices import Accelerator
    from polarity.posthoc import DecisionChoice
    from polarity.run import RunDirectory

Folder = str | PathLike[str]
INTERRUPTED = 130
"""Exit code of a run that Ctrl-C has stopped."""

_ONE_AT_A_TIME = threading.RLock()
"""Trainings of one process: they share its random numbers."""


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

    :param run: its folder, or what :func:`train` has returned.
    :param accelerator: as ``trainer.accelerator``.
    :param batch_size: most rows that go through the model at once; None as in training.
    :param decision: ``stored`` rule, or ``argmax`` of the raw logits.
    :param trust: modules of others whose code the run's configuration may name.
    :raises UserError: if the run is not finished, or any file of it is missing, damaged or of another run.
    """
    from polarity.ensembles.predictor import predictor_of
    from polarity.systems.rebuild import rebuild_any
    from polarity.torch_state import as_by_default

    if batch_size is not None and (not isinstance(batch_size, int) or isinstance(batch_size, bool) or batch_size < 1):
        raise UserError(f"batch_size: must be a whole number of at least 1, got {batch_size!r}")
    (folder,) = _folders("run", [run])
    prepare_process()
    with as_by_default():
        rebuilt = rebuild_any(folder, accelerator=accelerator, batch_size=batch_size, decision=decision, trust=trust)
        settings = rebuilt.settings
        return Model(predictor_of(rebuilt), settings.data, show_texts=settings.reporting.texts)


def compare(runs: Folder | Sequence[Folder], **settings: object) -> "list[Comparison]":
    """What differs between runs, and whether their scores really do: a comparison for each set of the same rows.

    :param runs: folders, or patterns such as ``outputs/**``.
    :param settings: those of ``conf/compare.yaml``: ``split``, ``resamples``, ``margin``, ...
    With ``output="FOLDER"`` they are written there as well.

    :raises UserError: if nothing can be compared.
    """
    from polarity.verbs.compare import compare as compare_runs
    from polarity.verbs.compare import write_all

    prepare_process()
    given = {"runs": [str(folder) for folder in _folders("runs", runs)], **settings}
    read = read_settings("compare", overrides_of(given))
    assert read is not None
    comparisons = compare_runs(read)
    write_all(read, comparisons)
    return comparisons


def ensemble(runs: Folder | Sequence[Folder], **settings: object) -> "RunDirectory":
    """Several finished runs as one, as ``python -m polarity.ensemble`` makes it; returns the new folder.

    :param runs: folders, or patterns such as ``outputs/seeds/**``.
    :param settings: those of ``conf/ensemble.yaml``: ``method="average"``, ``baseline=True``, ``gate=False``, ...
    :raises UserError: with everything that is wrong; then nothing is written.
    """
    from polarity.ensembles.making import make
    from polarity.run import RunDirectory
    from polarity.torch_state import as_by_default

    prepare_process()
    given = {"runs": [str(folder) for folder in _folders("runs", runs)], **settings}
    read = read_settings("ensemble", overrides_of(given))
    assert read is not None
    with as_by_default():
        return RunDirectory(make(read).path.absolute())


def _folders(name: str, given: object) -> list[Path]:
    """The folders of runs, each named by a path or by the run itself.

    :raises UserError: for what is none, and where there are none.
    """
    several = [given] if isinstance(given, (str, PathLike)) or hasattr(given, "path") else given
    if not isinstance(several, Iterable) or isinstance(several, bytes):
        raise UserError(f"{name}: has to be a folder, or a list of folders, got {given!r}")
    named = [getattr(one, "path", one) for one in several]
    folders = [Path(one) for one in named if isinstance(one, (str, PathLike))]
    if len(folders) < len(named) or not named:
        wrong = [f"{name}: has to be a folder, got {one!r}" for one in named if not isinstance(one, (str, PathLike))]
        raise UserError(wrong or f"{name}: is empty; name folders of runs")
    return folders


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
    texts = list(overrides) if isinstance(overrides, Iterable) else [None]
    if not all(isinstance(text, str) for text in texts):
        raise UserError(f"overrides: has to be a list of texts, got {overrides!r}")
    if config_dir is not None and not Path(config_dir).is_dir():
        raise UserError(f"config_dir: {config_dir} is no folder")
    from polarity.config.preflight import forget_rows
    from polarity.torch_state import as_by_default

    with _ONE_AT_A_TIME, as_by_default():
        forget_rows()
        try:
            return _train(texts, config_dir)
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
