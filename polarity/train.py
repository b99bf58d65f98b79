"""``python -m polarity.train``: compose, check everything, train, and end with scores that were read back from disk.

python -m polarity.train model=mbert loss=focal sampler=joint
python -m polarity.train -m seed=0,1,2 sweep=seeds
python -m polarity.train resume=outputs/2026-01-31_12-00-00-1a2b3c4d
"""

import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import hydra
from omegaconf import DictConfig

from polarity import VerbModule
from polarity.config import cli
from polarity.config.compose import (
    CompositionError,
    JobConfig,
    as_job,
    compose_jobs,
    launcher_of,
    resolved,
    running_job,
    search_asked,
    spelt_out,
    sweep_folder,
)
from polarity.config.explain import training_help
from polarity.config.folds import command_problems
from polarity.config.hydra_private import read_arguments
from polarity.config.launcher import OWN_LAUNCHERS, jobs_problems
from polarity.config.overrides import key_of
from polarity.config.recorded import RunSettings
from polarity.config.search.asked import is_of_search, is_search
from polarity.config.structure import config_problems
from polarity.config.swept import search_space, shared_problems
from polarity.content import Config
from polarity.errors import UserError, nearest
from polarity.importing import importing
from polarity.paths import conf_dir, expanded, too_long
from polarity.processes import led_folder, outside_size
from polarity.quoting import as_word, command_line
from polarity.run import RunDirectory, nowhere
from polarity.secrets import masked_command
from polarity.sweeps.folder import is_sweep
from polarity.sweeps.problems import problems_of_launcher, problems_of_searching, runs_elsewhere

if TYPE_CHECKING:
    from polarity.config.preflight import Prepared

NO_EFFECT = {
    "hydra.run.dir": "output_dir says where run folders are made",
    "hydra.output_subdir": "the configuration is config.yaml in the run's folder",
    "hydra.job.chdir": "paths are meant from the folder that the run was started in",
}
"""Settings of Hydra that a run does not ask for."""


def check(arguments: list[str]) -> list[str]:
    """Check every job of a command line; returns the arguments for Hydra's main.

    :raises UserError: with all problems of all jobs.
    """
    return _checked(arguments)[0]


def _checked(arguments: list[str]) -> tuple[list[str], list[JobConfig]]:
    """The same with the jobs; none if the command line only asks for information."""
    command = read_arguments(arguments)
    if command.help:
        print(training_help())
        sys.exit(0)
    if command.multirun and command.cfg:
        raise UserError("--cfg: shows the configuration of one run; leave out -m, and give each setting one value")
    if cli.only_informs(command):
        return cli.rewritten(arguments, command, command.overrides), []
    if outside_size() > 1 and command.multirun:
        raise UserError("-m: torchrun and srun start the processes of one run; start the sweep as one process")
    name, folder = command.config_name or "train", cli.config_dir(command)
    overrides = spelt_out(command.overrides, config_dir=folder) if command.multirun else command.overrides
    jobs = checked_jobs(overrides, name=name, config_dir=folder, multirun=command.multirun)
    return cli.rewritten(arguments, command, overrides), jobs


def _asked(arguments: list[str], jobs: list[JobConfig]) -> list[str]:
    """Make the folder of the sweep that a checked command line asks for; returns what tells Hydra where it is.

    :raises UserError: if a sweep of this name is there, and is another one.
    """
    from polarity.sweeps.plan import PlannedJob, asked_search, name_of, plan

    command = read_arguments(arguments)
    name, folder = command.config_name or "train", cli.config_dir(command)
    own = []
    if not RunSettings(resolved(jobs[0].config)[0]).sweep["name"]:
        own = [f"sweep.name={name_of(command.overrides, name, folder)}"]
    place = sweep_folder(name, [*jobs[0].overrides, *own], config_dir=folder)
    planned = [PlannedJob(as_job(resolved(job.config)[0], place), job.overrides) for job in jobs]
    line = command_line("train", *masked_command(arguments))
    overrides = spelt_out(command.overrides, config_dir=folder)
    search = search_asked(name, overrides, config_dir=folder)
    space = search.space if search else search_space(overrides)
    record = asked_search(search, name, planned[0]) if search else None
    plan(Path(place), line, space, planned, config_name=name, config_dir=folder, search=record)
    return [*(f"++{text}" for text in own), f"hydra.sweep.dir={as_word(place)}"]


