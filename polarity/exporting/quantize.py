"""Eight-bit weights, and what they cost."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from polarity.data.rows import Rows
from polarity.evaluation.metrics import score
from polarity.evaluation.predictions import Predictions
from polarity.exporting.answers import Agreement, Answers, measure_agreement
from polarity.exporting.onnx import GRAPH, SMALL_GRAPH, quiet_exporter
from polarity.statistics import PairedResult, paired_difference
from polarity.tasks import Task


@dataclass(frozen=True)
class QuantizationCost:
    """Validation macro-F1 with 32-bit and with 8-bit weights, on all validation rows.

    :param before: overall macro-F1 of the 32-bit graph; ``after`` of the 8-bit one.
    :param difference: after minus before, on the same rows.
    :param bytes_before: size of the graph's files.
    """

    before: float
    after: float
    difference: PairedResult
    agreement: Agreement
    bytes_before: int
    bytes_after: int

    def __str__(self) -> str:
        overall, mib = self.difference.overall, 2**20
        ends = "unknown" if (own := overall.interval) is None else f"{own.low:+.4f} to {own.high:+.4f}"
        return (
            f"int8: {self.bytes_before / mib:.1f} MiB -> {self.bytes_after / mib:.1f} MiB; macro-F1 of the decision "
            f"rule on the validation rows {self.before:.4f} -> {self.after:.4f}, difference {overall.value:+.4f} "
            f"(95 % interval {ends}); {self.agreement}"
        )


def write_int8(folder: Path) -> None:
    """Write ``model.int8.onnx`` beside ``model.onnx``: weights in 8 bits, activations quantised as they come."""
    from onnxruntime.quantization import (  # type: ignore[import-untyped,unused-ignore]
        QuantType,
        quantize_dynamic,
    )

    large = (folder / f"{GRAPH}.data").exists()
    with quiet_exporter():
        quantize_dynamic(
            folder / GRAPH, folder / SMALL_GRAPH, weight_type=QuantType.QInt8, use_external_data_format=large
        )


def cost(folder: Path, rows: Rows, tasks: tuple[Task, ...], before: Answers, after: Answers) -> QuantizationCost:
    """Compare the two graphs of a folder on the same rows.

    :param rows: with their labels.
    """

    def overall(answers: Answers) -> float:
        return score(tasks, rows.labels, answers.decided).overall

    def size(name: str) -> int:
        return sum(file.stat().st_size for file in folder.glob(f"{name}*"))

    paired = paired_difference(Predictions.undecided(tasks, rows, before.logits), _indices(before), _indices(after))
    small, whole = size(SMALL_GRAPH), size(GRAPH)
    return QuantizationCost(overall(before), overall(after), paired, measure_agreement(before, after), whole, small)


def _indices(answers: Answers) -> list[np.ndarray]:
    return [values.astype(np.int64) for values in answers.decided]
