"""What an inspection found: plain values, which the console, the CSV files, the JSON file and the HTML report show."""

from dataclasses import asdict, dataclass
from typing import Literal

from polarity.content import Json

Level = Literal["stop", "warning", "note"]
Kind = Literal["exact", "near"]


@dataclass(frozen=True)
class Finding:
    """One sentence of the summary.

    :param level: ``stop``: training would refuse these data; ``warning``: to look into; ``note``: good to know.
    :param about: the section that shows more: ``data``, ``counts``, ``association``, ``lengths``, ``duplicates``,
        ``conflicts``, ``groups``, ``languages`` or ``labels``.
    """

    level: Level
    about: str
    text: str


@dataclass(frozen=True)
class Row:
    """One row of the data.

    :param text: empty where texts are not to be shown.
    :param context: the first text of a pair; empty where there are single texts, or where texts are not to be shown.
    """

    split: str
    id: str
    text: str
    context: str


@dataclass(frozen=True)
class TaskCounts:
    """Rows of each class in each split.

    :param rows: ``{split: {class: rows}}``.
    :param missing: ``{split: rows without a label of this task}``.
    """

    task: str
    classes: tuple[str, ...]
    rows: dict[str, dict[str, int]]
    missing: dict[str, int]


@dataclass(frozen=True)
class JointCounts:
    """Rows of each combination of the classes of two tasks, and how strongly these go together.

    :param rows: ``{split: rows [first class][second class]}``; rows that lack either label do not count.
    :param total: rows that have both labels, over all splits.
    :param cramers_v: over all splits, from 0 (independent) to 1 (each tells the other), corrected for the bias of
        small samples; None where it is not defined (no common rows, or one class only).
    """

    first: str
    second: str
    first_classes: tuple[str, ...]
    second_classes: tuple[str, ...]
    rows: dict[str, tuple[tuple[int, ...], ...]]
    total: int
    cramers_v: float | None


@dataclass(frozen=True)
class SplitLengths:
    """How long the texts of a split are.

    :param cut: rows longer than the model reads; None where the tokenizer is not known.
    :param contexts_cut: rows whose context is longer than its share of them.
    :param histogram: rows between each two of the report's edges.
    """

    split: str
    rows: int
    mean: float
    median: float
    p95: float
    longest: int
    cut: int | None
    histogram: tuple[int, ...]
    contexts_cut: int = 0


@dataclass(frozen=True)
class Lengths:
    """Lengths of the rows as the model would read them if it cut none.

    Of pairs, those of both texts and of what stands between them, after contexts were cut to their share.

    :param unit: ``tokens``, or ``characters`` without a tokenizer.
    :param tokenizer: the model whose tokens were counted; None without one.
    :param max_length: tokens that the model is to read; longer rows are cut.
    :param edges: borders of the histograms' bars, one more than there are bars.
    """

    unit: Literal["tokens", "characters"]
    tokenizer: str | None
    max_length: int | None
    edges: tuple[int, ...]
    splits: tuple[SplitLengths, ...]


@dataclass(frozen=True)
class Overlap:
    """Rows with a counterpart: the same text, or nearly the same one that is not the same.

    :param first: a split; ``rows`` of it have a counterpart in ``second``.
    :param second: another split, of which ``others`` have a counterpart in ``first``; or the same split.
    """

    kind: Kind
    first: str
    second: str
    rows: int
    others: int


