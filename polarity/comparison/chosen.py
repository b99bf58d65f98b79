"""The best of a sweep, and what it is worth on rows that it was not chosen on."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from polarity.comparison.align import align, own_cluster
from polarity.comparison.evidence import Evidence
from polarity.comparison.find import FoundFolders
from polarity.comparison.grouping import group_systems
from polarity.comparison.load import load_systems
from polarity.comparison.result import Chosen, Shortlist
from polarity.comparison.same_rows import part_by_rows
from polarity.errors import UserError

SPLIT = "val"
RESAMPLES, CONFIDENCE = 2000, 0.95


@dataclass(frozen=True)
class Best:
    """The best configuration among runs on the same rows.

    :param shortlist: what else would do.
    :param members: folders of the runs of each configuration, by its name.
    """

    chosen: Chosen
    shortlist: Shortlist
    members: dict[str, list[Path]]

    @property
    def folders(self) -> list[Path]:
        """Of the best one's runs."""
        return self.members[self.chosen.name]

    @property
    def recommended(self) -> list[Path]:
        """Of the runs of the configuration that is recommended."""
        return self.members[self.shortlist.recommended]

    @property
    def tied(self) -> list[Path]:
        """Of the runs of all that cannot be told apart from the best."""
        return [folder for name in self.shortlist.tied for folder in self.members[name]]


def best_of_runs(folders: Sequence[Path]) -> list[Best]:
    """The best configuration by validation scores, one for each set of rows on which there are several.

    What cannot be read is left out, since a sweep's table says what became of it.
    """
    if len(folders) < 2:
        return []
    try:
        systems, _ = load_systems(FoundFolders(dict.fromkeys(folders, False), []), SPLIT)
        parted = part_by_rows(systems, SPLIT, tasks=None)
    except UserError:
        return []
    found = []
    for rows in parted:
        groups = group_systems(rows.systems)
        if len(groups) < 2:
            continue
        cluster, _ = own_cluster(rows.systems)
        aligned = align(rows.systems, SPLIT, tasks=None, cluster=cluster)
        evidence = Evidence(rows.systems, groups, aligned, resamples=RESAMPLES, confidence=CONFIDENCE, seed=0)
        members = {group.name: [rows.systems[number].folder for number in group.members] for group in groups}
        found.append(Best(evidence.chosen(), evidence.shortlist(), members))
    return found
