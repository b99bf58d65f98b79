"""Oversampling of rare combinations of labels."""

from collections.abc import Sequence
from typing import Annotated

import numpy as np
from pydantic import Field

from polarity.errors import UserError
from polarity.samplers.base import Sampler
from polarity.samplers.exposure import joint_cells
from polarity.settings import Fraction, PerClass, PositiveInt
from polarity.tasks import IGNORE_INDEX, Task, class_problems

Multiplier = Annotated[float, Field(ge=1, allow_inf_nan=False)]


class JointSampler(Sampler):
    r"""Draws rows with replacement, rare joint cells more often.

    A joint cell :math:`c` is a combination of labels over all tasks, with :math:`n_c` rows; a missing label is a value
    of its own. With the median taken over the cells that occur, a row of cell :math:`c` has the weight

    .. math:: w = \Bigl[(1 - \alpha) + \alpha\,\operatorname{clip}\Bigl(\frac{\operatorname{median}(n)}{n_c}, 1,
        \text{max\_mult}\Bigr)\Bigr] \prod_{\text{tasks } t} \text{boost}_t(\text{label}_t)

    where a class that is not boosted and a missing label have boost 1. Cells at or above the median keep weight 1:
    frequent rows are never drawn less often than in proportion to their number.

    :param alpha: how far to go from the natural distribution (0) towards cells of equal size (1).
    :param max_mult: largest factor for a rare cell before its boosts, so that no row is repeated too often; None for
        no limit.
    :param boosts: further factors by task and class name, e.g. ``{"polarization": {"objective": 6.0}}``.
    :param rows_per_epoch: rows drawn per epoch; None for as many as there are labelled rows.
    """

    def __init__(
        self,
        *,
        alpha: Fraction,
        max_mult: Multiplier | None,
        boosts: PerClass,
        rows_per_epoch: PositiveInt | None,
    ) -> None:
        super().__init__(rows_per_epoch=rows_per_epoch)
        if alpha == 0 and max_mult is not None:
            raise UserError("max_mult: has no effect with alpha=0; set it to null, or alpha above 0")
        if alpha > 0 and max_mult == 1:
            raise UserError("alpha: has no effect with max_mult=1; set alpha=0 and max_mult=null, or raise max_mult")
        self.alpha = alpha
        self.max_mult = max_mult
        self.boosts = boosts

    def problems(self, tasks: Sequence[Task]) -> list[str]:
        return class_problems("boosts", self.boosts, tasks)

    def _row_weights(self, labels: np.ndarray, tasks: Sequence[Task]) -> np.ndarray:
        cells, cell_of_row = joint_cells(labels)
        rows = np.bincount(cell_of_row)
        rarity = np.clip(np.median(rows) / rows, 1.0, self.max_mult)
        weights: np.ndarray = 1.0 - self.alpha + self.alpha * rarity
        for number, task in enumerate(tasks):
            boosts = self.boosts.get(task.name, {})
            factors = np.array([*(boosts.get(name, 1.0) for name in task.classes), 1.0])
            weights *= factors[np.where(cells[:, number] == IGNORE_INDEX, len(task.classes), cells[:, number])]
        return np.asarray(weights[cell_of_row])

    def _draw(self, weights: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        return generator.choice(len(weights), size=self.rows_drawn, p=weights / weights.sum())
