"""What the teacher of a distillation says about the training rows: asked once, and kept in the cache."""

import hashlib
import json
from collections.abc import Mapping
from importlib.metadata import version

import numpy as np

from polarity.config.preflight import Prepared
from polarity.config.recorded import RunSettings
from polarity.config.trust import foreign_modules
from polarity.content import Config
from polarity.data.cache import built_once
from polarity.data.rows import Rows
from polarity.errors import UserError, without_trust_advice
from polarity.evaluation.devices import Accelerator
from polarity.files import checksum
from polarity.run import RunDirectory
from polarity.runs.rebuild import REBUILT
from polarity.runs.saved import finished_model
from polarity.systems.rebuild import classes_of, rebuild_any
from polarity.tasks import Task
from polarity.training.seen_rows import check_seen_rows

FOLDER, SETTING = "teachers", "regularizer.teacher"
LEAST = np.finfo(np.float32).tiny


def soft_labels(prepared: Prepared, teacher: str) -> tuple[list[np.ndarray], list[str]]:
    """Its calibrated log-probabilities, float32 ``[rows, classes]`` per task, and what the user should know.

    :param teacher: its folder.
    :raises UserError: if it is not finished, not what it wrote, of other tasks or classes, or if either of the two has
        rows for evaluation that the other learns from.
    """
    splits = prepared.splits
    try:
        run = finished_model(teacher)
        notes = check_seen_rows(run, prepared, SETTING, both_ways=True)
        folder = prepared.root.cache / FOLDER / _mark(run, splits.train, splits.tasks)
        kept = built_once(folder, lambda: _asked(run, prepared))
    except UserError as error:
        raise UserError(named(error)) from error
    return [np.array(kept[str(number)]) for number in range(len(splits.tasks))], notes


def named(error: UserError) -> list[str]:
    """Its problems, each beginning with the setting that names the teacher."""
    problems = without_trust_advice(error).problems
    return [problem if problem.startswith(SETTING) else f"{SETTING}: {problem}" for problem in problems]


def _asked(run: RunDirectory, prepared: Prepared) -> Mapping[str, np.ndarray]:
    accelerator: Accelerator = "cpu" if RunSettings(prepared.config).on_cpu else "auto"
    teacher = rebuild_any(run.path, accelerator=accelerator, trust=_trusted(run, prepared.config))
    its = {task.name: task.classes for task in teacher.tasks}
    if lacking := [task for task in prepared.splits.tasks if set(task.classes) != set(its.get(task.name, ()))]:
        raise UserError(f"{run.path} does not know the task {task.name} with these classes" for task in lacking)
    said = {item.task.name: np.asarray(item.probabilities) for item in teacher.predict(prepared.splits.train).tasks}
    return {
        str(number): np.log(np.maximum(said[task.name][:, _places(task, its[task.name])], LEAST)).astype(np.float32)
        for number, task in enumerate(prepared.splits.tasks)
    }


def _places(task: Task, classes: tuple[str, ...]) -> list[int]:
    """Where each class of a task stands among the teacher's, which may have them in another order."""
    return [classes.index(name) for name in task.classes]


def _trusted(run: RunDirectory, config: Config) -> list[str]:
    """The modules of others that build its model, as far as this run's own configuration names them, too."""
    own = foreign_modules(config)
    return [name for name in foreign_modules({key: run.config.get(key) for key in REBUILT}) if name in own]


def _mark(run: RunDirectory, rows: Rows, tasks: tuple[Task, ...]) -> str:
    """A name for what a teacher says about rows: all of both takes part."""
    versions = [version(name) for name in ("torch", "transformers", "scikit-learn")]
    about = [checksum(run.manifest), rows.fingerprint(contexts=True), rows.metadata, classes_of(tasks), versions]
    return hashlib.blake2b(json.dumps(about).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
