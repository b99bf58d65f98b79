"""What a finished run leaves for people and programs: predictions, scores, tables, figures, TensorBoard."""

import csv
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from lightning import Trainer
from lightning.pytorch.loggers import TensorBoardLogger

from polarity.data.rows import Rows
from polarity.evaluation.metrics import Scores, score
from polarity.evaluation.predictions import Predictions, write_predictions
from polarity.evaluation.saved import CHECKSUMS, checksum
from polarity.reports.figures import exposure_figure, learning_curves_figure
from polarity.reports.tables import write_details
from polarity.run import RunDirectory, write_json
from polarity.training.assembled import Assembled
from polarity.training.callbacks.confusion import log_best_curves, save_figures
from polarity.training.module import score_metrics

METRICS_VERSION = 2


def write_results(
    assembled: Assembled, run: RunDirectory, best: dict[str, Any], logits: Mapping[str, list[np.ndarray]]
) -> dict[str, tuple[Rows, list[np.ndarray], Scores]]:
    """Predictions, metrics, detail tables and figures. Returns rows, predictions and scores of each split."""
    splits, config = assembled.prepared.splits, assembled.prepared.config
    tasks, scored = splits.tasks, {}
    for name, rows in splits.items():
        if name in logits:
            tokens = np.asarray(assembled.data.stores[name].lengths)
            write_predictions(run.predictions(name), Predictions.undecided(tasks, rows, logits[name], tokens))
            predicted = [values.argmax(axis=1) for values in logits[name]]
            scored[name] = (rows, predicted, score(tasks, rows.labels, predicted))
    metrics = {name: scores.to_dict() for name, (_, _, scores) in scored.items()}
    files = [run.predictions(name) for name in scored]
    content = {
        "version": METRICS_VERSION,
        **metrics,
        "uncalibrated": metrics,
        "best": best,
        CHECKSUMS: {str(path.relative_to(run.path)): checksum(path) for path in files},
        "seconds": assembled.stages.seconds,
    }
    write_json(run.metrics, content)
    model = Path(str(config["model"]["name"]).removeprefix("package:")).name
    write_details(run.details, model, tasks, scored)
    save_figures(run.figures, tasks, scored, logits)
    history = read_numbers(run.history)
    run.figures.mkdir(exist_ok=True)
    learning_curves_figure(tasks, history).savefig(run.figures / "learning_curves.svg")
    exposure = run.details / "exposure.csv"
    if exposure.exists():
        exposure_figure(read_numbers(exposure)).savefig(run.figures / "exposure.svg")
    return scored


def read_numbers(path: Path) -> list[dict[str, Any]]:
    """Rows of a CSV file, with numbers as numbers."""

    def number(text: str) -> Any:
        try:
            return float(text)
        except ValueError:
            return text

    with path.open(encoding="utf-8", newline="") as file:
        return [{name: number(cell) for name, cell in row.items()} for row in csv.DictReader(file)]


def log_to_tensorboard(
    assembled: Assembled,
    trainer: Trainer,
    best: Mapping[str, Any],
    logits: Mapping[str, list[np.ndarray]],
    scored: Mapping[str, tuple[Rows, list[np.ndarray], Scores]],
) -> None:
    """HPARAMS with the best checkpoint's scores; precision-recall and reliability curves on validation."""
    metrics = {f"best/{name}": value for name, value in score_metrics(scored["val"][2]).items()}
    metrics[f"best/{best['monitor']}"] = best["value"]
    for logger in trainer.loggers:
        if isinstance(logger, TensorBoardLogger):
            logger.log_hyperparams(flat(assembled.prepared.config), metrics, step=best["step"])
            log_best_curves(logger, assembled.prepared.splits, logits["val"], best["step"])
            logger.finalize("success")


def flat(node: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """``{"loss.gamma": 2.0, ...}``: the settings as TensorBoard's table wants them."""
    out: dict[str, Any] = {}
    for key, value in node.items():
        if isinstance(value, Mapping):
            out |= flat(value, f"{prefix}{key}.")
        else:
            plain = isinstance(value, (bool, int, float, str))
            out[f"{prefix}{key}"] = value if plain else json.dumps(value, ensure_ascii=False)
    return out
