"""A finished run brought back to life, whether one model answers or several."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from polarity.baselines.texts import LinearTexts
from polarity.config.recorded import RunSettings
from polarity.config.trust import Trust, check_trusted
from polarity.content import Config, Json
from polarity.data.rows import Rows
from polarity.errors import UserError
from polarity.evaluation.devices import Accelerator, find_device
from polarity.evaluation.predictions import Predictions
from polarity.files import read_object
from polarity.posthoc import Decider, DecisionChoice
from polarity.run import RunDirectory
from polarity.runs.answering import Answering
from polarity.runs.manifest import check_unchanged
from polarity.runs.rebuild import BUILT, rebuild
from polarity.runs.reproduction import LIKE
from polarity.runs.saved import finished_run
from polarity.systems.combination import LinearPool, TaskEnsemble
from polarity.systems.folds import stored_rule
from polarity.systems.members import LinearMember, Member, unused_in_members
from polarity.tasks import Task

FORMAT = 1


@dataclass(frozen=True)
class Ensemble:
    """Several models that answer together.

    :param combined: how, for each task.
    """

    run: RunDirectory
    config: Config
    members: tuple[Member, ...]
    tasks: tuple[Task, ...]
    combined: tuple[TaskEnsemble, ...]
    decision: DecisionChoice
    decider: Decider
    device: torch.device

    @property
    def settings(self) -> RunSettings:
        """What is read of the configuration, by typed names."""
        return RunSettings(self.config, self.run.environment)

    @property
    def precision(self) -> str:
        """The coarsest of its members'."""
        return max((member.precision for member in self.members), key=lambda name: LIKE[name])

    @property
    def as_in_training(self) -> bool:
        """Whether each member gives the logits that it gave before."""
        return all(member.as_in_training for member in self.members)

    def predict(self, rows: Rows) -> Predictions:
        """What the members say about rows together, in their order; tokens are those of the first that has any."""
        said = [member.predict(rows) for member in self.members]
        tokens = next((one.tokens for one in said if one.tokens is not None), None)
        logits = self.together([[np.asarray(item.logits) for item in one.tasks] for one in said])
        return self.decider.apply(Predictions.undecided(self.tasks, rows, logits, tokens))

    def together(self, said: list[list[np.ndarray]]) -> list[np.ndarray]:
        """Logits float32 ``[rows, classes]`` per task, from those of each member."""
        return [one.logits(members) for one, members in zip(self.combined, zip(*said, strict=True), strict=True)]


def rebuild_any(
    folder: str | Path,
    *,
    accelerator: Accelerator = "auto",
    batch_size: int | None = None,
    decision: DecisionChoice = "stored",
    trust: Trust = None,
) -> Answering:
    """A finished run from its folder alone: as :func:`polarity.runs.rebuild.rebuild`, an ensemble, or all folds.

    :raises UserError: if the run is not finished, or any file of it is missing, damaged or of another run, or names
        code that is not trusted.
    """
    run = finished_run(folder)
    if run.settings.folds:
        return _average_of_folds(run, accelerator=accelerator, batch_size=batch_size, decision=decision, trust=trust)
    if not run.is_ensemble:
        return rebuild(folder, accelerator=accelerator, batch_size=batch_size, decision=decision, trust=trust)
    config = run.config
    check_trusted(config, str(run.path / "config.yaml"), trust=trust, unused=False, sections=BUILT)
    check_unchanged(run)
    names, tasks, combined = read_combination(run)
    runs = [RunDirectory(run.members / name) for name, kind in names.items() if kind != "linear"]
    if problems := unused_in_members(trust, runs):
        raise UserError(problems)
    members = tuple(
        LinearMember(LinearTexts.load(run.members / name))
        if kind == "linear"
        else rebuild(run.members / name, accelerator=accelerator, batch_size=batch_size, trust=trust, unused=False)
        for name, kind in names.items()
    )
    problems = [
        f"{run.members / name}: is a model for other tasks than the ensemble"
        for name, member in zip(names, members, strict=True)
        if classes_of(member.model.tasks) != classes_of(tasks)
    ]
    if problems:
        raise UserError(problems)
    decider = Decider.load(run.model).with_decision(decision)
    return Ensemble(run, config, members, tasks, combined, decision, decider, find_device(accelerator))


def _average_of_folds(
    run: RunDirectory, *, accelerator: Accelerator, batch_size: int | None, decision: DecisionChoice, trust: Trust
) -> Ensemble:
    """The models of a cross-validation: the mean of their calibrated probabilities, and the rule that fits it."""
    check_unchanged(run)
    folds = [RunDirectory(run.fold(number)) for number in range(1, run.settings.folds + 1)]
    members = tuple(rebuild(fold.path, accelerator=accelerator, batch_size=batch_size, trust=trust) for fold in folds)
    tasks, pool = members[0].model.tasks, LinearPool.equal(len(members))
    combined = tuple(
        TaskEnsemble(tuple(one.decider.tasks[task.name].scaling for one in members), pool) for task in tasks
    )
    decider = stored_rule(run, folds, tasks).with_decision(decision)
    return Ensemble(run, run.config, members, tasks, combined, decision, decider, find_device(accelerator))


def read_combination(run: RunDirectory) -> tuple[dict[str, str], tuple[Task, ...], tuple[TaskEnsemble, ...]]:
    """Kinds of the members by their folders' names, tasks, and how the members are put together.

    :raises UserError: if it is damaged.
    """
    content = read_object(run.combination)
    if content.get("format") != FORMAT:
        raise UserError(f"{run.combination}: format {content.get('format')!r} is unknown; this version reads {FORMAT}")
    try:
        names = {str(one["folder"]): str(one["kind"]) for one in content["members"]}
        tasks = tuple(Task(one["name"], tuple(one["classes"]), one["column"]) for one in content["tasks"])
        combined = tuple(
            TaskEnsemble.from_dict(one["combined"], len(names), len(one["classes"])) for one in content["tasks"]
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UserError(f"{run.combination}: is damaged ({type(error).__name__}: {error})") from error
    if outside := [name for name in names if name in (".", "..") or Path(name).name != name]:
        raise UserError(f"{run.combination}: is damaged (the member {outside[0]!r} lies elsewhere than in members/)")
    return names, tasks, combined


def combination_content(members: dict[str, str], tasks: tuple[Task, ...], combined: list[TaskEnsemble]) -> Json:
    """What :func:`read_combination` reads.

    :param members: kinds by the names of their folders.
    """
    parts: list[Json] = [
        {"name": task.name, "column": task.column, "classes": list(task.classes), "combined": one.to_dict()}
        for task, one in zip(tasks, combined, strict=True)
    ]
    named = [{"folder": name, "kind": kind} for name, kind in members.items()]
    return {"format": FORMAT, "members": named, "tasks": parts}


def classes_of(tasks: tuple[Task, ...]) -> list[tuple[str, tuple[str, ...]]]:
    """Names and classes of tasks, in their order."""
    return [(task.name, task.classes) for task in tasks]
