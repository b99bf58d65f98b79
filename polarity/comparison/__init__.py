"""Comparing runs: what differs between their configurations, and whether their scores do."""

from polarity.comparison.result import (
    Comparison,
    ConfigurationDifference,
    GroupScore,
    PairResult,
    Setup,
    SystemScore,
    TestResult,
)

__all__ = ["Comparison", "ConfigurationDifference", "GroupScore", "PairResult", "Setup", "SystemScore", "TestResult"]