def checked_jobs(
    overrides: list[str], *, name: str = "train", config_dir: str | None = None, multirun: bool = False
) -> list[JobConfig]:
    """The runs that overrides ask for.

    :raises UserError: with all problems of all of them.
    """
    try:
        jobs = compose_jobs(name, overrides, config_dir=config_dir, multirun=multirun)
    except CompositionError as error:
        others = [text for job in error.rest for text in _problems_of_settings(job, multirun=multirun)]
        known = [problem for problem in others if not error.explains(problem)]
        raise UserError(dict.fromkeys([*error.problems, *known])) from error
    launcher = launcher_of(name, jobs[0].overrides, config_dir=config_dir)
    problems = shared_problems(overrides) if multirun else []
    problems += [problem for job in jobs for problem in _problems_of_settings(job, multirun=multirun)]
    if launcher:
        found = [config for config, wrong in (resolved(job.config) for job in jobs) if not wrong]
        problems += problems_of_launcher(launcher, [RunSettings(config) for config in found])
        problems += problems_of_searching(launcher) if is_search(overrides) else []
    inside = multirun and launcher is not None and launcher.kind not in OWN_LAUNCHERS
    place = {"inside": inside, "elsewhere": multirun and launcher is not None and runs_elsewhere(launcher)}
    problems = problems or [problem for job in jobs for problem in _problems_of_rest(job, **place)]
    if problems:
        raise UserError(dict.fromkeys(problems))
    return jobs


def _problems_of_settings(job: JobConfig, *, multirun: bool) -> list[str]:
    """What is wrong with a job by itself, which is told before anything is imported or read."""
    config, problems = resolved(job.config)
    resumed = RunSettings(config).resume or ""
    if wrong := too_long("resume", resumed):
        return [*problems, *wrong]
    absent = _nothing_to_resume(resumed) if resumed else []
    if not led_folder():  # Lightning gives such settings to the processes of further devices
        problems += [
            f"{key}: has no effect; {NO_EFFECT[key]}" for text in job.overrides if (key := key_of(text)) in NO_EFFECT
        ]
        may_be_sweep = bool(absent) or is_sweep(resumed)
        problems += jobs_problems(job.overrides, sweeping=multirun or may_be_sweep)
    if problems or _is_resumed(config, job.overrides, problems, absent, multirun=multirun):
        return problems
    if RunSettings(config).trust:
        problems.append("trust: is about the configuration of a run; it has an effect with resume=RUN only")
    given = {} if multirun else RunSettings(config).sweep
    problems += [f"sweep.{key}: has an effect with -m only" for key, value in given.items() if value is not None]
    searching = [] if multirun else [key_of(text) for text in job.overrides if is_of_search(text)]
    problems += [f"{key}: has an effect with -m only" for key in searching]
    problems += config_problems(config)
    problems += [f"from: {problem}" for problem in nowhere(config, "from")]
    return problems or command_problems(config, multirun=multirun)


def _nothing_to_resume(resumed: str) -> list[str]:
    """A problem if a folder is neither a sweep's nor a run's, with the sweep that may be meant."""
    if is_sweep(resumed):
        return []
    try:
        RunDirectory.open(resumed)
    except UserError as error:
        folder = expanded(resumed)
        beside = [item.name for item in folder.parent.glob("*") if is_sweep(item)] if not folder.exists() else []
        near = nearest(folder.name, beside, what="sweeps beside it") if beside else ""
        return [f"resume: {problem}{near}" for problem in error.problems]
    return []


def _problems_of_rest(job: JobConfig, *, inside: bool, elsewhere: bool) -> list[str]:
    """What is wrong with the data, the components and the machine of a job whose settings are right.

    :param inside: whether jobs run one after the other in one process.
    :param elsewhere: whether they run on other machines.
    """
    with importing():
        from polarity.config.preflight import prepare

    config, _ = resolved(job.config)
    if RunSettings(config).resume is not None:
        return []
    try:
        prepared = prepare(config, multirun=inside, elsewhere=elsewhere)
    except UserError as error:
        return list(error.problems)
    return _without_effect(prepared, [key_of(text) for text in job.overrides])


