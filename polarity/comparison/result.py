"""What a comparison found. Plain values only, so that ``dataclasses.asdict`` of it is JSON. Scores are fractions."""

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from polarity.content import Json
from polarity.statistics.interval import Interval
from polarity.wording import times

VERSION = 1

Verdict = Literal["better", "worse", "equal", "unclear"]


@dataclass(frozen=True)
class Setup:
    """How the comparison was made.

    :param split: the split whose predictions were compared.
    :param rows: its rows.
    :param tasks: classes of the compared tasks, by task.
    :param ranked: whether groups stand in the order of their scores (never by test scores unless asked for).
    :param resamples: of the bootstrap, and swaps of the randomisation.
    :param confidence: of the intervals; 1 - confidence is the level of the tests.
    :param margin: difference of overall macro-F1 below which two are equal, and which the power is told for.
    :param cluster: metadata column whose values were resampled as wholes, or None.
    """

    split: str
    rows: int
    tasks: dict[str, list[str]]
    ranked: bool
    resamples: int
    confidence: float
    seed: int
    margin: float
    cluster: str | None


@dataclass(frozen=True)
class ConfigurationDifference:
    """A key that differs.

    :param key: dotted, as on the command line.
    :param values: by the name of the group; None where the group has no such key.
    """

    key: str
    values: Json


@dataclass(frozen=True)
class SystemScore:
    """One run, one folder of predictions, or one baseline.

    :param name: unique and short.
    :param folder: where its predictions lie.
    :param group: name of its group.
    :param seed: of its training; None where it is not known, or there is none.
    :param uncalibrated: overall macro-F1 of argmax, before calibration and decision rule.
    :param overall: mean macro-F1 over the tasks, of the decisions.
    :param interval: of ``overall``, over rows alone.
    :param per_class: F1 of each class, by task.
    """

    name: str
    folder: str
    group: str
    kind: Literal["run", "predictions", "baseline"]
    seed: int | None
    uncalibrated: float
    overall: float
    interval: Interval
    macro_f1: dict[str, float | None]
    accuracy: dict[str, float | None]
    per_class: dict[str, dict[str, float]]

    @property
    def label(self) -> str:
        """What people call it: configuration and seed of a run."""
        return f"{self.group}, seed {self.seed}" if self.kind == "run" and self.seed is not None else self.name


@dataclass(frozen=True)
class GroupScore:
    """The runs of one configuration that differ only by their seed; often a single one.

    :param seeds: how many different seeds count.
    :param rank: 1 for the best mean; None where nothing was ranked.
    :param overall: mean over the seeds.
    :param deviation: standard deviation over the seeds; None for one seed.
    :param interval: of the mean: over rows, and over seeds where there are several.
    :param macro_f1: mean over the seeds, by task; None for a task without labelled rows.
    """

    name: str
    kind: Literal["run", "predictions", "baseline"]
    members: list[str]
    seeds: int
    rank: int | None
    overall: float
    uncalibrated: float
    deviation: float | None
    interval: Interval
    macro_f1: dict[str, float | None]
    macro_f1_intervals: dict[str, Interval]


@dataclass(frozen=True)
class TestResult:
    """A test of no difference.

    :param name: ``approximate randomisation``, ``jackknife over groups``, ``paired bootstrap``, ``McNemar``,
        ``rows and seeds``, ``permutation of runs`` or ``corrected resampled t-test``.
    :param about: what is tested: ``overall``, or ``errors in TASK``.
    :param p: its p-value.
    :param corrected: the same after Holm's correction over all pairs of the comparison.
    """

    __test__ = False  # pytest takes the name for a class of tests

    name: str
    about: str
    p: float
    corrected: float


@dataclass(frozen=True)
class PairResult:
    """Two groups; differences are ``second`` minus ``first``.

    :param difference: of overall macro-F1.
    :param interval: of ``difference``: over rows, and over seeds where a group has several.
    :param seeds: of first and second.
    :param seeds_included: whether the variance of the seed is in the interval.
    :param macro_f1: difference by task.
    :param macro_f1_intervals: intervals of ``macro_f1``.
    :param verdict: of ``second``; "equal" if it is smaller than the margin, "unclear" without evidence of either.
    :param equal: the test that decides between equal and unclear.
    :param rows_needed: rows with which a true difference of the margin would be found with a power of 80 % at the first
        step of Holm's correction; None if no number of rows is enough.
    :param seeds_needed: a range of seeds of each configuration that would do the same on these rows, its upper end None
        where it is open; None if no number is enough, or if nothing is known about the seed.
    :param sentence: all this in words.
    """

    first: str
    second: str
    difference: float
    interval: Interval
    seeds: tuple[int, int]
    seeds_included: bool
    macro_f1: dict[str, float | None]
    macro_f1_intervals: dict[str, Interval]
    tests: list[TestResult]
    equal: TestResult
    verdict: Verdict
    rows_needed: int | None
    seeds_needed: tuple[int, int | None] | None
    sentence: str


