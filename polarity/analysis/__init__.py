"""All that is said about one file of predictions, computed in one place."""

from polarity.analysis.analyse import analyse
from polarity.analysis.result import (
    Analysis,
    ClassResult,
    Estimate,
    Mistake,
    PrecisionRecall,
    ReliabilityBin,
    Result,
    TaskResult,
)

__all__ = [
    "Analysis",
    "ClassResult",
    "Estimate",
    "Mistake",
    "PrecisionRecall",
    "ReliabilityBin",
    "Result",
    "TaskResult",
    "analyse",
]
