"""The settings that all losses share, stated once."""

from typing import Literal, TypedDict

from polarity.losses.class_weights import Beta, WeightMode, WeightRange
from polarity.settings import NonNegative, PerClass, ProperFraction

Reduction = Literal["weighted_mean", "mean"]
Smoothing = ProperFraction | dict[str, ProperFraction]


class LossSettings(TypedDict, total=False):
    """Arguments of every loss; the constructor of one takes them as ``**shared: Unpack[LossSettings]``.

    :param smoothing: label smoothing in [0, 1), one for all or by task; the smoothed part is weighted by class, as in
        :func:`torch.nn.functional.cross_entropy`.
    :param class_weights: None, "balanced" or "effective", see :class:`~polarity.losses.class_weights.ClassWeights`.
    :param multipliers: factors of class weights, ``{task: {class: factor}}``.
    :param clip: [low, high] of the class weights, or None.
    :param effective_beta: beta of class_weights="effective"; None otherwise.
    :param task_weights: weights of the tasks in the total, ``{task: weight}``; 1 for what is not named. The loss does
        not apply them: the training step needs the plain losses as well.
    :param reduction: what the sum over rows is divided by, see :class:`~polarity.losses.base.MultiTaskLoss`.
    """

    smoothing: Smoothing
    class_weights: WeightMode | None
    multipliers: PerClass | None
    clip: WeightRange | None
    effective_beta: Beta | None
    task_weights: dict[str, NonNegative] | None
    reduction: Reduction


DEFAULTS: LossSettings = {
    "smoothing": 0.0,
    "class_weights": None,
    "multipliers": None,
    "clip": None,
    "effective_beta": None,
    "task_weights": None,
    "reduction": "weighted_mean",
}
