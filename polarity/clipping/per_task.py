"""One norm for each head, one for what the heads share."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from torch import Tensor
from torch.nn.utils import clip_grad_norm_

from polarity.clipping.base import Clipping
from polarity.settings import Positive
from polarity.tasks import Task, per_task_problems

if TYPE_CHECKING:
    from polarity.models import MultiTaskClassifier


class PerTaskClipping(Clipping):
    """Each head clipped on its own, so that a task with large gradients does not shrink the step of another's head.

    Each part as in :class:`~polarity.clipping.norm.NormClipping`. Norms: "shared" and "head.TASK".

    :param shared: largest 2-norm of encoder, pooling and trunk together.
    :param heads: largest 2-norm of each head, one for all or by task.
    """

    def __init__(self, *, shared: Positive = 1.0, heads: Positive | dict[str, Positive] = 1.0) -> None:
        self.shared = shared
        self.heads = heads

    def problems(self, tasks: Sequence[Task]) -> list[str]:
        return per_task_problems("heads", self.heads, tasks)

    def clip(self, model: "MultiTaskClassifier") -> dict[str, Tensor]:
        of_heads = set(model.heads.parameters())
        shared = [parameter for parameter in model.parameters() if parameter not in of_heads]
        norms = {"shared": clip_grad_norm_(shared, self.shared)}
        for task, head in model.heads.items():
            limit = self.heads[task] if isinstance(self.heads, Mapping) else self.heads
            norms[f"head.{task}"] = clip_grad_norm_(head.parameters(), limit)
        return norms
