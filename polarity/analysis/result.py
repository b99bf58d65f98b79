"""What :func:`polarity.analysis.analyse` finds: plain values that any report can show and JSON can hold."""

from dataclasses import asdict, dataclass
from typing import Literal

import numpy as np

from polarity.content import Json
from polarity.evaluation.metrics import task_score_of
from polarity.tasks import Task

DecisionName = Literal["uncalibrated", "decided", "crossfit"]
"""How classes were chosen from the logits.

``uncalibrated``: the largest raw logit. ``decided``: the stored rule, which is what predict and evaluate give.
``crossfit``: a rule fitted without the row's fold; only on the split that the stored rule was fitted on.
"""

SlicingKind = Literal["task", "metadata", "length"]


@dataclass(frozen=True)
class Estimate:
    """A score and its bootstrap interval, as fractions.

    :param value: None where there is no labelled row.
    :param low: None where no interval was asked for.
    """

    value: float | None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class ClassResult:
    """One class of a task.

    :param support: labelled rows of the class.
    :param predicted: labelled rows that were taken for it; of a repeated cross-validation, on average.
    """

    name: str
    support: int
    predicted: float
    precision: Estimate
    recall: Estimate
    f1: Estimate


@dataclass(frozen=True)
class TaskResult:
    """Scores of one task.

    :param rows: labelled rows.
    :param confusion: ``confusion[label][predicted]``, in the order of ``classes``.
    """

    task: str
    rows: int
    macro_f1: Estimate
    accuracy: Estimate
    classes: tuple[ClassResult, ...]
    confusion: tuple[tuple[int, ...], ...]

    @property
    def confused(self) -> tuple[ClassResult, ...]:
        """The classes by the cells of ``confusion``, which are of the first repeat where ``classes`` are means."""
        table = np.array(self.confusion)
        scores = task_score_of(Task(self.task, tuple(one.name for one in self.classes), self.task), table).per_class
        decided = dict(zip(scores, table.sum(axis=0).tolist(), strict=True))
        return tuple(
            ClassResult(name, own.support, decided[name], *map(Estimate, (own.precision, own.recall, own.f1)))
            for name, own in scores.items()
        )


@dataclass(frozen=True)
class Result:
    """Scores of all tasks under one way of deciding.

    :param overall: mean macro-F1 of the tasks that have labelled rows.
    """

    decision: DecisionName
    rows: int
    overall: Estimate
    tasks: tuple[TaskResult, ...]

    def task(self, name: str) -> TaskResult:
        """The result of the task of this name."""
        return next(item for item in self.tasks if item.task == name)


@dataclass(frozen=True)
class SliceScore:
    """One task within one part of the rows.

    :param rows: labelled rows of the task in the part.
    :param macro_f1: over ALL classes of the task, an absent class counting 0.
    :param per_class: F1 of each class of the task, in their order.
    :param support: labelled rows of each class.
    :param absent: classes without a row in the part; with any of them, ``macro_f1`` does not compare with other parts.
    """

    task: str
    rows: int
    macro_f1: Estimate
    accuracy: Estimate
    per_class: tuple[Estimate, ...]
    support: tuple[int, ...]
    absent: tuple[str, ...]

    @property
    def f1(self) -> tuple[float, ...]:
        """F1 of each class, 0 without rows."""
        return tuple(item.value or 0.0 for item in self.per_class)


@dataclass(frozen=True)
class Slice:
    """One part of the rows.

    :param value: of the column, a class of the other task, or a range of tokens such as ``9-14``.
    :param rows: of the part, labelled or not.
    """

    value: str
    rows: int
    scores: tuple[SliceScore, ...]


@dataclass(frozen=True)
class Slicing:
    """All rows cut into parts by one property; decisions are those of :attr:`Analysis.headline`.

    :param by: name of the task, or of the metadata column; ``tokens`` for lengths.
    """

    kind: SlicingKind
    by: str
    slices: tuple[Slice, ...]


@dataclass(frozen=True)
class ReliabilityBin:
    """Rows whose largest probability lies in ``[low, high)``; the last bin includes 1.

    :param confidence: mean of these probabilities, and ``accuracy`` how often that class is right; None without rows.
    """

    low: float
    high: float
    rows: int
    confidence: float | None
    accuracy: float | None


