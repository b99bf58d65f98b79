"""Explaining a command line that cannot be composed: each override that is wrong, and what it should have been."""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Glob
from hydra.errors import HydraException
from omegaconf import DictConfig
from omegaconf.errors import ConfigAttributeError, ConfigKeyError, OmegaConfBaseException
from yaml import YAMLError

from polarity.config.composed import compose
from polarity.errors import nearest
from polarity.signature import TARGET

PREFIXES = ("+", "~")
COMPOSITION_ERRORS = (HydraException, OmegaConfBaseException, YAMLError, ValueError)
BASE_MARK = "_"
"""Begins the name of a preset that others are based on, as ``experiment/_campaign.yaml``; it is no choice itself."""

COLLECTIONS = ("callbacks", "logger")
"""Sections that hold named components; a component set to null is switched off."""

SWITCHED_OFF = {(section, "null") for section in COLLECTIONS}
"""Sections of named components, and the value that switches one of them off."""

NESTED = {"pooling": "model.pooling"}
"""Groups whose component stands inside of a section, and where: ``pooling=cls`` chooses it."""

IN_SECTIONS = {
    **{place: group for group, place in NESTED.items()},
    "model.encoder": "model",
    "model.ngrams": "model",
    "model.encoder.pooling": "pooling",
}
"""Groups of the components inside of sections, by place: ``model.pooling=cls`` chooses the same preset as
``pooling=cls``."""

_CHOSEN_FOR = re.compile(r"In '(\w+)\S*': Could not override '(\w+)@(\S+)'\.(?: Did you mean to override \w+@(\S+)\?)?")
"""What Hydra says of a preset that chooses a component for a place which the chosen model does not have."""

Composed = Callable[[Sequence[str]], Exception | None]
"""Tries a composition; the error if it fails."""


def open_keys(overrides: Sequence[str]) -> list[str]:
    """Overrides of single values as ``++key=value``, so that mappings by task and class name accept new names.

    Hydra alone refuses ``sampler.boosts.polarization.objective=6``, since no preset can list the tasks of the user's
    data. Unknown settings are found afterwards, all at once and with the nearest valid name, by the preflight.
    """
    opened = []
    for text in [_within_section(text) for text in overrides]:
        key = text.split("=", 1)[0]
        if group := _nested_group(text):
            opened.append(f"{group}@{NESTED[group] if key == group else key}={text.partition('=')[2]}")
            continue
        if (key.split(".")[0], text.partition("=")[2]) in SWITCHED_OFF:  # only what is there can be switched off
            opened.append(text)
            continue
        plain = "=" in text and not text.startswith(PREFIXES) and "." in key and not key.startswith("hydra")
        opened.append(f"++{text}" if plain and "@" not in key else text)
    return opened


def closed_key(text: str) -> str:
    """An override of :func:`open_keys` as it was typed."""
    text = text.removeprefix("++")
    group, mark, rest = text.partition("@")
    place, _, value = rest.partition("=")
    if not mark or IN_SECTIONS.get(place) != group:
        return text
    return f"{group if place == NESTED.get(group) else place}={value}"


def _within_section(text: str) -> str:
    """``pooling.p=4`` as ``model.pooling.p=4``, and ``sweep=NAME`` as ``sweep.name=NAME``."""
    if text.startswith("sweep=") and text[6:7] != "{":
        return f"sweep.name={text[6:]}"
    first, dot, rest = text.partition(".")
    return f"{NESTED[first]}.{rest}" if dot and first in NESTED else text


def _nested_group(text: str) -> str | None:
    """The group within a section of which an override chooses a preset, by its name or by its place."""
    key, _, value = text.partition("=")
    return None if value[:1] in ("", "{") else {**{group: group for group in NESTED}, **IN_SECTIONS}.get(key)


def presets_of(group: str, extra: Sequence[str]) -> list[str]:
    """The presets that a group offers, those of the user's own folder too; none if there is no such group."""
    options = GlobalHydra.instance().config_loader().get_group_options(group, overrides=list(extra))
    return [name for name in options if not name.startswith(BASE_MARK)]


