"""Names and values under which a validation pass is logged, and may be monitored."""

from collections.abc import Sequence

import numpy as np
import torch
from torch.nn import functional as F

from polarity.evaluation.metrics import Scores
from polarity.tasks import IGNORE_INDEX, Task


def score_metrics(scores: Scores, split: str = "val") -> dict[str, float]:
    """Names and values under which scores are logged, and may be monitored."""
    values = {f"{split}/macro_f1": scores.overall}
    for name, task in scores.tasks.items():
        values[f"{split}/{name}/macro_f1"] = task.macro_f1 if task.macro_f1 is not None else float("nan")
        values[f"{split}/{name}/accuracy"] = task.accuracy if task.accuracy is not None else float("nan")
        for label, value in task.per_class.items():
            values[f"{split}/{name}/f1/{label}"] = value.f1 if task.rows else float("nan")
    return values


def loss_metrics(tasks: Sequence[Task], labels: np.ndarray, logits: Sequence[np.ndarray]) -> dict[str, float]:
    """Plain cross-entropy per task and its mean: the same yardstick for every training loss."""
    values: dict[str, float] = {}
    for number, task in enumerate(tasks):
        target = torch.from_numpy(labels[:, number])
        if bool((target != IGNORE_INDEX).any()):
            loss = F.cross_entropy(torch.from_numpy(logits[number]), target, ignore_index=IGNORE_INDEX)
            values[f"val/{task.name}/loss"] = float(loss)
    values["val/loss"] = float(np.mean(list(values.values())))
    return values


def monitored_names(tasks: Sequence[Task]) -> list[str]:
    """Every name that ``monitor`` may have for these tasks."""
    names = ["val/macro_f1", "val/loss"]
    for task in tasks:
        names += [f"val/{task.name}/{what}" for what in ("macro_f1", "accuracy", "loss")]
        names += [f"val/{task.name}/f1/{label}" for label in task.classes]
    return names
