"""The best epoch was chosen by its validation score, so that score is too high: by how much."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from polarity.content import Json
from polarity.errors import UserError
from polarity.evaluation.predictions import Predictions
from polarity.paths import expanded
from polarity.run import RunDirectory
from polarity.runs.environment import read_environment
from polarity.statistics.counts import Counts
from polarity.statistics.groups import FEWEST
from polarity.statistics.interval import UNKNOWN
from polarity.statistics.score_intervals import intervals
from polarity.statistics.selection import RESAMPLES, select_best

SCORE = "val/macro_f1"
CHOSEN = "the epoch was chosen on the validation rows"
TOO_HIGH = f"{CHOSEN}, so their score is too high"
OTHERS_GONE = f"{TOO_HIGH}; by how much is not known, since the decisions of the other epochs are not there"
ONE_GROUP = f"{TOO_HIGH}; rows of one group cannot say by how much"
ONE_GROUP_ALIKE = (
    f"{CHOSEN}, of which all epochs have the same score; rows of one group cannot say whether it is too high for that "
    "reason"
)


def chosen_epoch(run: RunDirectory, predictions: Predictions, best: Mapping[str, Any]) -> Json:
    """The overall validation score, corrected for the choice of the epoch, as it stands in ``metrics.json``.

    ``epochs`` is how many there were to choose from. The optimism is that of choosing among their argmax decisions by
    overall macro-F1; if another score was monitored it is no more than that. ``corrected``, ``low`` and ``high`` are
    None where the epochs' decisions are not there, or rows of one group say nothing.

    :param predictions: of the best epoch, with its cross-fitted decisions.
    """
    tasks, labels = [item.task for item in predictions.tasks], predictions.labels
    decided = [item.honest for item in predictions.tasks]
    own = Counts(tasks, labels, [decided], predictions.clusters)
    overall = float(own.observed().overall[0, 0])
    selection: Json = {"epochs": None, "overall": overall, "optimism": None, "corrected": None}
    selection |= {"low": None, "high": None}
    before = _chosen_before(run)

    def told(sentence: str) -> Json:
        return selection | {"sentence": "; ".join(filter(None, [sentence, *before]))}

    files = sorted(run.epochs.glob("*.npy"))
    validated = max(0, run.history.read_text(encoding="utf-8").count("\n") - 1) if run.history.is_file() else 0
    loaded = (np.load(path, allow_pickle=False).astype(np.int64) for path in files)
    epochs = list(loaded) if len(files) >= validated else []
    if not epochs or any(epoch.shape != labels.shape for epoch in epochs):
        return told(OTHERS_GONE)
    selection["epochs"] = len(epochs)
    if len(epochs) == 1:
        selection |= {"optimism": 0.0, "corrected": overall}
        return told("")
    counts = Counts(tasks, labels, [list(epoch.T) for epoch in epochs], predictions.clusters)
    if (freedom := own.freedom()) is not None and freedom < FEWEST:  # a resample leaves nothing out
        return told(ONE_GROUP if len(np.unique(counts.observed().overall)) > 1 else ONE_GROUP_ALIKE)
    chosen = select_best(counts, [[number] for number in range(len(epochs))])
    ordinary = intervals(predictions, decided, resamples=RESAMPLES).overall or UNKNOWN
    interval = chosen.interval(ordinary)
    selection |= {"optimism": chosen.optimism, "corrected": max(0.0, overall - chosen.optimism)}
    if interval.known:
        selection |= {"low": interval.low, "high": interval.high}
    return told(_sentence(selection, str(best["monitor"])))


def _chosen_before(run: RunDirectory) -> list[str]:
    """What had been validated on the same rows before, by which an epoch is chosen: first weights, and a teacher."""
    settings = run.settings
    before = {"the weights of {}, with which it began,": settings.origin, "its teacher, {},": settings.teacher}
    return [
        f"{what.format(folder)} may have been chosen on these rows, too, which is not counted"
        for what, folder in before.items()
        if folder is not None and _has_rows_of(run, expanded(folder))
    ]


def _has_rows_of(run: RunDirectory, folder: Path) -> bool:
    try:
        ours, theirs = (read_environment(one)["data"].get("val") for one in (run, RunDirectory(folder)))
    except UserError:  # that run may be gone by now
        return False
    return bool(ours and theirs and ours["fingerprint"] == theirs["fingerprint"])  # a refit has no validation rows


def _sentence(selection: Mapping[str, Any], monitor: str) -> str:
    interval = "" if selection["low"] is None else f", interval {selection['low']:.4f} to {selection['high']:.4f}"
    said = f"the epoch is the best of {selection['epochs']}, chosen on the validation rows"
    if f"{selection['corrected']:.4f}" == f"{selection['overall']:.4f}":
        return f"{said}; that adds nothing to their overall score of {selection['overall']:.4f}"
    least = "" if monitor == SCORE else f" at least (it was {monitor} that chose)"
    return (
        f"{said}: their overall score of {selection['overall']:.4f} is too high for that reason; "
        f"corrected {selection['corrected']:.4f}{least}{interval}"
    )