@dataclass(frozen=True)
class Chosen:
    """The first of a ranking: its score is too high, since it was chosen by it on the same rows.

    :param name: of the group.
    :param of: how many groups there were to choose from.
    :param score: overall macro-F1 on these rows.
    :param corrected: what further rows may be expected to give (bootstrap bias corrected selection); None where rows of
        (nearly) one group cannot say it.
    :param interval: of ``corrected``.
    :param equal: how many other groups have the very same score.
    """

    name: str
    of: int
    score: float
    corrected: float | None
    interval: Interval
    equal: int = 0

    @property
    def sentence(self) -> str:
        """All this in words."""
        known = "" if not self.interval.known else f", interval {self.interval.low:.4f} to {self.interval.high:.4f}"
        said = f"{self.name} is the best of {self.of}, chosen on these rows"
        if self.equal:
            said = (
                f"{self.name} is the first of {self.equal + 1} with the best score of {self.of}, chosen on these rows"
            )
        if self.corrected is None and self.equal == self.of - 1:  # perhaps they have decided the same
            return f"{said}; rows of one group cannot say whether its {self.score:.4f} is too high for that reason"
        if self.corrected is None:
            return f"{said}: {self.score:.4f} is too high for that reason; rows of one group cannot say by how much"
        if f"{self.corrected:.4f}" == f"{self.score:.4f}":
            return f"{said}; the choice adds nothing to its {self.score:.4f}"
        return f"{said}: {self.score:.4f} is too high for that reason; corrected {self.corrected:.4f}{known}"


@dataclass(frozen=True)
class Shortlist:
    """What a choice by validation scores leaves open.

    :param tied: names of the groups that cannot be told apart from the best, itself included, in their order.
    :param of: how many groups there were.
    :param recommended: the first of them whose score is at most one standard error below the best; the first of all
        where the error is not known.
    :param score: of ``recommended``, as it is on these rows.
    :param error: standard error of the best score; None where rows of (nearly) one group cannot say it.
    :param seeds: whether anything is known of what another seed would change.
    """

    tied: list[str]
    of: int
    recommended: str
    score: float
    error: float | None
    seeds: bool

    @property
    def tie(self) -> str:
        """How many are tied with the best: these need not be next to it, nor tied with each other; empty for none."""
        tied, others = len(self.tied) - 1, self.of - 1
        if not tied:
            return ""
        if tied == others:
            return f"the best of {times(self.of, 'configuration')} cannot be told apart from any other"
        return f"{tied:,} of the {times(others, 'other configuration')} cannot be told apart from the best"

    @property
    def sentences(self) -> list[str]:
        """All this in words."""
        alone = f"the best of {self.of} is better than each of the others, beyond chance"
        if not self.seeds:
            alone = (
                f"in these runs the best of {self.of} is better than each of the others on other rows, too; one run "
                "each says nothing of other seeds, with which another may be the best (seed=0,1,2)"
            )
        within = "the first that was asked for, since rows of one group tell none from another"
        if self.error is not None:
            within = f"the first that was asked for within one standard error ({self.error:.4f}) of the best"
        return [self.tie or alone, f"recommended: {self.recommended} ({self.score:.4f}), {within}"]


@dataclass(frozen=True)
class Comparison:
    """The whole of a comparison.

    :param marks: warnings that have to stand in every output, such as that a test split was used.
    :param notes: what a reader should know besides.
    :param differences: of the configurations; only keys that differ.
    :param groups: by rank, or in the order of their first systems where nothing was ranked.
    :param chosen: the first of the ranking; None where nothing was ranked, or there is but one.
    """

    setup: Setup
    marks: list[str]
    notes: list[str]
    differences: list[ConfigurationDifference]
    systems: list[SystemScore]
    groups: list[GroupScore]
    pairs: list[PairResult]
    chosen: Chosen | None = None
    version: int = field(default=VERSION)

    def to_dict(self) -> Json:
        """Plain containers, for JSON; null for an interval about which nothing is known."""
        return asdict(self, dict_factory=_without_unknown)


def _without_unknown(items: list[tuple[str, Any]]) -> Json:
    """A dictionary of these items; the ends of an interval that leaves nothing out are None."""
    made = dict(items)
    if set(made) == {"low", "high"} and not Interval(**made).known:
        return {"low": None, "high": None}
    return made
