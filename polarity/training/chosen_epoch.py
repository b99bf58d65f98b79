"""The best epoch was chosen by its validation score, so that score is too high: by how much."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from polarity.content import Json
from polarity.errors import UserError
from polarity.evaluation.predictions import Predictions
from polarity.run import RunDirectory
from polarity.runs.environment import read_environment
from polarity.statistics.counts import Counts
from polarity.statistics.groups import FEWEST
from polarity.statistics.interval import UNKNOWN
from polarity.statistics.score_intervals import intervals
from polarity.statistics.selection import RESAMPLES, select_best

SCORE = "val/macro_f1"


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
    selection |= {"low": None, "high": None, "sentence": "; ".join([NOT_KNOWN, *_chosen_before(run)])}
    files = sorted(run.epochs.glob("*.npy"))
    validated = max(0, run.history.read_text(encoding="utf-8").count("\n") - 1) if run.history.is_file() else 0
    if not files or len(files) < validated:
        return selection
    epochs = [np.load(path, allow_pickle=False).astype(np.int64) for path in files]
    if any(epoch.shape != labels.shape for epoch in epochs):
        return selection
    if len(epochs) == 1:
        sentence = "".join(_chosen_before(run))
        return selection | {"epochs": 1, "optimism": 0.0, "corrected": overall, "sentence": sentence}
    counts = Counts(tasks, labels, [list(epoch.T) for epoch in epochs], predictions.clusters)
    if (freedom := own.freedom()) is not None and freedom < FEWEST:  # a resample leaves nothing out
        said = ONE_GROUP if len(np.unique(counts.observed().overall)) > 1 else ONE_GROUP_ALIKE
        return selection | {"epochs": len(epochs), "sentence": "; ".join([said, *_chosen_before(run)])}
    chosen = select_best(counts, [[number] for number in range(len(epochs))])
    ordinary = intervals(predictions, decided, resamples=RESAMPLES).overall or UNKNOWN
    interval, corrected = chosen.interval(ordinary), max(0.0, overall - chosen.optimism)
    selection |= {"epochs": len(epochs), "optimism": chosen.optimism, "corrected": corrected}
    if interval.known:
        selection |= {"low": interval.low, "high": interval.high}
    return selection | {"sentence": "; ".join([_sentence(selection, str(best["monitor"])), *_chosen_before(run)])}


NOT_KNOWN = (
    "the epoch was chosen on the validation rows, so their score is too high; by how much is not known, since the "
    "decisions of the other epochs are not there"
)

ONE_GROUP = (
    "the epoch was chosen on the validation rows, so their score is too high; rows of one group cannot say by how much"
)


ONE_GROUP_ALIKE = (
    "the epoch was chosen on the validation rows, of which all epochs have the same score; rows of one group cannot "
    "say whether it is too high for that reason"
)


def _chosen_before(run: RunDirectory) -> list[str]:
    """That the weights which training began with had been validated on the same rows, by which an epoch is chosen."""
    try:
        origin = run.settings.origin
        if origin is None:
            return []
        ours, theirs = (read_environment(one)["data"]["val"] for one in (run, RunDirectory(Path(origin))))
    except UserError:  # that run may be gone by now
        return []
    if ours["fingerprint"] != theirs["fingerprint"]:
        return []
    return [
        f"the weights of {origin}, with which it began, may have been chosen on these rows, too, which is not counted"
    ]


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
