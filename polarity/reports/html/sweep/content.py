"""What the page of a sweep is made of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from statistics import fmean

from polarity.comparison.chosen import Best
from polarity.reports.html.charts.series import Point

BEST, RECOMMENDED, TIED = "best", "recommended", "cannot be told apart"
ALIKE = "they differ by nothing that makes another configuration"
"""Why there is no best one of jobs with several values of such as ``batching.micro_batch_size``."""


@dataclass(frozen=True)
class Trial:
    """A job.

    :param name: of its folder.
    :param values: of the settings that are searched, but for the seed, as on the command line.
    :param score: overall validation macro-F1, by decision rules that had not seen the row; None if it has none.
    :param tasks: macro-F1 of each task, likewise.
    :param monitored: the best value of what it monitors, in ``epoch``, from 1.
    :param curve: epochs, from 1, and what it monitors.
    :param seconds: of all its epochs.
    :param devices: on which it ran.
    :param ended: when, in a form that sorts.
    :param remark: why it failed, or how far it is.
    :param report: where its own report lies from the page; empty if it has none.
    :param configuration: equal for trials that the ranking takes for one; empty if their values tell.
    """

    name: str
    state: str
    values: Mapping[str, str]
    seed: int | None = None
    score: float | None = None
    tasks: Mapping[str, float | None] = field(default_factory=dict)
    monitored: float | None = None
    epoch: int | None = None
    curve: Sequence[Point] = ()
    seconds: float = 0.0
    devices: int = 1
    ended: str = ""
    remark: str = ""
    report: str = ""
    configuration: str = ""


@dataclass(frozen=True)
class Configuration:
    """Trials that the ranking takes for one, as far as they have a score: most differ by their seed alone."""

    trials: Sequence[Trial]

    @cached_property
    def values(self) -> Mapping[str, str]:
        """Those that all of them have."""
        first, others = self.trials[0], self.trials[1:]
        return {
            key: value for key, value in first.values.items() if all(one.values.get(key) == value for one in others)
        }

    @cached_property
    def scores(self) -> list[float]:
        """Of all seeds; a repetition of one is no further evidence."""
        by_seed = {trial.seed: trial.score for trial in reversed(self.trials) if trial.score is not None}
        return list(reversed(by_seed.values()))

    @cached_property
    def mean(self) -> float:
        """Of the scores."""
        return fmean(self.scores)

    @cached_property
    def seconds(self) -> float:
        """Of the mean trial."""
        return fmean(trial.seconds for trial in self.trials)

    @property
    def named(self) -> str:
        """Its values in one line."""
        return " ".join(f"{key}={value}" for key, value in self.values.items()) or "all"


@dataclass(frozen=True)
class SweepContent:
    """A sweep.

    :param started: when, in ISO format.
    :param commands: its command line, and those that have extended it.
    :param searched: values of each setting in the order in which they were asked for.
    :param monitor: what chooses the epoch.
    :param best: what is best, for each set of rows on which there are several configurations.
    :param apart: why not all configurations can be compared with each other; empty if they can.
    :param unread: why jobs with a score are left out of the choice.
    :param advice: commands for what is recommended: what each does, and how it is called.
    :param remaining: what can be done about jobs that are not finished.
    :param looks: how many jobs have looked at test; empty if none has.
    :param machine: that the jobs ran on.
    """

    name: str
    started: str
    commands: Sequence[str]
    searched: Mapping[str, Sequence[str]]
    monitor: str
    trials: Sequence[Trial]
    best: Sequence[Best] = ()
    apart: Sequence[str] = ()
    unread: Sequence[str] = ()
    advice: Mapping[str, str] = field(default_factory=dict)
    remaining: Sequence[str] = ()
    looks: str = ""
    machine: str = ""

    @cached_property
    def configurations(self) -> list[Configuration]:
        """Those with a score, in the order of their first trials."""
        alike: dict[str | frozenset[tuple[str, str]], list[Trial]] = {}
        for trial in self.trials:
            if trial.score is not None:
                alike.setdefault(trial.configuration or frozenset(trial.values.items()), []).append(trial)
        return [Configuration(trials) for trials in alike.values()]

    @property
    def compared(self) -> list[Configuration]:
        """Those whose scores may be set beside each other: all, or none."""
        return [] if self.apart else self.configurations

    @cached_property
    def seed_deviation(self) -> float | None:
        """Standard deviation of a single score over seeds, pooled over configurations; None if each has one seed."""
        scores = [one.scores for one in self.configurations]
        freedom = sum(len(own) - 1 for own in scores)
        squares = sum((value - fmean(own)) ** 2 for own in scores for value in own)
        return (squares / freedom) ** 0.5 if freedom else None

    @property
    def device_seconds(self) -> float:
        """Of all jobs, times their devices."""
        return sum(trial.seconds * trial.devices for trial in self.trials)

    @cached_property
    def standings(self) -> dict[str, list[str]]:
        """What is to be said of trials that stand out, by their names."""
        said: dict[str, list[str]] = {}
        for best in self.best:
            outstanding = {*best.folders, *best.recommended}
            tied = [folder for folder in best.tied if folder not in outstanding]
            for name, folders in ((BEST, best.folders), (RECOMMENDED, best.recommended), (TIED, tied)):
                for folder in folders:
                    said.setdefault(folder.name, []).append(name)
        return said
