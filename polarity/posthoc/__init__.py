"""From logits to decisions: calibration and decision rule, fitted on validation, stored beside the weights."""

from polarity.posthoc.decider import FILE, Decider, DecisionChoice, TaskDecider
from polarity.posthoc.fitting import Fitted, fit_decider

__all__ = ["FILE", "Decider", "DecisionChoice", "Fitted", "TaskDecider", "fit_decider"]