def _without_effect(prepared: "Prepared", asked: Collection[str]) -> list[str]:
    """A problem for each setting that a command line asks for and that plays no part in this model."""
    from polarity.data.contexts import without_effect

    model, optimizer = prepared.components.model, prepared.components.optimizer
    problems = without_effect(prepared.splits, asked, limited=model.limited)
    if "optimizer.layer_decay" in asked and getattr(optimizer, "layer_decay", 1) != 1 and not model.layered:
        problems.append("optimizer.layer_decay: has no effect, since no layers of this model are trained; leave it out")
    return problems


def _is_resumed(
    config: Config, overrides: list[str], problems: list[str], absent: list[str], *, multirun: bool
) -> bool:
    """Whether a job resumes a run; then it may change nothing else, and the run has to be one that can go on.

    :param absent: as of :func:`_nothing_to_resume`.
    """
    settings = RunSettings(config)
    if settings.resume is None:
        return False
    if not settings.resume:
        problems.append("resume: needs the folder of a run or of a sweep")
        return True
    whole = is_sweep(settings.resume)
    problems += absent
    # Settings of Hydra itself are what Lightning adds to the command line of a further device's process.
    of_sweep, of_run = whole or absent, not whole
    kept = ("resume=", "hydra.", *(("hydra/", "sweep.retry=") if of_sweep else ()), *(("trust=",) if of_run else ()))
    others = [text for text in overrides if not text.startswith(kept)]
    if others:
        problems.append(f"resume: a resumed run keeps its own configuration; also given: {' '.join(others)}")
    if multirun:
        problems.append("resume: only one run, or sweep, can be resumed at a time; leave out -m")
    if whole or absent:
        return True
    from polarity.training.resuming import resumable, trusted_config

    try:
        trusted_config(resumable(settings.resume), trust=settings.trust)
    except UserError as error:
        problems += error.problems
    return True


@hydra.main(version_base="1.3", config_path=str(conf_dir()), config_name="train")
def run_job(composed: DictConfig) -> float:
    """Hydra's task function: one run. Returns the best monitored score."""
    with importing():
        from polarity.crossvalidation.run import resume, start
        from polarity.sweeps.launch import go_on, run_one

    with cli.user_errors("train"), _recording_early_failures():
        asked = RunSettings(resolved(composed)[0])
        if asked.resume and is_sweep(asked.resume):
            sys.exit(go_on(asked.resume, retry=asked.sweep["retry"] is not None))
        if asked.resume:
            return resume(asked.resume, trust=asked.trust)
        job = running_job(composed)
        return run_one(job) if job.several else start(job.config, job.overrides, keep_going=False)


@contextmanager
def _recording_early_failures() -> Iterator[None]:
    """Record also what goes wrong in a further device's process before it trains: the first one only sees it vanish."""
    try:
        yield
    except BaseException as error:
        folder = led_folder()
        if folder and not (isinstance(error, SystemExit) and not error.code):
            from polarity.training.status import StatusRecorder

            StatusRecorder(RunDirectory(folder)).record(error)
        raise


def main() -> None:
    """Check first, then hand over to Hydra. What takes seconds to import waits until the settings are right."""
    from polarity.training.ranks import one_run

    with cli.verb("train"), one_run(), _recording_early_failures():
        with importing(for_good=True):
            arguments, jobs = _checked(sys.argv[1:])
        several = bool(jobs) and read_arguments(sys.argv[1:]).multirun
        sys.argv[1:] = [*arguments, *(_asked(sys.argv[1:], jobs) if several else [])]
        from polarity.sweeps.hydra_callback import table_whenever_it_ends
        from polarity.sweeps.register import register_plugins

        register_plugins()
        with table_whenever_it_ends():
            run_job()


if __name__ == "__main__":
    main()
else:
    sys.modules[__name__].__class__ = VerbModule
