"""Overrides of a command line: what each is about, and how Hydra has to read it."""

from collections.abc import Sequence

from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Glob
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf

from polarity.paths import too_long

PREFIXES = ("+", "~")
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


def open_keys(overrides: Sequence[str]) -> list[str]:
    """Overrides of single values as ``++key=value``, so that mappings by task and class name accept new names.

    Hydra alone refuses ``sampler.boosts.polarization.objective=6``, since no preset can list the tasks of the user's
    data. Unknown settings are found afterwards, all at once and with the nearest valid name, by the preflight.
    """
    opened = []
    for text in [_within_section(text) for text in overrides]:
        key = text.split("=", 1)[0]
        if group := nested_group(text):
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


def nested_group(text: str) -> str | None:
    """The group within a section of which an override chooses a preset, by its name or by its place."""
    key, _, value = text.partition("=")
    return None if value[:1] in ("", "{") else {**{group: group for group in NESTED}, **IN_SECTIONS}.get(key)


def idle_problems(config: DictConfig, overrides: Sequence[str]) -> list[str]:
    """A problem for each ``key={}`` that was to empty a mapping: what a mapping says is added to what is there."""
    problems = []
    for key in [key_of(text) for text in overrides if text.partition("=")[2].replace(" ", "") == "{}"]:
        if isinstance(there := OmegaConf.select(config, key), DictConfig) and there:
            without = f"{key}.NAME=null" if key in COLLECTIONS else f"~{key}.NAME"
            names = ", ".join(map(str, there))
            problems.append(
                f"{key}: {{}} is added to what is there, and so has no effect; {without} takes one out ({names})"
            )
    return problems


def presets_of(group: str, extra: Sequence[str]) -> list[str]:
    """The presets that a group offers, those of the user's own folder too; none if there is no such group."""
    if too_long("", group):
        return []
    options = GlobalHydra.instance().config_loader().get_group_options(group, overrides=list(extra))
    return [name for name in options if not name.startswith(BASE_MARK)]


def without_glob(text: str, extra: Sequence[str]) -> str:
    """``loss=glob(*)`` as ``loss=choice(ce,focal)``; unchanged if no preset has such a name, and if it is no glob."""
    pattern = glob_of(text)
    names = pattern.filter(presets_of(nested_group(text) or key_of(text), extra)) if pattern else []
    return f"{text.partition('=')[0]}=choice({','.join(names)})" if names else text


def glob_of(text: str) -> Glob | None:
    """The pattern of ``loss=glob(*)``; None for everything else."""
    try:
        value = OverridesParser.create().parse_override(text).value()
    except HydraException:
        return None
    return value if isinstance(value, Glob) else None


def key_of(text: str) -> str:
    """What an override is about: a group, or the dotted key of a setting."""
    return text.lstrip("+~").partition("=")[0]
