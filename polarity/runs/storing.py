"""What an evaluation leaves in the run's folder, as a whole or not at all."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from polarity.analysis import Analysis
from polarity.analysis.details import write_details, write_mistakes
from polarity.content import Json
from polarity.data.rows import Rows
from polarity.evaluation.metrics import Scores, score
from polarity.evaluation.predictions import Predictions, write_predictions
from polarity.files import checksum, whole_folder, write_json
from polarity.run import now
from polarity.runs.saved import CHECKSUMS

VERSION = 2
PREDICTIONS = "predictions.parquet"


@dataclass(frozen=True)
class Evaluated:
    """Rows that a run was evaluated on.

    :param name: ``val``, ``test``, or that of a file.
    :param rows: with their texts; the same as in the predictions.
    :param fingerprint: of the rows.
    :param about: what metrics.json says beside the scores: the run, the data, what was checked.
    """

    name: str
    rows: Rows
    fingerprint: str
    predictions: Predictions
    analysis: Analysis
    about: Mapping[str, Any]

    def scores(self, kind: str = "predicted") -> Scores:
        """By one way of deciding: ``predicted``, ``argmax`` or ``honest``."""
        predictions = self.predictions
        decided = [getattr(item, kind) for item in predictions.tasks]
        return score([item.task for item in predictions.tasks], predictions.labels, decided)


def store(evaluated: Evaluated, folder: Path, *, model: str, texts: bool) -> None:
    """Write predictions, scores, analysis and tables; an earlier evaluation of the same name is replaced.

    :param model: begins the names of tables.
    :param texts: whether mistakes are written with their texts.
    """
    with whole_folder(folder) as part:
        write_predictions(part / PREDICTIONS, evaluated.predictions)
        write_json(part / "analysis.json", evaluated.analysis.to_dict())
        write_details(part / "details", model, {evaluated.name: evaluated.analysis})
        write_mistakes(
            part / "details" / "mistakes.csv", evaluated.analysis.mistakes, evaluated.rows if texts else None
        )
        write_json(part / "metrics.json", _metrics(evaluated, checksum(part / PREDICTIONS)))


def _metrics(evaluated: Evaluated, digest: str) -> Json:
    name = evaluated.name
    content = {
        "version": VERSION,
        name: evaluated.scores().to_dict(),
        "uncalibrated": {name: evaluated.scores("argmax").to_dict()},
    }
    if evaluated.analysis.crossfit is not None:
        content["crossfit"] = {name: evaluated.scores("honest").to_dict()}
    data = {"rows": len(evaluated.rows), "fingerprint": evaluated.fingerprint}
    return {**content, "data": data, **evaluated.about, CHECKSUMS: {PREDICTIONS: digest}, "time": now()}
