"""Explaining a command line that cannot be composed: each override that is wrong, and what it should have been."""

import os
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from omegaconf import DictConfig
from omegaconf.errors import ConfigAttributeError, ConfigKeyError, OmegaConfBaseException
from yaml import YAMLError

from polarity.config.composed import compose
from polarity.config.overrides import (
    BASE_MARK,
    IN_SECTIONS,
    NESTED,
    PREFIXES,
    SWITCHED_OFF,
    glob_of,
    key_of,
    nested_group,
    open_keys,
    presets_of,
    without_glob,
)
from polarity.config.readable import can_be_read
from polarity.errors import nearest
from polarity.signature import TARGET

COMPOSITION_ERRORS = (HydraException, OmegaConfBaseException, YAMLError, ValueError)

_CHOSEN_FOR = re.compile(r"In '(\w+)\S*': Could not override '(\w+)@(\S+)'\.(?: Did you mean to override \w+@(\S+)\?)?")
"""What Hydra says of a preset that chooses a component for a place which the chosen model does not have."""

Composed = Callable[[Sequence[str]], Exception | None]
"""Tries a composition; the error if it fails."""


def base_problems(overrides: Sequence[str], extra: Sequence[str]) -> list[str]:
    """A problem for each override that chooses what is only a base of presets."""
    chosen = [text.partition("=") for text in overrides if f"={BASE_MARK}" in text]
    return [problem for key, _, value in chosen if (problem := _choice_problem(key, value, extra))]


def override_problems(
    config_name: str, overrides: Sequence[str], extra: Sequence[str]
) -> tuple[dict[str, str], list[str] | None]:
    """A problem for each override that names nothing or cannot be read; none hides the others.

    :param extra: overrides that the program adds.
    :returns: the problems by override, and the overrides that can be checked without the wrong ones: not those of a
        group whose preset is wrong. None if nothing can be said without them.
    """

    def error_with(chosen: Sequence[str]) -> Exception | None:
        try:
            compose(config_name, [*extra, *open_keys(chosen)])
        except COMPOSITION_ERRORS as error:
            return error
        return None

    if (error := error_with([])) is not None:
        return {"": first_lines(error)}, None
    usual = compose(config_name, extra)
    names = {str(name): usual.get(name) for name in usual if name != "hydra"}
    problems: dict[str, str] = {}
    good: list[str] = []
    for text in overrides:
        try:
            alternatives = _alternatives(without_glob(text, extra))
        except (HydraException, ValueError) as reason:  # the latter of a range() without a step
            problems[text] = f"{text}: cannot be read as an override; {_why_unreadable(text, reason)}"
            continue
        wrong = {one: problem for one in alternatives if (problem := _named_problem(one, names, extra))}
        problems |= wrong
        good += [one for one in alternatives if one not in wrong][:1]
    checkable = _checkable(good, problems)
    if checkable is None:
        return problems, None
    refused = _switch_problems(config_name, checkable, extra)
    refused |= _composition_problems([text for text in checkable if text not in refused], error_with)
    return problems | refused, _checkable(checkable, refused)


def ambiguous(config_name: str, overrides: Sequence[str]) -> dict[str, str]:
    """A problem for each override that gives several values where there is one job."""
    parse = OverridesParser.create().parse_override
    several = [text for text in overrides if can_be_read(text) and parse(text).is_sweep_override()]
    sweep = "; with -m, train takes one after the other" if config_name == "train" else ""
    advice = f"a list stands in brackets, a value that holds commas in quotes{sweep}"
    return {text: f"{text}: these are several values, and one is taken; {advice}" for text in several}


def _checkable(good: Sequence[str], wrong: Collection[str]) -> list[str] | None:
    """The overrides of ``good`` that mean the same without those of ``wrong``."""
    groups = {key_of(text) for text in wrong}
    if groups & {"experiment", "debug"}:  # these choose the components that other overrides speak of
        return None
    return [text for text in good if text not in wrong and key_of(text).split(".")[0] not in groups]


def _why_unreadable(text: str, reason: Exception) -> str:
    if "=" not in text:
        folder = "; folders are given as run=FOLDER, or runs=[A,B]" if os.path.exists(text) else ""  # noqa: PTH110 - false also for what no path can be
        return f"settings are written NAME=VALUE{folder}"
    if not text.isascii() and can_be_read("".join(sign if sign.isascii() else "x" for sign in text)):
        return """names beyond ASCII have to stand in double quotes, as in 'data.tasks={stance:["für",gegen]}'"""
    key, _, value = text.partition("=")
    if value[0:1] in ("[", "{"):
        apostrophe = """; a name that holds an apostrophe has to stand in double quotes, as in 'runs=["it\'s",b]'"""
        return first_lines(reason) + (apostrophe if value.count("'") % 2 else "")
    if re.match(r"\w+\(", value) or '"' in value:
        return first_lines(reason)
    if (within := _name_with_signs(key)) is not None:
        above, name = within
        return f"a name with such signs has to stand in braces: '{above}={{\"{name}\": {value}}}'"
    quoted = f'{key}="{value}"'
    commas = ", where commas separate the values of a sweep" if "," in value else ""
    return f"{first_lines(reason)}; a value with such signs has to stand in double quotes{commas}: '{quoted}'"