@dataclass(frozen=True)
class CalibrationNumbers:
    """How well probabilities tell how often they are right, over the labelled rows.

    :param ece: expected calibration error of the largest probability, 15 bins of equal width. Few rows give an error
        even to perfect probabilities: ``ece_by_chance`` on average, and at most ``ece_limit`` in 95 % of the samples.
    :param brier: mean over rows of the squared distance to the one-hot label, from 0 to 2.
    :param nll: mean negative log-likelihood of the label, in nats.
    """

    ece: float
    ece_by_chance: float
    ece_limit: float
    brier: float
    nll: float
    bins: tuple[ReliabilityBin, ...]


@dataclass(frozen=True)
class TaskCalibration:
    """Probabilities of one task before and after calibration.

    :param before: of the softmax of the raw logits; None without logits or labels.
    :param after: of the calibrated probabilities; None where they are not known.
    :param fitted_here: calibration, where it was kept, was fitted on these very rows, so that ``after`` flatters.
    """

    task: str
    rows: int
    before: CalibrationNumbers | None
    after: CalibrationNumbers | None
    fitted_here: bool


@dataclass(frozen=True)
class PrecisionRecall:
    """Precision and recall of one class against all others, as the threshold on its calibrated probability rises.

    :param average_precision: of the whole curve (not of the points shown); None without a row of the class.
    :param prevalence: share of the class, the precision of a guess.
    :param recall: falling, with ``precision`` and ``thresholds`` of the same length; a thinned copy of the exact curve.
    :param hits: true positives at the thresholds 0, 0.01, ... 1, and ``false_alarms`` the false positives there.
    """

    task: str
    label: str
    support: int
    average_precision: float | None
    prevalence: float
    recall: tuple[float, ...]
    precision: tuple[float, ...]
    thresholds: tuple[float, ...]
    hits: tuple[int, ...]
    false_alarms: tuple[int, ...]


@dataclass(frozen=True)
class Mistake:
    """A row that was confidently wrong; decisions are those of :attr:`Analysis.headline`.

    :param row: number of the row in the predictions, from 0.
    :param confidence: calibrated probability of the predicted class.
    :param label_probability: calibrated probability of the label.
    """

    row: int
    id: str
    task: str
    label: str
    predicted: str
    confidence: float
    label_probability: float


@dataclass(frozen=True)
class Analysis:
    """Everything that is said about one file of predictions.

    :param rows: of the file.
    :param classes: class names of each task, in the order of their indices; the order of the tasks.
    :param decided: None of the three is ever estimated from another; ``crossfit`` is None where the stored rule was
        fitted on other rows, and then ``decided`` is honest.
    :param uncalibrated: None where the file holds no logits.
    :param calibration: one a task.
    :param curves: one a class with probabilities, task after task.
    :param mistakes: most confident first, task after task.
    :param resamples: of the bootstrap; 0 where no interval was asked for.
    :param notes: what could not be computed, and why.
    :param repeats: of a cross-validation, which the scores of all rows and of classes are means of; all else is of the
        first.
    """

    rows: int
    classes: dict[str, tuple[str, ...]]
    uncalibrated: Result | None
    decided: Result
    crossfit: Result | None
    slicings: tuple[Slicing, ...]
    calibration: tuple[TaskCalibration, ...]
    curves: tuple[PrecisionRecall, ...]
    mistakes: tuple[Mistake, ...]
    resamples: int
    confidence: float
    notes: tuple[str, ...]
    repeats: int = 1

    @property
    def headline(self) -> Result:
        """The honest result: cross-fitted on the split that the rule was fitted on, else that of the stored rule."""
        return self.decided if self.crossfit is None else self.crossfit

    @property
    def results(self) -> tuple[Result, ...]:
        """The results that there are, from raw to honest."""
        return tuple(item for item in (self.uncalibrated, self.decided, self.crossfit) if item is not None)

    @property
    def has_intervals(self) -> bool:
        """Whether scores have any: not where none were asked for, and not where all rows are of one group."""
        scores = [self.headline.overall, *(task.macro_f1 for task in self.headline.tasks)]
        return any(score.low is not None for score in scores)

    def slicing(self, kind: SlicingKind, by: str) -> Slicing:
        """The slicing of this kind by this name."""
        return next(item for item in self.slicings if (item.kind, item.by) == (kind, by))

    def to_dict(self) -> Json:
        """For JSON."""
        return asdict(self)
