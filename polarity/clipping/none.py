"""No clipping."""

from typing import TYPE_CHECKING

from torch import Tensor
from torch.nn.utils import get_total_norm

from polarity.clipping.base import Clipping

if TYPE_CHECKING:
    from polarity.models import MultiTaskClassifier


class NoClipping(Clipping):
    """Gradients stay as they are; their norm is reported all the same, as "total"."""

    def clip(self, model: "MultiTaskClassifier") -> dict[str, Tensor]:
        gradients = [parameter.grad for parameter in model.parameters() if parameter.grad is not None]
        return {"total": get_total_norm(gradients)}