def without_glob(text: str, extra: Sequence[str]) -> str:
    """``loss=glob(*)`` as ``loss=choice(ce,focal)``; unchanged if no preset has such a name, and if it is no glob."""
    pattern = _glob_of(text)
    names = pattern.filter(presets_of(_nested_group(text) or key_of(text), extra)) if pattern else []
    return f"{text.partition('=')[0]}=choice({','.join(names)})" if names else text


def _glob_of(text: str) -> Glob | None:
    try:
        value = OverridesParser.create().parse_override(text).value()
    except HydraException:
        return None
    return value if isinstance(value, Glob) else None


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
        except HydraException as reason:
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


def key_of(text: str) -> str:
    """What an override is about: a group, or the dotted key of a setting."""
    return text.lstrip("+~").partition("=")[0]


LAUNCHER = "hydra.launcher."
"""How the settings begin that tell how the jobs of a sweep are run."""
OWN_LAUNCHERS = ("LocalLauncher", "SlurmLauncher", "DaskLauncher", "RayLauncher")
"""Those that make each job of a sweep a process of its own."""
KNOWN_LAUNCHERS = (*OWN_LAUNCHERS, "BasicLauncher")
"""Those that can go on without the command line, and take one job after the other."""


def _checkable(good: Sequence[str], wrong: Collection[str]) -> list[str] | None:
    """The overrides of ``good`` that mean the same without those of ``wrong``."""
    groups = {key_of(text) for text in wrong}
    if groups & {"experiment", "debug"}:  # these choose the components that other overrides speak of
        return None
    return [text for text in good if text not in wrong and key_of(text).split(".")[0] not in groups]


def _why_unreadable(text: str, reason: Exception) -> str:
    if "=" not in text:
        folder = "; folders are given as run=FOLDER, or runs=[A,B]" if Path(text).exists() else ""
        return f"settings are written NAME=VALUE{folder}"
    if text.isascii():
        return first_lines(reason)
    return """names beyond ASCII have to stand in double quotes, as in 'data.tasks={stance:["für",gegen]}'"""


def _alternatives(text: str) -> list[str]:
    """The overrides that a sweep stands for; one, if it is none."""
    if _glob_of(text):
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
    key = _nested_group(text) or key
    if not given or key.startswith(PREFIXES) or any(mark in key for mark in ".@/"):
        return None
    if key not in names and not presets_of(key, extra):
        groups = GlobalHydra.instance().config_loader().list_groups("")
        valid = sorted({*names, *groups} - {"hydra"})
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
        layer, group, place, other = found.groups()
        section, has = place.partition(".")[0], f" (it has {other})" if other else ""
        return (
            f"the {layer} chooses a {group} for {place}, which the {section} that is chosen does not have{has}; "
            f"choose another {section}, or leave out the {layer} and give what you need of it"
        )
    bottom = _bottom(error)
    if isinstance(bottom, (ConfigKeyError, ConfigAttributeError)) and isinstance(bottom.parent_node, DictConfig):
        return f"no such setting{nearest(bottom.key, [key for key in bottom.parent_node if key != TARGET])}"
    said, group = first_lines(error), _nested_group(text)
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


def first_lines(error: BaseException) -> str:
    """The beginning of the reason at the bottom of a chain of errors."""
    lines = [line.strip() for line in str(_bottom(error)).splitlines() if line.strip()]
    return " ".join(lines[:4])


def _bottom(error: BaseException) -> BaseException:
    while error.__cause__ is not None and str(error.__cause__) != "None":
        error = error.__cause__
    return error


def jobs_problems(overrides: Sequence[str], *, sweeping: bool) -> list[str]:
    """What is wrong with how jobs are run, and with their number at a time, which Hydra itself does not check.

    :param sweeping: whether there are several jobs.
    """
    given = {key_of(text): text.partition("=")[2] for text in overrides if key_of(text).startswith(LAUNCHER)}
    if not sweeping:
        return [f"{key}: has an effect with -m only" for key in given]
    jobs = given.get(f"{LAUNCHER}jobs", "null")
    positive = jobs.isdecimal() and int(jobs) > 0
    return [] if positive or jobs == "null" else [f"{LAUNCHER}jobs: {jobs!r} is no number of jobs, from 1 on"]
