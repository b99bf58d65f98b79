"""Names and values under which a validation pass is logged, and may be monitored."""

from collections.abc import Sequence

from polarity.evaluation.metrics import Scores
from polarity.tasks import Task


def score_metrics(scores: Scores) -> dict[str, float]:
    """Names and values under which validation scores are logged, and may be monitored."""
    values = {"val/macro_f1": scores.overall}
    for name, task in scores.tasks.items():
        values[f"val/{name}/macro_f1"] = task.macro_f1 if task.macro_f1 is not None else float("nan")
        values[f"val/{name}/accuracy"] = task.accuracy if task.accuracy is not None else float("nan")
        for label, value in task.per_class.items():
            values[f"val/{name}/f1/{label}"] = value.f1 if task.rows else float("nan")
    return values


def monitored_names(tasks: Sequence[Task]) -> list[str]:
    """Every name that ``monitor`` may have for these tasks."""
    names = ["val/macro_f1", "val/loss"]
    for task in tasks:
        names += [f"val/{task.name}/{what}" for what in ("macro_f1", "accuracy", "loss")]
        names += [f"val/{task.name}/f1/{label}" for label in task.classes]
    return names
