"""One norm for the whole model."""

from typing import TYPE_CHECKING

from torch import Tensor
from torch.nn.utils import clip_grad_norm_

from polarity.clipping.base import Clipping
from polarity.settings import Positive

if TYPE_CHECKING:
    from polarity.models import MultiTaskClassifier


class NormClipping(Clipping):
    """A bound on the gradient g of all parameters together: g becomes g * min(1, max_norm / |g|).

    Pascanu et al., On the difficulty of training recurrent neural networks, ICML 2013 (arXiv 1211.5063).
    Norms: "total".

    :param max_norm: largest 2-norm.
    """

    def __init__(self, *, max_norm: Positive = 1.0) -> None:
        self.max_norm = max_norm

    def clip(self, model: "MultiTaskClassifier") -> dict[str, Tensor]:
        return {"total": clip_grad_norm_(model.parameters(), self.max_norm)}
