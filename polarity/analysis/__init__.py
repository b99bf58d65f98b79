"""All that is said about one file of predictions, computed in one place."""

from polarity.analysis.analyse import analyse
from polarity.analysis.result import (
    Analysis,
    CalibrationNumbers,
    ClassResult,
    DecisionName,
    Estimate,
    Mistake,
    PrecisionRecall,
    ReliabilityBin,
    Result,
    Slice,
    SliceScore,
    Slicing,
    TaskCalibration,
    TaskResult,
)

__all__ = [
    "Analysis",
    "CalibrationNumbers",
    "ClassResult",
    "DecisionName",
    "Estimate",
    "Mistake",
    "PrecisionRecall",
    "ReliabilityBin",
    "Result",
    "Slice",
    "SliceScore",
    "Slicing",
    "TaskCalibration",
    "TaskResult",
    "analyse",
]
