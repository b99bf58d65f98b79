"""The command line of every verb but train: one flat file of settings, checked against one dataclass."""

import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from importlib import import_module
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Glob
from omegaconf import OmegaConf

from polarity.config import cli
from polarity.config.accepted import Accepted
from polarity.config.compose import CompositionError, compose_jobs, resolved
from polarity.config.constructors import constructor, schema_of
from polarity.config.hydra_private import read_arguments
from polarity.config.readable import readable
from polarity.config.schema import setting_problems
from polarity.config.structure import place_problems
from polarity.content import Config
from polarity.errors import UserError, nearest
from polarity.importing import imported, importing
from polarity.paths import conf_dir
from polarity.printable import printable
from polarity.secrets import masked
from polarity.signature import TARGET

Look = Callable[[Config], list[str]]
"""What is wrong with the things that settings name, as far as a look at them is quick."""


def read_settings(
    verb: str,
    arguments: Sequence[str],
    *,
    rewrite: Callable[[Sequence[str]], list[str]] = list,
    look: Look = lambda _: [],
) -> Any:
    """The settings of a verb, from ``conf/VERB.yaml`` and the command line; None if it only asked for information.

    They are a dataclass with a typed field for each. A section with a ``_target_`` becomes the object. What can be said
    of them without importing anything comes first, as with training.

    :param rewrite: what the verb makes of its overrides, the options (``--cfg job``) aside, before they are read.
    :param look: is asked where nothing is wrong with the settings themselves.
    :raises UserError: with everything that is wrong.
    """
    command = read_arguments(arguments)
    if command.help:
        print((conf_dir() / f"{verb}.yaml").read_text(encoding="utf-8"))
        return None
    if command.multirun:
        raise UserError(f"--multirun: polarity.{verb} does one thing at a time")
    folder = cli.config_dir(command)
    name, known = command.config_name or verb, constructor(schema_of(verb)).settings
    plain, overrides = _plain(verb, known, rewrite(command.overrides))
    try:
        (job,) = compose_jobs(name, overrides, config_dir=folder, multirun=False)
    except CompositionError as error:
        rest = [problem for job in error.rest for problem in _problems(job.config, known)[1]]
        raise UserError(dict.fromkeys([*error.problems, *(p for p in rest if not error.explains(p))])) from error
    job.config.update(plain)
    config, problems = _problems(job.config, known)
    if command.cfg:
        print(printable(OmegaConf.to_yaml(OmegaConf.create(masked(config)))), end="")
        return None
    if problems := problems or look(config):
        raise UserError(dict.fromkeys(problems))
    return imported(schema_of(verb))(**_built(config))


def _built(config: Config) -> Config:
    """The configuration with objects in the place of its sections.

    :raises UserError: with everything that their constructors object to.
    """
    from polarity.config.build import build  # imports what reads data

    built, problems = dict(config), list[str]()
    for key, node in config.items():
        if isinstance(node, Mapping) and TARGET in node:
            try:
                built[key] = build(key, dict(node))
            except UserError as error:
                problems += error.problems
    if problems:
        raise UserError(dict.fromkeys(problems))
    return built


def run_verb(
    verb: str,
    *,
    act: str | None = None,
    read: Callable[[Sequence[str]], Any] | None = None,
    rewrite: Callable[[Sequence[str]], list[str]] = list,
    look: Look = lambda _: [],
    data: bool = False,
) -> None:
    """Read the command line and do it: all that the ``main`` of a verb is.

    What does it, the module of the same name in :mod:`polarity.verbs`, is imported when the settings are right.

    :param act: the function that is given the settings; None: it has the name of the verb.
    :param read: in the place of :func:`read_settings`, for a command line of its own.
    :param rewrite: for :func:`read_settings`, as is ``look``.
    :param data: whether standard output is what the verb is for.
    """
    with cli.verb(verb, data=data):
        asked = sys.argv[1:]
        settings = read(asked) if read else read_settings(verb, asked, rewrite=rewrite, look=look)
        if settings is not None:
            with importing(for_good=True):
                module = import_module(f"polarity.verbs.{verb}")
            with cli.ending_in_order(verb):
                getattr(module, act or verb)(settings)


def _plain(verb: str, known: Collection[str], overrides: Sequence[str]) -> tuple[Config, list[str]]:
    """Values of settings that only have the name of a group of presets, and the other overrides.

    Hydra would take ``decision=argmax`` for the choice of a preset of the group ``decision``, which evaluate has not.
    """
    preset = OmegaConf.to_container(OmegaConf.load(conf_dir() / f"{verb}.yaml"))
    defaults = preset.get("defaults", []) if isinstance(preset, dict) else []
    groups = {name for entry in defaults if isinstance(entry, dict) for name in entry}
    names = {name for name in known if (conf_dir() / name).is_dir()} - groups
    chosen, rest = {}, []
    for text in (readable(text, multirun=False) for text in overrides):
        key, given, words = text.partition("=")
        if given and key in names:
            override = OverridesParser.create().parse_override(text)
            several = override.is_sweep_override() or isinstance(override.value(), Glob)
            chosen[key] = words if several else override.value()
        else:
            rest.append(text)
    return chosen, rest


def _problems(composed: Any, known: Mapping[str, Accepted]) -> tuple[Config, list[str]]:
    """The plain configuration, and what is wrong with its keys and values."""
    config, problems = resolved(composed)
    if problems:
        return config, problems
    for key, value in config.items():
        if key not in known:
            problems.append(f"{key}: no such setting{nearest(key, known, what='there are')}")
        else:
            problems += setting_problems(key, value, known[key])
    problems += place_problems(config)
    problems += [f"{key}: is missing" for key in known if key not in config]
    return config, problems
