"""Composing the configuration of every job of a command line."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hydra import compose as hydra_compose
from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from polarity.config.composed import compose
from polarity.config.hydra_private import folders_of_presets, jobs_of
from polarity.config.launcher import LauncherSettings
from polarity.config.numbers import as_declared
from polarity.config.overrides import closed_key, idle_problems, key_of, open_keys, without_glob
from polarity.config.readable import readable, restored
from polarity.config.replaced import LAYERS, drop_settings_of_replaced
from polarity.config.search.asked import Search, corners, is_search, search_of
from polarity.config.uncomposable import COMPOSITION_ERRORS, ambiguous, base_problems, first_lines, override_problems
from polarity.content import Config
from polarity.errors import UserError
from polarity.paths import conf_dir
from polarity.secrets import is_secret, is_variable, learn

RUN_DIR = "RUN_DIR"
"""Stands for the run's folder in a resolved configuration, so that a folder can be moved and still be resumed."""


@dataclass
class JobConfig:
    """One run that a command line asks for.

    :param overrides: its part of the command line.
    :param config: the composed configuration, unresolved.
    """

    overrides: list[str]
    config: DictConfig


class CompositionError(UserError):
    """Overrides that name nothing, or cannot be read.

    :param problems: by override.
    :param rest: a job of the other overrides, so that their problems can be told as well; empty if there is none.
    """

    def __init__(self, problems: Mapping[str, str], rest: list[JobConfig]) -> None:
        super().__init__(dict.fromkeys(problems.values()))
        self.rest = rest
        self._keys = [key_of(text) for text in problems]

    def explains(self, problem: str) -> bool:
        """Whether a problem of the other overrides only follows from what is wrong with these."""
        return any(problem.startswith((f"{key}:", f"{key}.")) for key in self._keys)


def compose_jobs(
    config_name: str, overrides: Sequence[str], *, config_dir: str | None, multirun: bool
) -> list[JobConfig]:
    """Compose every job of a command line.

    :param config_dir: further folder of presets, as given with ``--config-dir``.
    :raises CompositionError: with a problem for each override that names nothing, or cannot be read.
    :raises UserError: if a preset of that folder has the name of a shipped one, which would be taken instead.
    """
    _refuse_hidden(config_dir)
    overrides = [readable(text, multirun=multirun) for text in overrides]
    extra = _searchpath(config_dir)
    with _hydra():
        search = None
        if multirun and is_search(overrides):
            search, overrides = search_of(config_name, overrides, extra)
        wrong = search.problems if search else {}
        jobs, composed = list[list[str]](), list[JobConfig]()
        try:
            opened = open_keys(overrides)
            jobs = (corners(opened) if search else jobs_of(opened)) if multirun else [opened]
            if not jobs:
                valueless = [restored(closed_key(text)) for text in opened if not jobs_of([text])]
                raise UserError(f"{text}: has no value" for text in valueless)
            problems = [problem for job in jobs for problem in base_problems(job, extra)]
            if problems:
                raise UserError(dict.fromkeys(problems))
            for job in jobs:
                composed.append(_job(config_name, job, extra))
            if problems := [problem for job in composed for problem in idle_problems(job.config, job.overrides)]:
                raise UserError(dict.fromkeys(problems))
        except COMPOSITION_ERRORS as error:
            others, rest = override_problems(config_name, overrides, extra)
            if jobs and multirun and not others and not search:  # the first value of each override is right
                others, _ = override_problems(config_name, jobs_of(overrides)[len(composed)], extra)
            jobs_of_rest = [] if rest is None else [_job(config_name, open_keys(rest), extra)]
            if not multirun:
                others = ambiguous(config_name, overrides) | others
            restored_problems = {restored(text): restored(problem) for text, problem in others.items()} | wrong
            raise CompositionError(restored_problems or {"": first_lines(error)}, jobs_of_rest) from error
        if wrong:
            raise CompositionError(wrong, composed)
        return composed


