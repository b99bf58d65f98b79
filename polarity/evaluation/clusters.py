"""Rows that belong together: an interval that takes them as independent would be too narrow."""

from collections.abc import Mapping
from typing import Any

from polarity.evaluation.predictions import Predictions


def cluster_column(config: Mapping[str, Any]) -> str | None:
    """The metadata column that a run's own split kept together (a post, a document); None if there is none."""
    split = config.get("data", {}).get("split")
    column = split.get("group") if isinstance(split, Mapping) else None
    return None if column is None else str(column)


def clusters(predictions: Predictions, column: str | None) -> list[str] | None:
    """For each row the cluster that it belongs to; None where no column is named, or the predictions lack it.

    A row without a value is a cluster of its own.
    """
    values = None if column is None else predictions.metadata.get(column)
    if values is None:
        return None
    return [f"={value}" if value else f"row {number}" for number, value in enumerate(values)]
