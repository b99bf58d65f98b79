"""How well probabilities tell how often they are right, before and after calibration."""

import numpy as np
from scipy.special import softmax

from polarity.analysis.result import CalibrationNumbers, ReliabilityBin, TaskCalibration
from polarity.evaluation.predictions import TaskPredictions

BINS = 15
"""As Guo et al., On Calibration of Modern Neural Networks, ICML 2017 (arXiv 1706.04599)."""

EDGES = np.linspace(0, 1, BINS + 1)
SAMPLES = 1000
EXACT = 300
"""Rows of a bin up to which each is drawn by itself."""

ROUNDING = 1e-5
"""Of probabilities and logits in files; a calibration that is kept changes more."""

FEW = 20.0
"""Expected mistakes among more rows up to which their number is drawn from Poisson's distribution."""


def task_calibration(predictions: TaskPredictions) -> TaskCalibration:
    """Before: the softmax of the raw logits. After: the file's probabilities. Both over the labelled rows."""
    known = predictions.known
    labels = predictions.labels[known]
    before = after = None
    if len(labels) and predictions.logits is not None:
        before = calibration_numbers(softmax(predictions.logits[known].astype(np.float64), axis=1), labels)
    if len(labels) and predictions.probabilities is not None:
        after = calibration_numbers(predictions.probabilities[known], labels)
    fitted_here = predictions.crossfit is not None and is_calibrated(predictions)
    return TaskCalibration(predictions.task.name, len(labels), before, after, fitted_here)


def is_calibrated(predictions: TaskPredictions) -> bool:
    """Whether the probabilities are others than the softmax of the logits; so without logits, for all that is known."""
    if predictions.logits is None or predictions.probabilities is None:
        return predictions.probabilities is not None
    plain = softmax(predictions.logits.astype(np.float64), axis=1)
    return not np.allclose(plain, predictions.probabilities, rtol=0, atol=ROUNDING)


def calibration_numbers(probabilities: np.ndarray, labels: np.ndarray) -> CalibrationNumbers:
    """Expected calibration error, Brier score and log-likelihood of at least one row.

        ECE = sum over bins of rows(bin) / rows * |accuracy(bin) - confidence(bin)|
        Brier = mean over rows of sum over classes of (p - [class is the label])^2

    Brier, Verification of forecasts expressed in terms of probability, 1950.

    :param probabilities: float64 ``[rows, classes]``.
    :param labels: class indices ``[rows]``.
    """
    from sklearn.metrics import log_loss

    bins = reliability_bins(probabilities, labels)
    gaps = [item.rows * abs(item.accuracy - item.confidence) for item in bins
            if item.accuracy is not None and item.confidence is not None]  # fmt: skip
    chance = ece_of_calibrated(probabilities.max(axis=1))
    one_hot = np.eye(probabilities.shape[1])[labels]
    return CalibrationNumbers(
        ece=float(sum(gaps) / len(labels)),
        ece_by_chance=float(chance.mean()),
        ece_limit=float(np.quantile(chance, 0.95)),
        brier=float(((probabilities - one_hot) ** 2).sum(axis=1).mean()),
        nll=float(log_loss(labels, _normal(probabilities), labels=np.arange(probabilities.shape[1]))),
        bins=bins,
    )


def ece_of_calibrated(confidence: np.ndarray) -> np.ndarray:
    """ECE of a model that is right just as often as it says, on as many rows: what chance alone gives, ``[SAMPLES]``.

    Each row is right with its own confidence (consistency resampling: Broecker and Smith, Increasing the Reliability of
    Reliability Diagrams, Weather and Forecasting 2007). The hits of a bin of many rows are drawn from the normal
    distribution of the same mean and variance, the misses from Poisson's where they are few.

    :param confidence: float64 ``[rows]``, the largest probability of each row.
    """
    generator, total, confidence = np.random.default_rng(0), np.zeros(SAMPLES), np.minimum(confidence, 1.0)
    which = bin_of(confidence)
    for number in np.unique(which):
        inside = confidence[which == number]
        if len(inside) <= EXACT:
            hits = (generator.random((SAMPLES, len(inside))) < inside).sum(axis=1).astype(np.float64)
        elif (misses := float((1 - inside).sum())) < FEW:
            hits = len(inside) - generator.poisson(misses, SAMPLES)
        else:
            hits = generator.normal(inside.sum(), np.sqrt((inside * (1 - inside)).sum()), SAMPLES)
        total += abs(hits - inside.sum())
    return np.asarray(total / len(confidence))


def bin_of(confidence: np.ndarray) -> np.ndarray:
    """The number of each row's bin, int64 ``[rows]``."""
    return np.clip(np.searchsorted(EDGES, confidence, side="right") - 1, 0, BINS - 1)


def reliability_bins(probabilities: np.ndarray, labels: np.ndarray) -> tuple[ReliabilityBin, ...]:
    """Confidence and accuracy in bins of equal width."""
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == labels
    which = bin_of(confidence)
    bins = []
    for number in range(BINS):
        inside = which == number
        rows = int(inside.sum())
        means = (float(confidence[inside].mean()), float(right[inside].mean())) if rows else (None, None)
        bins.append(ReliabilityBin(float(EDGES[number]), float(EDGES[number + 1]), rows, *means))
    return tuple(bins)


def _normal(probabilities: np.ndarray) -> np.ndarray:
    """Rows that sum to 1 to the last digit, since files may hold rounded ones."""
    normal: np.ndarray = probabilities / probabilities.sum(axis=1, keepdims=True)
    return normal
