"""The configuration of a sweep that is recommended, as a preset of its own."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from polarity.comparison.chosen import rank
from polarity.config.compose import choices_of, compose_jobs, resolved
from polarity.config.settled import MICRO_BATCHES
from polarity.content import Config
from polarity.errors import UserError
from polarity.files import yaml_text
from polarity.paths import conf_dir, expanded
from polarity.quoting import command_line
from polarity.sweeps.folder import AskedSweep, Sweep
from polarity.sweeps.job import Job
from polarity.sweeps.plan import ELSEWHERE

LEFT_OUT = (*ELSEWHERE, "seed", "test")
"""Settings that are those of a run, and not of a configuration."""
FILES = ("path", "train", "val", "test")
"""Settings of data that may name a file, and the first of them a folder; on the hub, the others name splits."""
GROUP = "experiment"


def recommended_job(sweep: Sweep) -> Job:
    """The first job of the configuration that is recommended; with one configuration, that.

    :raises UserError: if no job is finished, or if their scores cannot be read, or compared.
    """
    finished = sweep.finished
    if not finished:
        raise UserError(f"{sweep.path}: none of its jobs is finished")
    ranking = rank([job.path for job in finished], sweep.seeds)
    if ranking.apart:
        raise UserError([f"{sweep.path}: the scores of its jobs cannot all be compared", *ranking.apart])
    if ranking.winner:
        return sweep.job(ranking.winner.recommended[0].name)
    if ranking.unread and any(_configuration(job) != _configuration(finished[0]) for job in finished):
        raise UserError([f"{sweep.path}: the scores of too many of its jobs cannot be read", *ranking.unread])
    return finished[0]


def _configuration(job: Job) -> Config:
    return {key: value for key, value in job.run.config.items() if key not in LEFT_OUT}


def place_of(output: str | None, config_dir: str | None) -> Path:
    """The file of a preset; ``experiment=NAME`` finds those in folders of that name alone.

    :param config_dir: the folder of the sweep's own presets, which is where a preset is meant to stand if nobody says.
    """
    file = expanded(output or "best.yaml") if output or not config_dir else Path(config_dir, "best.yaml")
    return file if file.absolute().parent.name == GROUP else file.parent / GROUP / file.name


def preset_of(sweep: Sweep, job: Job, file: Path, *, written: bool = True) -> str:
    """The text of a preset that gives a job's configuration, whatever was typed for it, headed by its command.

    :param file: where it will stand.
    :param written: whether it is about to; else the heading says how to.
    :raises UserError: if it could not be composed there.
    """
    asked = sweep.asked
    base = choices_of("train", [], config_dir=asked.config_dir)
    chosen = choices_of(asked.config_name, asked.jobs[job.name], config_dir=asked.config_dir)
    changed = {group: name for group, name in chosen.items() if base.get(group) != name}
    _check_place(asked, changed, file)
    (plain,) = compose_jobs(
        "train", [f"{group}={name}" for group, name in changed.items()], config_dir=asked.config_dir, multirun=False
    )
    wanted = _configuration(job)
    preset: Config = {"defaults": [*({f"override /{group}": name} for group, name in changed.items()), "_self_"]}
    wanted["data"] = _from_anywhere(wanted["data"], Path(asked.folder))
    preset |= _beyond(wanted, resolved(plain.config)[0])
    command = command_line("train", "--config-dir", str(file.parent.parent), f"experiment={file.stem}")
    once = "" if written else f"# once this stands in {file}; output={file} writes it\n"
    heading = f"# @package _global_\n# {command}\n{once}# From {job.path}\n"
    return heading + yaml_text(preset)


def _check_place(asked: AskedSweep, changed: Mapping[str, str], file: Path) -> None:
    if file.suffix != ".yaml":
        raise UserError(f"output: has to end with .yaml, got {file.name}")
    own = [f"{group}={name}" for group, name in changed.items() if not _is_shipped(group, name)]
    if own and str(file.absolute().parent.parent) != asked.config_dir:
        raise UserError(
            f"output: has to lie in {asked.config_dir}, since the sweep has presets from there: {', '.join(own)}"
        )


def _is_shipped(group: str, name: str) -> bool:
    return (conf_dir() / group.partition("@")[0] / f"{name}.yaml").is_file()


def _from_anywhere(data: Mapping[str, Any], folder: Path) -> Config:
    """Relative paths of files, which are meant from the folder that the sweep was started in, as absolute ones."""
    paths = {key: folder / data[key] for key in FILES if isinstance(data.get(key), str)}
    files = {key: str(path) for key, path in paths.items() if path.is_file() or (key == "path" and path.is_dir())}
    return {**data, **files}


def _beyond(wanted: Mapping[str, Any], plain: Mapping[str, Any], place: str = "") -> Config:
    """What has to be set beside the presets; how much memory there was says nothing about another machine."""
    extra = [key for key in plain if key not in wanted and (place or key not in LEFT_OUT)]
    if extra:
        raise UserError(f"best: no preset can take away {place}{extra[0]}; run the job's own command line instead")
    beyond: Config = {}
    for key, value in wanted.items():
        known = plain.get(key)
        if isinstance(value, Mapping) and isinstance(known, Mapping):
            inner = _beyond(value, known, f"{place}{key}.")
            beyond |= {key: inner} if inner else {}
        elif f"{place}{key}" != MICRO_BATCHES and (key not in plain or value != known):
            beyond[key] = value
    return beyond
