"""Cross-entropy is torch's, per task."""

import pytest
import torch
from torch.nn import functional as F

from polarity.losses import CrossEntropyLoss
from polarity.tasks import IGNORE_INDEX, Task

TASKS = (Task("a", ("x", "y", "z"), "a"),)


@pytest.mark.parametrize("smoothing", [0.0, 0.12])
@pytest.mark.parametrize("class_weights", [None, "balanced"])
def test_weighted_mean_is_cross_entropy_of_torch(class_weights: str | None, smoothing: float) -> None:
    loss = CrossEntropyLoss(class_weights=class_weights, smoothing=smoothing)
    loss.bind(TASKS, [[70, 20, 10]])
    logits, labels = torch.randn(9, 3), torch.tensor([0, 1, 2, IGNORE_INDEX, 0, 1, 2, 0, IGNORE_INDEX])
    expected = F.cross_entropy(logits, labels, loss.weights[0], ignore_index=IGNORE_INDEX, label_smoothing=smoothing)
    torch.testing.assert_close(loss([logits], labels[:, None])[0], expected)