def spelt_out(overrides: Sequence[str], *, config_dir: str | None) -> list[str]:
    """The overrides of a sweep, each ``glob()`` as the ``choice()`` of the presets that it stands for.

    To Hydra itself, bases of presets would be among these.
    """
    if not any("glob(" in text for text in overrides):
        return list(overrides)
    with _hydra():
        return [without_glob(text, _searchpath(config_dir)) for text in overrides]


def _searchpath(config_dir: str | None) -> list[str]:
    """The override that lets presets be found in the user's own folder."""
    return [f"hydra.searchpath=[file://{config_dir}]"] if config_dir else []


def _refuse_hidden(config_dir: str | None) -> None:
    if config_dir is None:
        return
    shipped = {path: Path(config_dir, path.relative_to(conf_dir())) for path in sorted(conf_dir().rglob("*.yaml"))}
    hidden = [own for path, own in shipped.items() if own.is_file() and own.read_bytes() != path.read_bytes()]
    if hidden:
        raise UserError(
            f"--config-dir: {own} has the name of a shipped preset, which would be taken in its place; give it another "
            "name"
            for own in hidden
        )


@contextmanager
def _hydra() -> Iterator[None]:
    """Within the block, Hydra is initialised: here, or by its own main, within which further jobs are composed.

    A program of the caller's that is one of Hydra's has its own back afterwards.
    """
    there = GlobalHydra.instance().hydra
    if there is not None and str(conf_dir()) in folders_of_presets():
        yield
        return
    GlobalHydra.instance().clear()
    try:
        with initialize_config_dir(config_dir=str(conf_dir()), version_base="1.3"):
            yield
    finally:
        GlobalHydra.instance().clear()
        if there is not None:
            GlobalHydra.instance().initialize(there)


def _job(config_name: str, overrides: list[str], extra: list[str]) -> JobConfig:
    config = compose(config_name, [*overrides, *extra])
    drop_settings_of_replaced(config, config_name, overrides, extra)
    return JobConfig(overrides=[restored(closed_key(item)) for item in overrides], config=config)


def resolved(config: DictConfig) -> tuple[Config, list[str]]:
    """A plain copy with every interpolation resolved; problems where one leads nowhere.

    Where the run's folder is asked for, a placeholder stands until there is one: see :func:`in_folder`.
    """
    config = config.copy()
    if "run_dir" in config:  # only training makes a folder
        if config.run_dir is not None:
            return {}, [
                "run_dir: is filled in with the run's own folder; choose where run folders are made by output_dir"
            ]
        config.run_dir = RUN_DIR
    try:
        plain = OmegaConf.to_container(config, resolve=True, throw_on_missing=False)
    except OmegaConfBaseException as error:
        key = getattr(error, "full_key", None) or "configuration"
        return {}, [f"{key}: {str(error).splitlines()[0]}"]
    problems: list[str] = []
    plain = _with_variables(plain, OmegaConf.to_container(config, resolve=False))
    named = _text_keys(plain, "", problems)
    learn(named)
    return as_declared(named), problems


def with_test(config: Config, *, several: bool) -> Config:
    """A copy that says whether the test split is scored: where nothing else is said, by a run that is the only one.

    What a fold holds out is always scored.
    """
    return {**config, "test": not several or config["fold"] is not None if config["test"] is None else config["test"]}


@dataclass(frozen=True)
class RunningJob:
    """The job that Hydra runs.

    :param overrides: its command line.
    :param several: whether it is a job of a sweep, whose folder then is its ``output_dir``.
    :param retry: whether a job that has failed before is to be run again.
    """

    config: Config
    overrides: list[str]
    several: bool
    retry: bool


def running_job(composed: DictConfig) -> RunningJob:
    """The same of what Hydra hands over, without its own section."""
    hydra = HydraConfig.get()
    several, overrides = hydra.mode == RunMode.MULTIRUN, list(hydra.overrides.task)
    drop_settings_of_replaced(composed, str(hydra.job.config_name), overrides)
    config, _ = resolved(composed)
    retry = config["sweep"]["retry"] is not None
    config = as_job(config, str(hydra.sweep.dir)) if several else with_test(config, several=False)
    return RunningJob(config, [restored(closed_key(text)) for text in overrides], several, retry)


