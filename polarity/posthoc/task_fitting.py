"""Fitting one task, and keeping of it what helps."""

from dataclasses import replace

import numpy as np
from scipy.special import log_softmax

from polarity.analysis.calibration import calibration_numbers
from polarity.analysis.result import CalibrationNumbers
from polarity.calibration.none import NoCalibration
from polarity.content import Json
from polarity.decisions.rules import LargestLogit
from polarity.posthoc.crossfit import FittingMethod, LabelledRows, cross_fitted, judged_without
from polarity.posthoc.decider import TaskDecider
from polarity.posthoc.evidence import calibration_evidence, decision_evidence
from polarity.posthoc.gain import Gain, standard_error

SMALLEST = float(np.log(np.finfo(np.float64).eps))
"""Log-probability that smaller ones count as, here and in the negative log-likelihoods that are told."""

CLEAR = 6.0
"""Standard errors beyond the gate at which no part of the rows could judge otherwise."""


def fit_task(rows: LabelledRows, method: FittingMethod) -> tuple[TaskDecider, np.ndarray, Json]:
    """Decider, cross-fitted decisions ``[rows]`` and evidence of one task.

    The calibration is kept if it lowers the cross-fitted negative log-likelihood by as much as it asks for, the rule if
    its cross-fitted gain in macro-F1 is as large as the decision asks for.
    """
    asked, (log_p, decided) = method, cross_fitted(rows, method)
    raw, judged = np.asarray(log_softmax(rows.logits, axis=1)), log_p
    lowered = likelihood_gain(rows, raw, log_p)
    if not method.calibration.keeps(lowered) and not isinstance(method.calibration, NoCalibration):
        method = replace(method, calibration=NoCalibration())
        log_p, decided = cross_fitted(rows, method)
    scaling, rule = method.fit(rows)
    gain = rows.gain(rows.argmax, decided)
    kept = not isinstance(rule, LargestLogit) and method.keeps(gain)
    decider = TaskDecider(rows.task.classes, scaling, rule if kept else LargestLogit())
    if not method.evidence:
        return decider, decided if kept else rows.argmax, {}
    in_sample = rule.decide(rows.logits, scaling.log_probabilities(rows.logits))
    crossfit = _gated_by_other_folds(rows, method, gain, decided) if kept else rows.argmax
    ways = {"uncalibrated": rows.argmax, "in_sample": in_sample, "crossfit": decided, "honest": crossfit}
    evidence: Json = {
        "rows": len(rows.labels),
        "folds": min(method.folds, rows.units),
        "calibration": calibration_evidence(
            asked.calibration, scaling, rows.logits, _numbers(raw, rows), _numbers(judged, rows), lowered
        ),
        "decision": decision_evidence(rows, method.decision, rule, kept, gain, ways),
    }
    return decider, crossfit, evidence


def _gated_by_other_folds(rows: LabelledRows, method: FittingMethod, gain: Gain, decided: np.ndarray) -> np.ndarray:
    """What is decided about each row when the rule is judged without its fold too."""
    needed = method.decision.standard_errors
    if needed is None or gain.exceeds(needed + CLEAR):
        return decided  # every four fifths of the rows would judge alike, and the fits are those already made
    return judged_without(rows, method)


def likelihood_gain(rows: LabelledRows, before: np.ndarray, after: np.ndarray) -> Gain:
    """By how much the mean negative log-likelihood of the labels falls from log-probabilities ``[rows, classes]``.

    Its standard error is that of the rows, or that which the probabilities ``before`` expect of other labels of the
    same rows, if this is larger: where a mistake is rare, the rows may hold none that would tell of it.
    """
    lowered = np.maximum(after, SMALLEST) - np.maximum(before, SMALLEST)
    probabilities = np.exp(before)
    mean = (probabilities * lowered).sum(axis=1)
    variance = (probabilities * (lowered - mean[:, None]) ** 2).sum(axis=1)
    of_labels = lowered[np.arange(len(rows.labels)), rows.labels]
    error, freedom = standard_error(of_labels, rows.groups)
    return Gain(float(of_labels.mean()), max(error, float(np.sqrt(variance.sum())) / len(rows.labels)), freedom)


def _numbers(log_probabilities: np.ndarray, rows: LabelledRows) -> CalibrationNumbers:
    return calibration_numbers(np.exp(log_probabilities), rows.labels)
