"""Runs of one configuration that differ only by their seed belong together."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from polarity.comparison.load import System
from polarity.config.numbers import comparable
from polarity.config.recorded import RunSettings
from polarity.runs.ledger import NO_CAUSE, PLACES, causes, learnt_from

LONGEST = 70
"""Characters of a group's name; the folder's name is shorter than a longer list of settings."""
_FOLDER = re.compile(r'"?[^"\[,]*/([^"\],/]+)"?')
"""A path in ``runs=[...]``, perhaps in quotes, with its last part."""


@dataclass(frozen=True)
class Group:
    """One configuration.

    :param members: numbers of its systems, one for each seed.
    :param repeats: numbers of systems that repeat the seed of a member; they are no further evidence.
    """

    name: str
    members: list[int]
    repeats: list[int]


def group_systems(systems: Sequence[System]) -> list[Group]:
    """The groups, in the order of their first systems."""
    by_configuration: dict[str, list[int]] = {}
    for number, system in enumerate(systems):
        copied = next((one for one, other in enumerate(systems) if _is_alone(system, other)), number)
        by_configuration.setdefault(_configuration(systems[copied], copied), []).append(number)
    together = [sorted(numbers, key=lambda one: _is_ensemble(systems[one])) for numbers in by_configuration.values()]
    return [_group(systems, name, one) for name, one in zip(_names(systems, together), together, strict=True)]


def _configuration(system: System, number: int) -> str:
    if system.config is None:
        return f"system {number}"
    return configuration_of(system.config, system.rows)


def configuration_of(config: Mapping[str, Any], rows: Mapping[str, Any] | None) -> str:
    """All that makes a configuration, as text: equal for runs that are repetitions of each other, by seeds or else.

    :param rows: as of :func:`polarity.runs.ledger.causes`.
    """
    return json.dumps(comparable(causes(config, rows)), sort_keys=True, default=str)


def _is_alone(system: System, member: System) -> bool:
    """Whether a system is an ensemble of which this one was kept alone: the same settings, and the same decisions."""
    if system.config is None:
        return False
    settings = RunSettings(system.config)
    own, its = settings.first_member, member.config
    alike = own is not None and its is not None and comparable(causes(own)) == comparable(causes(its))
    if not (alike or (member.kind == "baseline" and settings.is_of_several)):
        return False
    ours, theirs = ({item.task.name: item for item in one.predictions.tasks} for one in (system, member))
    return ours.keys() == theirs.keys() and all(np.array_equal(ours[name].honest, theirs[name].honest) for name in ours)


def _group(systems: Sequence[System], name: str, numbers: Sequence[int]) -> Group:
    seeds: set[int | None] = set()
    members: list[int] = []
    repeats: list[int] = []
    for number in numbers:
        seed = systems[number].seed
        (repeats if seed in seeds else members).append(number)
        seeds.add(seed)
    return Group(name, members, repeats)


def _is_ensemble(system: System) -> bool:
    if system.config is None:
        return False
    settings = RunSettings(system.config)
    return settings.first_member is not None or settings.is_of_several


def _names(systems: Sequence[System], groups: Sequence[Sequence[int]]) -> list[str]:
    """What a group's command line has beyond what all have; the folder of its first run where that does not tell."""
    alike, firsts = learnt_alike(systems), [systems[numbers[0]] for numbers in groups]
    overrides = [_distinctive(system, alike=alike) for system in firsts if system.kind == "run"]
    shared = set(overrides[0]).intersection(*overrides) if overrides else set()
    names = []
    for numbers in groups:
        system = systems[numbers[0]]
        own = " ".join(text for text in _distinctive(system, alike=alike) if text not in shared)
        names.append(own if own and len(own) <= LONGEST else system.name)
    taken = [name for name in names if names.count(name) > 1]
    return [systems[numbers[0]].name if name in taken else name for name, numbers in zip(names, groups, strict=True)]


def _distinctive(system: System, *, alike: bool) -> list[str]:
    if _is_ensemble(system):  # all that was set for it would be no name
        return [_FOLDER.sub(r"\1", text) for text in system.overrides if text.startswith(("runs=", "method="))]
    no_cause = (*NO_CAUSE, *([f"data.{place}" for place in PLACES] if alike else []))
    return [text for text in system.overrides if text.partition("=")[0].lstrip("+~") not in no_cause]


def learnt_alike(systems: Sequence[System]) -> bool:
    """Whether all runs have learnt from the same rows, wherever these stood."""
    learnt = [learnt_from(system.rows) for system in systems if system.config is not None]
    return bool(learnt) and bool(learnt[0]) and all(one == learnt[0] for one in learnt)
