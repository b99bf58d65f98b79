"""The best of a sweep, and what it is worth on rows that it was not chosen on."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from polarity.comparison.align import align, own_cluster
from polarity.comparison.evidence import Evidence
from polarity.comparison.find import FoundFolders
from polarity.comparison.grouping import group_systems
from polarity.comparison.load import System, baseline_of, load_systems
from polarity.comparison.result import Chosen, Shortlist
from polarity.comparison.same_rows import apart, part_by_rows
from polarity.errors import UserError
from polarity.evaluation.metrics import score
from polarity.quoting import command_line
from polarity.wording import times

SPLIT = "val"
RESAMPLES, CONFIDENCE = 2000, 0.95
SHOWN = 5
"""Names of runs in a sentence."""


@dataclass(frozen=True)
class Best:
    """The best configuration among runs on the same rows.

    :param shortlist: what else would do.
    :param members: folders of the runs of each configuration, by its name.
    :param baseline: overall score of the linear baseline on the same rows; None where no run has it.
    :param left_out: folders of runs whose configuration has fewer seeds than it was to have.
    """

    chosen: Chosen
    shortlist: Shortlist
    members: dict[str, list[Path]]
    baseline: float | None
    left_out: list[Path]

    @property
    def folders(self) -> list[Path]:
        """Of the best one's runs."""
        return self.members[self.chosen.name]

    @property
    def recommended(self) -> list[Path]:
        """Of the runs of the configuration that is recommended."""
        return self.members[self.shortlist.recommended]

    @property
    def sentences(self) -> list[str]:
        """What there is to say of it, the linear baseline at last."""
        said = [self.chosen.sentence, *self.shortlist.sentences]
        if self.left_out:
            said.append(
                f"no candidates, since they have fewer seeds than the others: {several(self.left_out)}; the correction "
                "cannot know of them"
            )
        if self.baseline is None:
            return said
        ahead = self.shortlist.score - self.baseline
        beside = f"{100 * abs(ahead):.1f} points {'below' if ahead >= 0 else 'ABOVE'} what is recommended"
        command = command_line("compare", *map(str, self.recommended))
        return [*said, f"linear baseline: {self.baseline:.4f}, {beside}; {command} tells whether that is chance"]

    @property
    def tied(self) -> list[Path]:
        """Of the runs of all that cannot be told apart from the best."""
        return [folder for name in self.shortlist.tied for folder in self.members[name]]


@dataclass(frozen=True)
class Ranking:
    """What the validation scores of runs say.

    :param best: the best configuration, for each set of rows on which there are several.
    :param apart: why not all runs can be compared with each other, a sentence each; empty if they can.
    :param unread: why runs are left out, as far as their predictions cannot be read.
    """

    best: Sequence[Best] = ()
    apart: Sequence[str] = ()
    unread: Sequence[str] = ()

    @property
    def winner(self) -> Best | None:
        """The best of all; None where there is none, or not all can be compared."""
        return self.best[0] if self.best and not self.apart else None


def rank(folders: Sequence[Path], seeds: int = 1) -> Ranking:
    """The best configurations among runs, by validation scores.

    What cannot be read is left out, and named.

    :param seeds: that each configuration was to have. Where several have, those with fewer are no candidates: a search
        gives up what its first seeds leave no chance, and one lucky seed would stand above means of several.
    """
    if len(folders) < 2:
        return Ranking()
    try:
        systems, unread = load_systems(FoundFolders(dict.fromkeys(folders, False), []), SPLIT)
        parted = part_by_rows(systems, SPLIT, tasks=None)
    except UserError as error:
        return Ranking(unread=error.problems)
    found = []
    for rows in parted:
        kept = _candidates(rows.systems, seeds)
        systems = [rows.systems[number] for number in kept]
        groups = group_systems(systems)
        if len(groups) < 2:
            continue
        cluster, _ = own_cluster(systems)
        aligned = align(systems, SPLIT, tasks=None, cluster=cluster)
        evidence = Evidence(systems, groups, aligned, resamples=RESAMPLES, confidence=CONFIDENCE, seed=0)
        members = {group.name: [systems[number].folder for number in group.members] for group in groups}
        left_out = [system.folder for number, system in enumerate(rows.systems) if number not in kept]
        found.append(Best(evidence.chosen(), evidence.shortlist(), members, _baseline(systems), left_out))
    return Ranking(found, apart(parted), unread)


def _candidates(systems: Sequence[System], seeds: int) -> list[int]:
    """Numbers of those of configurations with all of their seeds, if several have; else of all."""
    whole = [group.members for group in group_systems(systems) if len(group.members) >= seeds]
    return sorted(number for one in whole for number in one) if len(whole) > 1 else list(range(len(systems)))


def several(folders: Sequence[Path]) -> str:
    """The names of the first ones, and how many others there are."""
    more = f" and {times(len(folders) - SHOWN, 'other')}" if len(folders) > SHOWN else ""
    return ", ".join(folder.name for folder in folders[:SHOWN]) + more


def _baseline(systems: Sequence[System]) -> float | None:
    """Its overall score, by the tasks that have labels."""
    for one in baseline_of(systems, SPLIT):
        tasks = [item.task for item in one.predictions.tasks]
        return score(tasks, one.predictions.labels, [item.honest for item in one.predictions.tasks]).overall
    return None
