"""All baselines of a data set, made once and kept beside the token cache."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np

from polarity.baselines.linear import choose
from polarity.baselines.majority import majority_logits
from polarity.baselines.texts import LinearTexts
from polarity.calibration.base import Calibration
from polarity.data.cache import cached_arrays
from polarity.data.ngrams import TextFeatures
from polarity.data.rows import Rows, Splits
from polarity.decisions.base import Decision
from polarity.evaluation.predictions import Predictions, write_predictions
from polarity.posthoc import fit_decider
from polarity.run import RunDirectory
from polarity.tasks import Task

BASELINES = ("majority", "linear", "linear+rule")
"""Names of the baselines, as they stand in tables and under ``baselines/`` in a run's folder."""

FORMAT = 2
"""Raise it whenever the same data would give other baselines."""

BaselinePredictions = dict[str, dict[str, Predictions]]
"""``{baseline: {split: predictions}}``."""


@dataclass(frozen=True)
class Linear:
    """What the linear model says.

    :param logits: log-probabilities, float32 ``[rows, classes]`` per task, by split.
    :param strengths: the C that validation chose, by task.
    """

    logits: dict[str, list[np.ndarray]]
    strengths: dict[str, float]


def baselines(splits: Splits, cache: Path, *, calibration: Calibration, decision: Decision) -> BaselinePredictions:
    """Predictions of every baseline on validation and, where there is one, test.

    ``majority`` is the most frequent class. ``linear`` is the linear model, its C chosen on validation, and
    ``linear+rule`` the same with calibration and decision rule, fitted on validation as a run's are. Logits are
    log-probabilities.

    :param cache: folder that keeps the linear model's logits; see :func:`linear`.
    """
    tasks, parts = splits.tasks, evaluated(splits)
    counts = splits.train.class_counts(tasks)
    plain = {name: majority_logits(tasks, counts, len(rows)) for name, rows in parts.items()}
    by_baseline: BaselinePredictions = {"majority": _undecided(tasks, parts, plain)}
    by_baseline["linear"] = _undecided(tasks, parts, linear(splits, cache).logits)
    fitted = fit_decider(by_baseline["linear"]["val"], calibration, decision)
    others = {name: fitted.decider.apply(part) for name, part in by_baseline["linear"].items() if name != "val"}
    by_baseline["linear+rule"] = {"val": fitted.predictions, **others}
    return by_baseline


def write_baselines(
    run: RunDirectory, splits: Splits, cache: Path, *, calibration: Calibration, decision: Decision
) -> BaselinePredictions:
    """The same, written to ``run.baseline(name, split)`` in the schema of the model's predictions."""
    by_baseline = baselines(splits, cache, calibration=calibration, decision=decision)
    for name, parts in by_baseline.items():
        for split, predictions in parts.items():
            write_predictions(run.baseline(name, split), predictions)
    return by_baseline


def linear(splits: Splits, cache: Path) -> Linear:
    """The linear model's logits, trained once for all runs on the same rows.

    They are kept in ``CACHE/baselines/FINGERPRINT``: read back if they are whole, else made again; several runs may do
    so at once.
    """
    tasks, parts = splits.tasks, evaluated(splits)
    arrays = cached_arrays(cache / "baselines" / data_fingerprint(splits), lambda: _train(splits))
    logits = {
        name: [np.array(arrays[f"{name}-{number}"]) for number in range(len(tasks))]  # no longer bound to the file
        for name in parts
    }
    strengths = arrays["strengths"].tolist()
    return Linear(logits, {task.name: strengths[number] for number, task in enumerate(tasks)})


def evaluated(splits: Splits) -> dict[str, Rows]:
    """The splits that baselines predict."""
    return {name: rows for name, rows in splits.items() if name != "train"}


def data_fingerprint(splits: Splits, purpose: str = "linear") -> str:
    """Hash of everything that a baseline depends on: the rows of all splits, the tasks, and how it is made."""
    tasks = [(task.name, task.classes) for task in splits.tasks]
    parts = [(name, rows.fingerprint(contexts=True), rows.context is None) for name, rows in splits.items()]
    made_by = version("scikit-learn")
    return hashlib.blake2b(repr((FORMAT, purpose, tasks, parts, made_by)).encode(), digest_size=16).hexdigest()


def fit_linear(splits: Splits) -> LinearTexts:
    """The linear models themselves, of all tasks."""
    features, val = TextFeatures(), splits.val
    train = features.fit(splits.train)
    vectors = features.transform(val)
    tuned = [
        choose(task, (train, splits.train.labels[:, number]), (vectors, val.labels[:, number]))
        for number, task in enumerate(splits.tasks)
    ]
    return LinearTexts(splits.tasks, features, tuple(one.model for one in tuned), tuple(one.strength for one in tuned))


def _train(splits: Splits) -> dict[str, np.ndarray]:
    fitted, arrays = fit_linear(splits), dict[str, np.ndarray]()
    for name, rows in evaluated(splits).items():
        arrays |= {f"{name}-{number}": logits for number, logits in enumerate(fitted.logits(rows))}
    return arrays | {"strengths": np.array(fitted.strengths)}


def _undecided(
    tasks: Sequence[Task], parts: Mapping[str, Rows], logits: Mapping[str, list[np.ndarray]]
) -> dict[str, Predictions]:
    return {name: Predictions.undecided(tasks, rows, logits[name]) for name, rows in parts.items()}
