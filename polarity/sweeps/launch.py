"""What Hydra's launchers call, and ``resume=SWEEP``."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from hydra.core.hydra_config import HydraConfig
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from polarity.config.compose import RunningJob, running_job
from polarity.config.launcher import KNOWN_LAUNCHERS, OWN_LAUNCHERS, LauncherSettings
from polarity.config.recorded import RunSettings
from polarity.config.search.asked import missing_extra
from polarity.content import Json
from polarity.errors import UserError
from polarity.reports.console import RunConsole
from polarity.sweeps.folder import Sweep
from polarity.sweeps.here import run_here
from polarity.sweeps.hydra_callback import exit_code, table_whenever_it_ends
from polarity.sweeps.job import Job
from polarity.sweeps.plan import PlannedJob, add, refuse_changed_rows
from polarity.sweeps.problems import problems_of_launcher, problems_of_searching
from polarity.wording import times

HYDRAS = "multirun.yaml"
"""What Hydra writes into a sweep's folder, secrets included; ``sweep.yaml`` and the jobs' files hold it without."""


class Work(Protocol):
    """Runs what is missing of a sweep."""

    def __call__(self, sweep: Sweep, *, retry: bool) -> None: ...


def launch(folder: str, configs: Iterable[DictConfig], work: Work) -> list[float]:
    """Run what is missing of a sweep; returns the best monitored score of each job, not a number where there is none.

    :param configs: what Hydra has composed for each, with its own section.
    """
    sweep = Sweep.open(folder)
    (sweep.path / HYDRAS).unlink(missing_ok=True)
    asked, retry = [], False
    for config in configs:
        HydraConfig.instance().set_config(config)
        task = OmegaConf.masked_copy(config, [str(key) for key in config if key != "hydra"])
        running = running_job(task)
        retry = running.retry
        asked.append(_job(sweep, running))
    tell(sweep, retry=retry)
    work(sweep, retry=retry)
    return [job.score for job in asked]


def run_one(running: RunningJob) -> float:
    """A job of a sweep in this process, as all other launchers ask for; returns its best monitored score."""
    sweep = Sweep.open(RunSettings(running.config).output_dir)
    (sweep.path / HYDRAS).unlink(missing_ok=True)
    job = _job(sweep, running)
    return run_here(sweep, job, job.retried(retry=running.retry))


def _job(sweep: Sweep, running: RunningJob) -> Job:
    return add(sweep, PlannedJob(running.config, running.overrides))


def go_on(folder: str, *, retry: bool) -> int:
    """Run what is missing of a sweep, as the chosen launcher does, and show the table; returns an exit code.

    :raises UserError: if that is one which needs the command line.
    """
    sweep, section = Sweep.open(folder), HydraConfig.get().launcher
    launcher = LauncherSettings(section)
    if launcher.kind not in KNOWN_LAUNCHERS:
        raise UserError(f"resume: with this hydra/launcher, give the command line again: {sweep.asked.commands[-1]}")
    asked = sweep.asked.search
    if asked and (problems := [*missing_extra(), *problems_of_searching(launcher, pruner=asked["pruner"])]):
        raise UserError(problems)
    if sweep.began_in != Path(sweep.asked.folder):
        RunConsole(None).print(f"{sweep.asked.folder} is gone: relative paths are meant from {sweep.began_in}")
    with sweep.where_it_began(), table_whenever_it_ends(sweep.path):
        retried = sweep.retried(retry=retry)
        left = list(_left(sweep, retried))
        if problems := problems_of_launcher(launcher, [RunSettings(job.config) for job in left]):
            raise UserError(dict.fromkeys(problems))
        for text in refuse_changed_rows(sweep, left):
            RunConsole(None).print(text, style="bold red")
        if asked:
            go_on_searching(sweep, section, retry=retry)
            return exit_code(Sweep.open(sweep.path), launcher)  # with the jobs that were proposed meanwhile
        tell(sweep, retry=retry)
        if launcher.kind in OWN_LAUNCHERS:
            instantiate(section).work(sweep, retry=retry)
        for job in sweep.jobs if launcher.kind == "BasicLauncher" else []:
            run_here(sweep, job, job.retried(retry=retry))
    return exit_code(sweep, launcher)


def _left(sweep: Sweep, retried: Mapping[str, Json]) -> Iterator[PlannedJob]:
    """What is missing, but for jobs whose configuration cannot be read."""
    for job in sweep.jobs:
        if job.is_missing(retried):
            with suppress(UserError):
                yield PlannedJob(job.run.config, [])


def go_on_searching(sweep: Sweep, section: DictConfig, *, retry: bool) -> None:
    """Run what is missing of a search."""
    from polarity.sweeps.search.run import search  # needs an extra

    own = LauncherSettings(section).kind in OWN_LAUNCHERS
    search(sweep, instantiate(section).engine if own else None, retry=retry)


def tell(sweep: Sweep, *, retry: bool) -> None:
    """Say which of the jobs are not run, because they have ended before."""
    states = [job.state for job in sweep.jobs]
    finished, failed = states.count("finished"), 0 if retry else states.count("failed")
    known = [f"{finished} finished before"] if finished else []
    known += [f"{failed} failed before (sweep.retry=failed tries them again)"] if failed else []
    if known:
        RunConsole(None).print(f"{times(len(states), 'job')} in {Path(sweep.path)}: {', '.join(known)}")
    if finished == len(states) and not sweep.gone:
        RunConsole(None).print("nothing is missing; sweep=NAME begins another sweep of the same")
