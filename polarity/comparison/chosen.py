"""The best of a sweep, and what it is worth on rows that it was not chosen on."""

import shlex
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

SPLIT = "val"
RESAMPLES, CONFIDENCE = 2000, 0.95


@dataclass(frozen=True)
class Best:
    """The best configuration among runs on the same rows.

    :param shortlist: what else would do.
    :param members: folders of the runs of each configuration, by its name.
    :param baseline: overall score of the linear baseline on the same rows; None where no run has it.
    """

    chosen: Chosen
    shortlist: Shortlist
    members: dict[str, list[Path]]
    baseline: float | None

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
        if self.baseline is None:
            return said
        ahead = self.shortlist.score - self.baseline
        beside = f"{100 * abs(ahead):.1f} points {'below' if ahead >= 0 else 'ABOVE'} what is recommended"
        command = shlex.join(["python", "-m", "polarity.compare", *map(str, self.recommended)])
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
    """

    best: Sequence[Best] = ()
    apart: Sequence[str] = ()

    @property
    def winner(self) -> Best | None:
        """The best of all; None where there is none, or not all can be compared."""
        return self.best[0] if self.best and not self.apart else None


def rank(folders: Sequence[Path]) -> Ranking:
    """The best configurations among runs, by validation scores.

    What cannot be read is left out, since a sweep's table says what became of it.
    """
    if len(folders) < 2:
        return Ranking()
    try:
        systems, _ = load_systems(FoundFolders(dict.fromkeys(folders, False), []), SPLIT)
        parted = part_by_rows(systems, SPLIT, tasks=None)
    except UserError:
        return Ranking()
    found = []
    for rows in parted:
        groups = group_systems(rows.systems)
        if len(groups) < 2:
            continue
        cluster, _ = own_cluster(rows.systems)
        aligned = align(rows.systems, SPLIT, tasks=None, cluster=cluster)
        evidence = Evidence(rows.systems, groups, aligned, resamples=RESAMPLES, confidence=CONFIDENCE, seed=0)
        members = {group.name: [rows.systems[number].folder for number in group.members] for group in groups}
        found.append(Best(evidence.chosen(), evidence.shortlist(), members, _baseline(rows.systems)))
    return Ranking(found, apart(parted))


def _baseline(systems: Sequence[System]) -> float | None:
    """Its overall score, by the tasks that have labels."""
    for one in baseline_of(systems, SPLIT):
        tasks = [item.task for item in one.predictions.tasks]
        return score(tasks, one.predictions.labels, [item.honest for item in one.predictions.tasks]).overall
    return None
