"""Optuna's study of a search: a journal in the sweep's folder, which only grows."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.pruners import BasePruner, HyperbandPruner, MedianPruner, NopPruner
from optuna.samplers import BaseSampler, GPSampler, RandomSampler, TPESampler
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock
from optuna.trial import FrozenTrial, TrialState

from polarity.config.search.parameter import Parameter

JOURNAL, STUDY = "study.journal", "search"
JOBS = "jobs"
"""Attribute of a trial: the names of its jobs, one for each seed. One without was given up while it was asked for."""


class Held(JournalFileOpenLock):
    """Optuna's lock, in a place where ours is held: it ends with its process, which Optuna's own does not."""

    def acquire(self) -> bool:
        """There is nobody else."""
        return True

    def release(self) -> None:
        """There is nothing to give back."""


def open_study(folder: Path, *, mode: str, pruner: str | None) -> optuna.Study:
    """The study of a sweep, made if there is none.

    :param mode: ``max`` or ``min``.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    drop_half_a_line(folder)
    file = folder / JOURNAL
    return optuna.create_study(
        study_name=STUDY,
        storage=JournalStorage(JournalFileBackend(str(file), lock_obj=Held(str(file)))),
        direction="maximize" if mode == "max" else "minimize",
        pruner=_pruner(pruner),
        sampler=RandomSampler(),
        load_if_exists=True,
    )


def drop_half_a_line(folder: Path) -> None:
    """Cut off what a process that was killed, or whose disk was full, has left of the journal's last line.

    Whoever wrote after it would make one line of both, which nobody can read.
    """
    file = folder / JOURNAL
    if not file.exists() or not file.stat().st_size:
        return
    with file.open("r+b") as journal:
        journal.seek(-1, os.SEEK_END)
        if journal.read(1) != b"\n":
            journal.seek(0)
            journal.truncate(journal.read().rfind(b"\n") + 1)


def known_to(study: optuna.Study, *states: TrialState) -> list[FrozenTrial]:
    """Its trials that have jobs, in these states or in any."""
    return [one for one in study.get_trials(deepcopy=False, states=states or None) if JOBS in one.user_attrs]


def jobs_of(trial: FrozenTrial) -> list[str]:
    """The names of a trial's jobs."""
    names: list[str] = trial.user_attrs[JOBS]
    return names


def sampler(name: str, seed: int, number: int) -> BaseSampler:
    """What proposes the trial of this number: the same values whoever asks, whatever was killed before."""
    own = int(np.random.SeedSequence([seed, number]).generate_state(1)[0])
    if name == "gp":
        return GPSampler(seed=own, warn_independent_sampling=False)
    return TPESampler(seed=own) if name == "tpe" else RandomSampler(seed=own)


def _pruner(name: str | None) -> BasePruner:
    if name == "median":
        return MedianPruner(n_warmup_steps=1)
    return HyperbandPruner() if name == "hyperband" else NopPruner()


def distributions(parameters: Sequence[Parameter]) -> dict[str, BaseDistribution]:
    """Optuna's, by key. Values in an order are told by their places."""
    return {parameter.key: _distribution(parameter) for parameter in parameters}


def _distribution(parameter: Parameter) -> BaseDistribution:
    if parameter.values and not parameter.ordered:
        return CategoricalDistribution(parameter.values)
    if parameter.values:
        return IntDistribution(0, len(parameter.values) - 1)
    if parameter.whole:
        return IntDistribution(int(parameter.low), int(parameter.high), log=parameter.log)
    return FloatDistribution(parameter.low, parameter.high, log=parameter.log)


def proposals(parameter: Parameter) -> Sequence[str | int]:
    """All that Optuna can propose for it, if these can be counted."""
    if parameter.values and not parameter.ordered:
        return parameter.values
    return range(len(parameter.values)) if parameter.values else range(int(parameter.low), int(parameter.high) + 1)


def written(parameters: Sequence[Parameter], proposed: Mapping[str, Any]) -> list[str]:
    """Proposed values as overrides."""
    return [parameter.written(proposed[parameter.key]) for parameter in parameters]
