"""Composing the configuration of every job of a command line, and explaining each override that cannot be used."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from polarity.errors import UserError, nearest
from polarity.paths import conf_dir

PREFIXES = ("+", "~")
COMPOSITION_ERRORS = (HydraException, OmegaConfBaseException, YAMLError, ValueError)
RUN_DIR = "RUN_DIR"
"""Stands for the run's folder in a resolved configuration, so that a folder can be moved and still be resumed."""


@dataclass
class Job:
    """One run that a command line asks for.

    :param overrides: its part of the command line.
    :param config: the composed configuration, unresolved.
    """

    overrides: list[str]
    config: DictConfig


def open_keys(overrides: Sequence[str]) -> list[str]:
    """Overrides of single values as ``++key=value``, so that mappings by task and class name accept new names.

    Hydra alone refuses ``sampler.boosts.polarization.objective=6``, since no preset can list the tasks of the user's
    data. Unknown settings are found afterwards, all at once and with the nearest valid name, by the preflight.
    """
    loader = GlobalHydra.instance().config_loader()
    opened = []
    for text in overrides:
        key = text.split("=", 1)[0]
        plain = "=" in text and not text.startswith(PREFIXES) and "." in key and not key.startswith("hydra")
        opened.append(f"++{text}" if plain and "@" not in key and not loader.get_group_options(key) else text)
    return opened


def compose_jobs(config_name: str, overrides: Sequence[str], *, config_dir: str | None, multirun: bool) -> list[Job]:
    """Compose every job of a command line.

    :param config_dir: further folder of presets, as given with ``--config-dir``.
    :raises UserError: with a problem for each override that names nothing, or cannot be read.
    """
    extra = [f"hydra.searchpath=[file://{config_dir}]"] if config_dir else []
    with initialize_config_dir(config_dir=str(conf_dir()), version_base="1.3"):
        try:
            return _composed(config_name, list(overrides), extra, multirun=multirun)
        except COMPOSITION_ERRORS as error:
            raise UserError(_override_problems(config_name, list(overrides), extra) or [_first_lines(error)]) from error


def _composed(config_name: str, overrides: list[str], extra: list[str], *, multirun: bool) -> list[Job]:
    jobs = []
    for job in _expand(open_keys(overrides)) if multirun else [open_keys(overrides)]:
        config = compose(config_name, overrides=[*job, *extra])
        jobs.append(Job(overrides=[item.removeprefix("++") for item in job], config=config))
    return jobs


def _expand(overrides: list[str]) -> list[list[str]]:
    """The jobs of a sweep, exactly as Hydra's own basic sweeper enumerates them."""
    from hydra._internal.core_plugins.basic_sweeper import BasicSweeper

    parsed = OverridesParser.create().parse_overrides(overrides)
    return BasicSweeper.split_arguments(parsed, max_batch_size=None)[0]


def _override_problems(config_name: str, overrides: list[str], extra: list[str]) -> list[str]:
    """Add the overrides one by one, so that each that fails is named and none hides the others."""
    problems: list[str] = []
    _, error = _try(config_name, extra)
    if error is not None:
        return [_first_lines(error)]
    readable = []
    for text in overrides:
        try:
            override = OverridesParser.create().parse_override(text)
            alternatives = [text]
            if override.is_sweep_override() and not override.key_or_group.startswith("hydra"):
                key = text.split("=", 1)[0]
                alternatives = [f"{key}={value}" for value in override.sweep_string_iterator()]
            readable.append(alternatives)
        except HydraException as reason:
            problems.append(f"{text}: cannot be read as an override; {_first_lines(reason)}")
    good = list(extra)
    for alternatives in readable:
        usable = []
        for text in alternatives:
            opened = open_keys([text])[0]
            _, error = _try(config_name, [*good, opened])
            if error is None:
                usable.append(opened)
            else:
                problems.append(_explain(text, error))
        good += usable[:1]
    return problems


def _try(config_name: str, overrides: list[str]) -> tuple[DictConfig | None, Exception | None]:
    try:
        return compose(config_name, overrides=overrides), None
    except COMPOSITION_ERRORS as error:
        return None, error


def _explain(text: str, error: Exception) -> str:
    """Say what an override should have been, by asking Hydra's repository for the names that exist."""
    loader = GlobalHydra.instance().config_loader()
    key, _, value = text.lstrip("+~").partition("=")
    options = loader.get_group_options(key)
    if options and value not in options:
        return f"{key}={value}: no such preset{nearest(value, options, what='presets')}"
    if "." not in key and not options:
        base = compose("train")
        names = [str(name) for name in base] + loader.list_groups("")
        valid = sorted({name for name in names if name != "hydra"})
        return f"{key}: no such setting or group{nearest(key, valid, what='there are')}"
    return f"{text}: {_first_lines(error)}"


def _first_lines(error: Exception) -> str:
    reason: BaseException = error
    while reason.__cause__ is not None and str(reason.__cause__) != "None":
        reason = reason.__cause__
    lines = [line.strip() for line in str(reason).splitlines() if line.strip()]
    return " ".join(lines[:4])


def resolved(config: DictConfig) -> tuple[dict[str, Any], list[str]]:
    """A plain copy with every interpolation resolved; problems where one leads nowhere.

    Where the run's folder is asked for, a placeholder stands until there is one: see :func:`in_folder`.
    """
    config = config.copy()
    config.run_dir = RUN_DIR
    try:
        plain = OmegaConf.to_container(config, resolve=True, throw_on_missing=False)
    except OmegaConfBaseException as error:
        key = getattr(error, "full_key", None) or "configuration"
        return {}, [f"{key}: {str(error).splitlines()[0]}"]
    problems: list[str] = []
    named = _text_keys(plain, "", problems)
    return named, problems


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
    return {str(key): _text_keys(value, f"{path}.{key}" if path else str(key), problems) for key, value in node.items()}


def open_keys_anywhere(overrides: Sequence[str]) -> list[str]:
    """:func:`open_keys` outside a composition."""
    with initialize_config_dir(config_dir=str(conf_dir()), version_base="1.3"):
        return open_keys(overrides)


def in_folder(node: Any, folder: str) -> Any:
    """A copy of a resolved configuration with the run's folder in the place of ``RUN_DIR``."""
    if isinstance(node, dict):
        return {key: in_folder(value, folder) for key, value in node.items()}
    if isinstance(node, list):
        return [in_folder(value, folder) for value in node]
    return node.replace(RUN_DIR, folder) if isinstance(node, str) else node