def _name_with_signs(key: str) -> tuple[str, str] | None:
    """What stands above the first name that no key can hold, and that name; None where the key can be read."""
    parts = key.split(".")
    first = next((number for number, part in enumerate(parts) if not re.fullmatch(r"[+~]{0,2}\w+", part)), 0)
    return None if first == 0 or can_be_read(f"{key}=1") else (".".join(parts[:first]), ".".join(parts[first:]))


def _alternatives(text: str) -> list[str]:
    """The overrides that a sweep stands for; one, if it is none."""
    if glob_of(text):
        raise HydraException("there is no preset with such a name")
    override = OverridesParser.create().parse_override(text)
    if override.is_sweep_override() and not override.key_or_group.startswith("hydra"):
        key = text.split("=", 1)[0]
        return [f"{key}={value}" for value in override.sweep_string_iterator()]
    return [text]


def _switch_problems(config_name: str, overrides: Sequence[str], extra: Sequence[str]) -> dict[str, str]:
    """A problem for each override that switches off a component that is not there."""
    problems = {}
    for text in overrides:
        section, _, name = key_of(text).partition(".")
        if name and (section, text.partition("=")[2]) in SWITCHED_OFF:
            chosen = [one for one in overrides if one.startswith(f"{section}=")]
            there = [str(key) for key in compose(config_name, [*chosen, *extra])[section]]
            if name not in there:
                problems[text] = f"{key_of(text)}: there is none to switch off{nearest(name, there, what=section)}"
    return problems


def _named_problem(text: str, names: Mapping[str, Any], extra: Sequence[str]) -> str | None:
    """What is wrong with the group, preset or root setting that an override names, found without composing.

    :param names: what stands at the root.
    """
    key, given, value = text.partition("=")
    key = nested_group(text) or key
    if not given or key.startswith(PREFIXES) or any(mark in key for mark in ".@/"):
        return None
    if key not in names and not presets_of(key, extra):
        groups = GlobalHydra.instance().config_loader().list_groups("")
        valid = sorted({*names, *groups} - {"hydra", "run_dir"})  # which nobody may set
        inner = [f"{name}.{key}" for name, node in names.items() if isinstance(node, DictConfig) and key in node]
        hint = f"; did you mean {' or '.join(inner)}?" if inner else nearest(key, valid, what="there are")
        return f"{key}: no such setting or group{hint}"
    if value == "null" and key in ("experiment", "debug", "search"):
        return f"{text}: leave it out; without it there is none"
    return None if value.startswith(("[", "{")) or value == "null" else _choice_problem(key, value, extra)


def _choice_problem(group: str, preset: str, extra: Sequence[str]) -> str | None:
    presets = presets_of(group, extra)
    if not presets or preset in presets:
        return None
    what = "is a base of presets, and none itself" if preset.startswith(BASE_MARK) else "no such preset"
    return f"{group}={preset}: {what}{nearest(preset, presets, what='presets')}"


def _composition_problems(overrides: Sequence[str], error_with: Composed) -> dict[str, str]:
    """What Hydra refuses, with its reasons; found by halving, since each composition takes time."""
    problems, good = dict[str, str](), list[str]()
    rest = [list(overrides)]
    while rest:
        part = rest.pop()
        error = error_with([*good, *part])
        if error is None:
            good += part
        elif len(part) == 1:
            problems[part[0]] = f"{part[0]}: {_reason(part[0], error)}"
        else:
            rest += [part[len(part) // 2 :], part[: len(part) // 2]]
    return problems


def _reason(text: str, error: BaseException) -> str:
    """Why an override cannot be composed."""
    if found := _CHOSEN_FOR.match(first_lines(error)):
        return _chosen_for(*found.groups())
    bottom = _bottom(error)
    if isinstance(bottom, (ConfigKeyError, ConfigAttributeError)) and isinstance(bottom.parent_node, DictConfig):
        return f"no such setting{nearest(bottom.key, [key for key in bottom.parent_node if key != TARGET])}"
    said, group = first_lines(error), nested_group(text)
    if said.startswith(f"Could not override '{key_of(text)}'") and not group:
        return f"there is no {key_of(text)} to choose here; --help shows what there is"
    if said.startswith("Cannot merge"):
        return "a list and a mapping {name: value} cannot be joined; is it given twice?"
    if not group or "Could not override" not in said:
        return said
    place = NESTED.get(key_of(text), key_of(text))
    section, _, part = place.rpartition(".")
    deeper = [other for other in IN_SECTIONS if other != place and other.endswith(f".{part}")]
    hint = f", or choose it for a part, as {deeper[0]}={text.partition('=')[2]} for wide_deep" if deeper else ""
    return f"the {section} that is chosen has no {part} of its own; leave it out{hint}"


def _chosen_for(layer: str, group: str, place: str, other: str | None) -> str:
    if place.startswith(f"{layer}."):
        return f"the first line of this {layer}'s file has to be: # @package _global_"
    section, has = place.partition(".")[0], f" (it has {other})" if other else ""
    return (
        f"the {layer} chooses a {group} for {place}, which the {section} that is chosen does not have{has}; "
        f"choose another {section}, or leave out the {layer} and give what you need of it"
    )


def first_lines(error: BaseException) -> str:
    """The beginning of the reason at the bottom of a chain of errors."""
    lines = [line.strip() for line in str(_bottom(error)).splitlines() if line.strip()]
    return " ".join(lines[:4])


def _bottom(error: BaseException) -> BaseException:
    while error.__cause__ is not None and str(error.__cause__) != "None":
        error = error.__cause__
    return error