def as_job(config: Config, folder: str) -> Config:
    """The configuration of a sweep's job."""
    own = {"output_dir": folder, "sweep": dict.fromkeys(config["sweep"])}
    return {**with_test(config, several=True), **own}


def search_asked(config_name: str, overrides: Sequence[str], *, config_dir: str | None) -> Search | None:
    """The search that a checked command line asks for, if it does."""
    if not is_search(overrides):
        return None
    with _hydra():
        return search_of(config_name, [readable(text, multirun=True) for text in overrides], _searchpath(config_dir))[0]


def choices_of(config_name: str, overrides: Sequence[str], *, config_dir: str | None) -> dict[str, str]:
    """The preset of each group that overrides choose in the end, those of an experiment included."""
    config = _with_hydra(config_name, overrides, config_dir=config_dir)
    chosen = {str(group): name for group, name in config.hydra.runtime.choices.items() if name is not None}
    return {group: str(name) for group, name in chosen.items() if not group.startswith(("hydra/", "search", *LAYERS))}


def sweep_folder(config_name: str, overrides: Sequence[str], *, config_dir: str | None) -> str:
    """Where Hydra is told to write a sweep.

    :param overrides: of one of its jobs, with the sweep's name.
    """
    return str(_with_hydra(config_name, overrides, config_dir=config_dir).hydra.sweep.dir)


def launcher_of(config_name: str, overrides: Sequence[str], *, config_dir: str | None) -> LauncherSettings | None:
    """The launcher that the overrides of one of a sweep's jobs choose; None for the default."""
    if not config_dir and not any("hydra/launcher" in text for text in overrides):
        return None
    chosen: Any = OmegaConf.to_container(_with_hydra(config_name, overrides, config_dir=config_dir).hydra.launcher)
    return LauncherSettings(chosen)


def _with_hydra(config_name: str, overrides: Sequence[str], *, config_dir: str | None) -> DictConfig:
    """The composed configuration with Hydra's own section."""
    extra = _searchpath(config_dir)
    with _hydra():
        opened = open_keys([readable(text, multirun=False) for text in overrides])
        return hydra_compose(config_name, overrides=[*opened, *extra], return_hydra_config=True)


def _with_variables(plain: Any, raw: Any, path: str = "") -> Any:
    """A copy in which secrets stay ``${oc.env:NAME}``, so that their values are read when they are used, never kept."""
    if isinstance(plain, dict) and isinstance(raw, dict):
        return {
            name: _with_variables(value, raw.get(name), f"{path}.{name}" if path else str(name))
            for name, value in plain.items()
        }
    if isinstance(plain, list) and isinstance(raw, list):
        return [_with_variables(*both, path) for both in zip(plain, raw, strict=True)]
    return raw if is_variable(raw) and is_secret(path) else plain


def _text_keys(node: Any, path: str, problems: list[str]) -> Any:
    """A copy whose keys are texts, since class and task names are keys, and YAML reads an unquoted 1 as a number."""
    if isinstance(node, list):
        return [_text_keys(value, path, problems) for value in node]
    if not isinstance(node, dict):
        return node
    problems += [
        f"{path}: YAML reads an unquoted yes, no, on, off, true or false as {key}; quote the name"
        for key in node
        if isinstance(key, bool)
    ]
    named = {restored(str(key)): value for key, value in node.items()}
    return {key: _text_keys(value, f"{path}.{key}" if path else key, problems) for key, value in named.items()}


def in_folder(node: Any, folder: str) -> Any:
    """A copy of a resolved configuration with the run's folder in the place of ``RUN_DIR``."""
    if isinstance(node, dict):
        return {key: in_folder(value, folder) for key, value in node.items()}
    if isinstance(node, list):
        return [in_folder(value, folder) for value in node]
    return node.replace(RUN_DIR, folder) if isinstance(node, str) else node
