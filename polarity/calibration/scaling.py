"""What every calibration becomes once it is fitted: a scale and a shift of each class's logit."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from scipy.special import log_softmax

from polarity.content import Json


@dataclass(frozen=True)
class Scaling:
    """Calibrated probabilities of one task, in float64.

        log p = log softmax(scale * z + shift)

    :param scale: one factor per class on its logit.
    :param shift: one summand per class.
    """

    scale: tuple[float, ...]
    shift: tuple[float, ...]

    @classmethod
    def identity(cls, classes: int) -> Self:
        """The scaling that leaves the softmax as it is."""
        return cls((1.0,) * classes, (0.0,) * classes)

    def log_probabilities(self, logits: np.ndarray) -> np.ndarray:
        """float64 ``[rows, classes]`` from raw logits of that shape."""
        scaled = logits.astype(np.float64) * np.asarray(self.scale) + np.asarray(self.shift)
        return np.asarray(log_softmax(scaled, axis=1)) if len(scaled) else scaled

    def to_dict(self) -> Json:
        """Plain values that JSON can hold."""
        return {"scale": list(self.scale), "shift": list(self.shift)}

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Self:
        """What :meth:`to_dict` gave.

        :raises KeyError, TypeError, ValueError: if it is something else.
        """
        scale, shift = (tuple(float(value) for value in content[key]) for key in ("scale", "shift"))
        if not np.isfinite([*scale, *shift]).all():
            raise ValueError("scale and shift have to be finite")
        return cls(scale, shift)
