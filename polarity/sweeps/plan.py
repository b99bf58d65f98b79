"""What a command line asks of a sweep: a folder for each job, all or none, and never two things of one name."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from polarity.config.overrides import key_of
from polarity.config.preflight import rows_of
from polarity.config.recorded import RunSettings
from polarity.config.root import as_root
from polarity.config.search.asked import Search, is_of_search
from polarity.config.settled import is_left
from polarity.config.shown import flat
from polarity.content import Config, Json
from polarity.errors import UserError
from polarity.run import RunDirectory, configuration_hash, now
from polarity.runs.environment import changed_data, described, name_of_rows
from polarity.secrets import masked, masked_command, secret_places
from polarity.sweeps.folder import AskedSweep, Sweep, is_sweep
from polarity.sweeps.job import Job
from polarity.wording import times

ELSEWHERE = ("output_dir", "cache_dir", "resume", "trust", "run_dir", "sweep")
"""Settings at the root that do not make another job."""
TRIALS = "hydra.sweeper.trials"
"""How many configurations a search tries; more extend it."""
OF_SWEEP = ("hydra.", "hydra/", "sweep=", "sweep.", "search=")
"""How overrides begin that tell how jobs are run, and nothing of a job."""
PRESETS = ("experiment", "debug")
"""Groups whose presets may set anything."""
SHOWN = 5
PUT_BACK = "sweep: put that back, or begin another sweep"
ANOTHER = "sweep: put that back, or give another name for another sweep: sweep=NAME"


@dataclass(frozen=True)
class PlannedJob:
    """A job before it has a folder.

    :param config: its resolved configuration.
    :param overrides: the command line that it would have as a run of its own.
    """

    config: Config
    overrides: list[str]

    @cached_property
    def name(self) -> str:
        """Twelve digits that stand for everything that makes its result."""
        return configuration_hash(self.causes, size=6)

    @cached_property
    def causes(self) -> Config:
        """Its configuration without where things are written."""
        causes: Config = masked({key: value for key, value in self.config.items() if key not in ELSEWHERE})
        return causes


def name_of(arguments: Sequence[str], config_name: str, config_dir: str | None) -> str:
    """What the sweep of a command line is called if it gives no name: the same for the same line, in any order.

    Where it is written, and how its jobs are run, is no part of that.
    """
    asked = sorted(
        text
        for text in masked_command(arguments)
        if key_of(text) != TRIALS and (is_of_search(text) or (_is_asked(text) and key_of(text) not in ELSEWHERE))
    )
    return f"sweep-{configuration_hash({'asked': asked, 'name': config_name, 'dir': config_dir})}"


def plan(
    folder: Path,
    command: str,
    space: Mapping[str, Sequence[str]],
    jobs: Sequence[PlannedJob],
    *,
    config_name: str = "train",
    config_dir: str | None = None,
    search: Config | None = None,
) -> Sweep:
    """Make a sweep of these jobs, or extend the one that is there by those that it does not have.

    :param config_dir: further folder of presets.
    :param space: the values of each setting that is searched.
    :param search: how jobs are proposed, if they are; then ``jobs`` only stand for what can be.
    :raises UserError: if it is one of another configuration, or of other data.
    """
    _refuse_secrets(jobs)
    if folder.is_file() or (folder / "status.json").exists():
        what = "a file" if folder.is_file() else "the folder of a run"
        raise UserError(f"sweep: {folder} is {what}; choose another name")
    sweep = Sweep(folder)
    with sweep.alone():
        asked = sweep.asked if is_sweep(folder) else AskedSweep(str(Path.cwd()), now(), config_dir, config_name)
        data = _fingerprints(jobs)
        if asked.jobs or asked.search:
            _refuse_others(sweep, asked, space, jobs, data)
        if is_sweep(folder):
            _refuse_other_search(sweep, asked.search, search)
        several = range(search["seed"], search["seed"] + search["seeds"]) if search and search["seeds"] > 1 else ()
        for key, values in {**space, **({"seed": [str(seed) for seed in several]} if several else {})}.items():
            asked.space[key] = list(dict.fromkeys([*asked.space.get(key, []), *values]))
        if command not in asked.commands:
            asked.commands.append(command)
        asked.data |= data
        asked.settings = shared([asked.settings] if asked.settings else [], jobs)
        asked.search = search
        for job in [] if search else jobs:
            _add(sweep, asked, job)
        sweep.ask(asked)
    return sweep


def asked_search(search: Search, config_name: str, job: PlannedJob) -> Config:
    """What ``sweep.yaml`` tells of a search: all that its next jobs follow from.

    :param job: one of those that stand for what it may propose.
    """
    root, several = as_root(job.config), {"seed"} if search.settings["seeds"] > 1 else set()
    given = {*search.space, *several}
    return {
        **search.settings,
        "params": {parameter.key: parameter.text for parameter in search.parameters},
        "config_name": config_name,
        "overrides": [text for text in job.overrides if _is_asked(text) and key_of(text) not in given],
        "seed": root.seed,
        "mode": root.mode,
    }


def _refuse_other_search(sweep: Sweep, old: Config | None, new: Config | None) -> None:
    differs = list(_changes(*(flat({**(one or {}), "trials": None, "overrides": None}) for one in (old, new))))
    if differs:
        raise UserError(
            f"sweep: {sweep.path} searches otherwise: {'; '.join(differs)}; put that back, or give another name for "
            "another sweep: sweep=NAME"
        )


def add(sweep: Sweep, job: PlannedJob) -> Job:
    """The job of a sweep that has this configuration; made if it is new, as those of a sweeper that proposes values."""
    if job.name not in sweep.asked.jobs or not (sweep.path / job.name).is_dir():
        with sweep.alone():
            asked = sweep.asked
            _add(sweep, asked, job)
            sweep.ask(asked)
    return sweep.job(job.name)


def _add(sweep: Sweep, asked: AskedSweep, job: PlannedJob) -> None:
    path = sweep.path / job.name
    if not path.exists():
        own = [text for text in job.overrides if not text.lstrip("+~").startswith(OF_SWEEP)]
        RunDirectory.plan(path, job.config, own)
    asked.jobs.setdefault(job.name, [text for text in masked_command(job.overrides) if _is_asked(text)])


def _is_asked(text: str) -> bool:
    return not text.lstrip("+~").startswith((*OF_SWEEP, "output_dir="))


def shared(known: Sequence[Config], jobs: Sequence[PlannedJob]) -> Config:
    """The settings that all jobs have the same, by dotted key.

    :param known: what those of before share.
    """
    all_of = [*known, *(flat(job.causes) for job in jobs)]
    first, others = all_of[0], all_of[1:]
    return {key: value for key, value in first.items() if all(key in one and one[key] == value for one in others)}


def _fingerprints(jobs: Sequence[PlannedJob]) -> Json:
    sections = {name_of_rows(job.config): job for job in jobs}
    features = {name: RunSettings(job.config).data.features for name, job in sections.items()}
    return {name: described(rows_of(job.config), features[name]) for name, job in sections.items()}


def _refuse_secrets(jobs: Sequence[PlannedJob]) -> None:
    """What a secret makes of them is lost where they are written: all of a value, or the part that is one."""
    places = dict.fromkeys(
        place for job in jobs for place in secret_places(job.config) if place.partition(".")[0] not in ELSEWHERE
    )
    if places:
        raise UserError(
            f"{place}: the jobs of a sweep are started from their folders, which hold no secrets; give it as "
            "${oc.env:NAME}, which is kept by its name"
            for place in places
        )


def _refuse_others(
    sweep: Sweep, asked: AskedSweep, space: Mapping[str, object], jobs: Sequence[PlannedJob], data: Json
) -> None:
    problems = [*_other_settings(sweep, asked, {*space, *asked.space}, jobs), *_other_rows(sweep, asked, data)]
    if problems:
        raise UserError([*problems, ANOTHER])


def refuse_changed_rows(sweep: Sweep, jobs: Sequence[PlannedJob]) -> list[str]:
    """Compare the rows that jobs are still to read with those that the sweep was begun with.

    :returns: what to tell of jobs whose rows cannot be read, which keeps no other job from going on.
    :raises UserError: if they are others, or if none can be read.
    """
    groups = dict[str, list[PlannedJob]]()
    for job in jobs:
        groups.setdefault(name_of_rows(job.config), []).append(job)
    found: Json = {}
    unread, told = list[str](), list[str]()
    for same in groups.values():
        try:
            found |= _fingerprints(same)
        except UserError as error:
            unread += error.problems
            told += [f"the rows of {times(len(same), 'job')} cannot be read: {text}" for text in error.problems]
    if problems := _other_rows(sweep, sweep.asked, found):
        raise UserError([*problems, PUT_BACK])
    if unread and not found:
        raise UserError(dict.fromkeys(unread))
    return told


def refuse_changed_presets(sweep: Sweep, job: PlannedJob) -> None:
    """Compare a job that a search proposes with what all of its jobs share.

    :raises UserError: if it has other settings.
    """
    asked = sweep.asked
    if problems := _other_settings(sweep, asked, set(asked.space), [job]):
        raise UserError([*problems, PUT_BACK])


def _other_settings(sweep: Sweep, asked: AskedSweep, searched: set[str], jobs: Sequence[PlannedJob]) -> list[str]:
    differs = list(dict.fromkeys(_differences(sweep, asked, searched, jobs)))
    more = f", and {len(differs) - SHOWN} more" if len(differs) > SHOWN else ""
    return [f"sweep: {sweep.path} has another configuration: {'; '.join(differs[:SHOWN])}{more}"] if differs else []


def _other_rows(sweep: Sweep, asked: AskedSweep, found: Json) -> list[str]:
    return [
        f"sweep: {sweep.path}: {text}"
        for name, rows in found.items()
        if name in asked.data
        for text in changed_data(asked.data[name], rows, whose="the sweep was begun with")
    ]


def _differences(sweep: Sweep, asked: AskedSweep, searched: set[str], jobs: Sequence[PlannedJob]) -> Iterator[str]:
    """What jobs have otherwise than those of before, but for what is searched; ``KEY was OLD, and is NEW now``."""
    new = shared([], jobs)
    if searched & set(PRESETS):
        yield from _given_otherwise(asked, searched, jobs, new)
    else:
        places = tuple(f"{key}." for key in searched)
        kept = {key for key in new.keys() & asked.settings.keys() if not f"{key}.".startswith(places)}
        yield from _changes({key: asked.settings[key] for key in kept}, {key: new[key] for key in kept})
    yield from _edited_presets(sweep, asked, searched, jobs)


def _edited_presets(sweep: Sweep, asked: AskedSweep, searched: set[str], jobs: Sequence[PlannedJob]) -> Iterator[str]:
    """The same of jobs with the same presets, whose single values may be searched as well: a file was edited since."""
    values = {key for job in jobs for key in searched & flat(job.causes).keys()}
    places = tuple(f"{key}." for key in values)

    def presets(overrides: Sequence[str]) -> frozenset[str]:
        return frozenset(text for text in masked_command(overrides) if key_of(text) in searched - values)

    known = {presets(asked.jobs[name]): name for name in reversed(asked.jobs) if (sweep.path / name).is_dir()}
    for chosen, job in {presets(job.overrides): job for job in reversed(jobs)}.items():
        if chosen in known and known[chosen] != job.name:
            old, new = flat(PlannedJob(RunDirectory(sweep.path / known[chosen]).config, []).causes), flat(job.causes)
            moved = [(old.get(key), new.get(key)) for key in values]  # so has moved what is written as ${KEY}
            kept = {
                key
                for key in old.keys() | new.keys()
                if not f"{key}.".startswith(places) and (old.get(key), new.get(key)) not in moved
            }
            yield from _changes(*({key: one[key] for key in kept & one.keys()} for one in (old, new)))


def _given_otherwise(asked: AskedSweep, searched: set[str], jobs: Sequence[PlannedJob], new: Config) -> Iterator[str]:
    """The same where presets are searched that may set anything else: of what a command line gives plainly."""

    def given(lines: Iterable[Sequence[str]]) -> dict[str, str]:
        plain = {key_of(text): text.partition("=")[2] for line in lines for text in line}
        return {key: value for key, value in plain.items() if key not in searched and key not in ELSEWHERE}

    def below(key: str, settings: Config) -> Config:
        return {name: value for name, value in settings.items() if f"{name}.".startswith(f"{key}.")}

    before = given([*asked.jobs.values(), *([asked.search["overrides"]] if asked.search else [])])
    now_given = given([text for text in masked_command(job.overrides) if _is_asked(text)] for job in jobs)
    for key in sorted(before.keys() | now_given.keys()):
        if before.get(key) != now_given.get(key):
            known, found = below(key, asked.settings), below(key, new)
            if not known or known != found:
                yield f"{key} was {before.get(key, 'not given')}, and is {now_given.get(key, 'not given')} now"


def _changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    for key in sorted(old.keys() | new.keys()):
        settled = key in new and is_left(key, new[key])
        if not settled and (key not in old or key not in new or old[key] != new[key]):
            yield f"{key} was {old.get(key)}, and is {new.get(key)} now"