@dataclass(frozen=True)
class DuplicateGroup:
    """Rows with the same text (``exact``), or linked by texts that are nearly the same (``near``).

    :param size: all rows of the group; ``rows`` are the first of them.
    """

    kind: Kind
    size: int
    splits: tuple[str, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Duplicates:
    """Texts that occur more than once.

    :param groups: how many groups there are of each kind.
    :param linked: how many groups there are if the same texts and nearly the same ones are put together; with ``rows``.
    :param examples: groups that stand in several splits first, then the largest.
    """

    overlaps: tuple[Overlap, ...]
    groups: dict[Kind, int]
    linked: int
    rows: int
    examples: tuple[DuplicateGroup, ...]


@dataclass(frozen=True)
class Conflict:
    """A group of the same or nearly the same texts with several labels of a task.

    :param labels: the label of each of ``rows``; rows without one are left out.
    :param size: all labelled rows of the group; ``rows`` are the first of them.
    """

    task: str
    kind: Kind
    size: int
    rows: tuple[Row, ...]
    labels: tuple[str, ...]


@dataclass(frozen=True)
class Conflicts:
    """Label conflicts among duplicates.

    :param groups: ``{task: {kind: groups}}``; a near group counts only where its exact texts agree with themselves.
    :param rows: ``{task: {kind: labelled rows in these groups}}``.
    """

    groups: dict[str, dict[Kind, int]]
    rows: dict[str, dict[Kind, int]]
    examples: tuple[Conflict, ...]


@dataclass(frozen=True)
class GroupColumn:
    """A column whose values stand for several rows each: a post, an article, an author.

    :param asked: whether the settings name it as a group, so that no value of it should stand in two splits.
    :param values: how many there are.
    :param crossing: values that stand in more than one split.
    :param rows: ``{split: rows whose value is in the training split, too}``, for the other splits.
    :param shares: the same as shares of the split.
    :param examples: the most frequent crossing values, with rows by split; none where texts are not shown.
    """

    column: str
    asked: bool
    values: int
    crossing: int
    rows: dict[str, int]
    shares: dict[str, float]
    examples: tuple[tuple[str, dict[str, int]], ...]


@dataclass(frozen=True)
class Languages:
    """Rows by the value of the column that tells the language.

    :param rows: ``{language: {split: rows}}``, the most frequent first; empty cells are ``(none)``.
    :param classes: ``{task: {language: {class: rows}}}`` over all splits.
    """

    column: str
    rows: dict[str, dict[str, int]]
    classes: dict[str, dict[str, dict[str, int]]]


@dataclass(frozen=True)
class SuspiciousLabel:
    """A label that a linear model, which had not seen the row, finds hard to believe; the suggested one it does not."""

    row: Row
    task: str
    label: str
    suggested: str
    probability: float
    suggested_probability: float


@dataclass(frozen=True)
class ConfusedPair:
    """Rows of one class that were taken for another.

    :param share: of all rows of the class.
    """

    task: str
    label: str
    predicted: str
    rows: int
    share: float


@dataclass(frozen=True)
class ConfusedRow:
    """A row that was taken for another class.

    :param times: how many of the ``repeats`` cross-validations took it for another class than its label.
    :param predicted: the class that it was taken for most often.
    :param probability: of that class, mean over the repetitions.
    """

    row: Row
    task: str
    label: str
    predicted: str
    times: int
    repeats: int
    probability: float


@dataclass(frozen=True)
class TaskLabels:
    """What cross-validated linear models say about the labels of a task.

    :param macro_f1: of their predictions, each made without the row; None where the task cannot be cross-validated.
    :param suspicious: how many labels are suspicious, by class.
    :param whole: columns whose values were left out as wholes; none: rows were, and the copies of their texts.
    """

    task: str
    rows: int
    macro_f1: float | None
    suspicious: dict[str, int]
    examples: tuple[SuspiciousLabel, ...]
    pairs: tuple[ConfusedPair, ...]
    confused: tuple[ConfusedRow, ...]
    whole: tuple[str, ...] = ()

    @property
    def validated(self) -> str:
        """What the cross-validation went over."""
        return f"over whole values of {', '.join(self.whole)}" if self.whole else "over random rows"


@dataclass(frozen=True)
class Inspection:
    """Everything that was found. Sections that were not asked for, or do not apply, are None or empty.

    :param source: the data section as it prints itself.
    :param fingerprints: ``{split: fingerprint}``, as in a run's ``environment.json``.
    :param unlabelled: ``{split: rows without any label}``.
    :param findings: the summary, worst first.
    """

    source: str
    time: str
    fingerprints: dict[str, str]
    rows: dict[str, int]
    unlabelled: dict[str, int]
    findings: tuple[Finding, ...]
    counts: tuple[TaskCounts, ...]
    joint: tuple[JointCounts, ...]
    lengths: Lengths
    duplicates: Duplicates
    conflicts: Conflicts
    groups: tuple[GroupColumn, ...]
    languages: Languages | None
    labels: tuple[TaskLabels, ...]

    def to_dict(self) -> Json:
        """For JSON."""
        return asdict(self)
