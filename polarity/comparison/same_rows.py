"""Only systems on the same rows can be compared, so they are parted by their rows first."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from polarity.comparison.align import align
from polarity.comparison.load import System
from polarity.errors import UserError


@dataclass
class SameRows:
    """Systems with the same ids, labels, tasks and classes.

    :param differs: why the first of them does not go with the first of the sets before; empty for the first set.
    """

    systems: list[System]
    differs: list[str] = field(default_factory=list)

    def told_by(self, split: str) -> list[System]:
        """Those of them by which others are known to belong there: the first, and the first that knows its texts."""
        first = self.systems[0]
        knows = next((system for system in self.systems if system.fingerprint(split) is not None), first)
        return [first] if knows is first else [first, knows]


def apart(parted: Sequence[SameRows]) -> list[str]:
    """That runs on other rows are not compared, why, and which of them stand alone; empty for one set."""
    notes = [
        f"runs on other rows are compared among themselves only: {text}" for rows in parted for text in rows.differs
    ]
    alone = [rows.systems[0].name for rows in parted if len(rows.systems) == 1] if len(parted) > 1 else []
    return [*notes, *(f"{name}: nothing else has its rows" for name in alone)]


def part_by_rows(systems: Sequence[System], split: str, *, tasks: Sequence[str] | None) -> list[SameRows]:
    """The sets, in the order of their first systems.

    :raises UserError: if a task in ``tasks`` is not there.
    """
    sets: list[SameRows] = []
    for system in systems:
        differs: list[str] = []
        for known in sets:
            try:
                align([*known.told_by(split), system], split, tasks=tasks, cluster=None)
            except UserError as error:
                differs = differs or list(error.problems)
            else:
                known.systems.append(system)
                break
        else:
            align([system], split, tasks=tasks, cluster=None)
            sets.append(SameRows([system], differs))
    return sets
