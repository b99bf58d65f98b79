"""The configuration diff: which keys differ between the groups."""

from collections.abc import Mapping, Sequence
from typing import Any

from polarity.comparison.grouping import Group, learnt_alike
from polarity.comparison.load import System
from polarity.comparison.result import ConfigurationDifference
from polarity.config.numbers import comparable
from polarity.config.shown import flat
from polarity.runs.ledger import PLACES, causes, learnt_from


def configuration_differences(systems: Sequence[System], groups: Sequence[Group]) -> list[ConfigurationDifference]:
    """Keys whose values are not the same in all groups that have a configuration, sorted; the seed comes last.

    A key that is not there counts as null, but an ensemble has no settings of training that could differ.
    """
    firsts = {group.name: systems[group.members[0]] for group in groups}
    settings = {name: flat(causes(system.config)) for name, system in firsts.items() if system.config is not None}
    same_rows = {f"data.{place}" for place in PLACES} if learnt_alike(list(firsts.values())) else set()
    alike = {name: flat(comparable(causes(system.config or {}))) for name, system in firsts.items()}
    keys = sorted({key for own in settings.values() for key in own} - same_rows)
    differences = [
        ConfigurationDifference(key, {name: own.get(key) for name, own in settings.items()})
        for key in keys
        if _differs([alike[name].get(key) for name, own in settings.items() if not _has_no_such(own, key)])
    ]
    learnt = {name: learnt_from(system.rows)[:1] for name, system in firsts.items() if system.config is not None}
    if all(learnt.values()) and _differs(marks := [mark[:8] for (mark,) in learnt.values()]):
        differences.append(ConfigurationDifference("training rows", dict(zip(learnt, marks, strict=True))))
    seeds = {
        group.name: sorted({systems[number].seed for number in group.members}, key=str)
        for group in groups
        if group.name in settings
    }
    if _differs(list(seeds.values())):
        differences.append(ConfigurationDifference("seed", {n: s[0] if len(s) == 1 else s for n, s in seeds.items()}))
    return differences


def _has_no_such(settings: Mapping[str, Any], key: str) -> bool:
    """Whether these are an ensemble's, and the key is of a section that ensembles lack."""
    sections = {own.partition(".")[0] for own in settings}
    return "ensemble" in sections and key.partition(".")[0] not in sections


def code_notes(systems: Sequence[System]) -> list[str]:
    """A note if the runs were made by different code, which no configuration shows."""
    runs = [system for system in systems if system.environment]
    notes = []
    for what, values in (
        ("versions of polarity", [str((run.environment or {}).get("polarity")) for run in runs]),
        ("commits", [str(((run.environment or {}).get("git") or {}).get("commit", "none"))[:12] for run in runs]),
        ("versions of torch", [str((run.environment or {}).get("packages", {}).get("torch")) for run in runs]),
    ):
        if _differs(values):
            shown = ", ".join(f"{run.name}: {value}" for run, value in zip(runs, values, strict=True))
            notes.append(f"the runs were made by different {what} ({shown})")
    return notes


def _differs(values: Sequence[Any]) -> bool:
    return any(value != values[0] or type(value) is not type(values[0]) for value in values[1:])
