"""What a finished run leaves for people and programs: decisions, scores, tables, figures, TensorBoard."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from lightning import Trainer
from lightning.pytorch.loggers import TensorBoardLogger

from polarity.analysis.details import write_details, write_mistakes
from polarity.config.shown import chosen
from polarity.content import Json
from polarity.data.rows import Rows
from polarity.evaluation.metrics import Scores, score
from polarity.evaluation.monitored import score_metrics
from polarity.evaluation.predictions import Predictions, write_predictions
from polarity.files import checksum, write_json
from polarity.models.saving import WEIGHTS, read_card
from polarity.posthoc import fit_decider
from polarity.reporting import Reporting
from polarity.reports.figures import write_figures
from polarity.reports.html import SplitContent, read_splits
from polarity.reports.tensorboard import last_step, log_analysis
from polarity.run import RunDirectory
from polarity.runs.saved import CHECKSUMS
from polarity.secrets import masked
from polarity.training.assembled import Assembled

METRICS_VERSION = 2


@dataclass(frozen=True)
class SplitResults:
    """What the best checkpoint says about each split.

    :param splits: with calibrated probabilities and decisions, cross-fitted ones on validation; by name of the split.
    :param evidence: why each task's calibration and rule were kept or not.
    """

    splits: dict[str, Predictions]
    evidence: Json

    def scores(self, kind: str = "predicted") -> dict[str, Scores]:
        """Scores of every split by one way of deciding: ``predicted`` (the stored rule), ``argmax`` or ``honest``."""
        return {
            name: score(
                [item.task for item in predictions.tasks],
                predictions.labels,
                [getattr(item, kind) for item in predictions.tasks],
            )
            for name, predictions in self.splits.items()
        }


def decide(assembled: Assembled, run: RunDirectory, logits: Mapping[str, Sequence[np.ndarray]]) -> SplitResults:
    """Fit calibration and decision rule on validation, store them in ``model/``, and apply them to every split.

    :param logits: float32 ``[rows, classes]`` per task, by name of the split.
    """
    prepared, parts = assembled.prepared, assembled.prepared.components
    raw = {
        name: Predictions.undecided(
            prepared.splits.tasks, rows, logits[name], np.asarray(assembled.data.inputs[name].lengths)
        )
        for name, rows in prepared.splits.items()
        if name in logits
    }
    fitted = fit_decider(raw["val"], parts.calibration, parts.decision)
    fitted.decider.save(run.model, read_card(run.model)["weights_sha256"])
    decided = {name: fitted.decider.apply(predictions) for name, predictions in raw.items() if name != "val"}
    return SplitResults({"val": fitted.predictions, **decided}, fitted.evidence)


def write_results(
    run: RunDirectory,
    results: SplitResults,
    about: Json,
    *,
    reporting: Reporting,
    rows: Rows,
) -> tuple[SplitContent, ...]:
    """Predictions, metrics, detail tables and figures. Returns what the files say: nothing else is shown of the run.

    :param about: what ``metrics.json`` says beside the scores.
    :param rows: of validation, for the texts of mistakes.
    """
    for name, predictions in results.splits.items():
        write_predictions(run.predictions(name), predictions)
    _write_metrics(run, results, about)
    splits = read_splits(run, resamples=reporting.resamples)
    analyses = {split.name: split.analysis for split in splits}
    write_details(run.details, run.settings.encoder, analyses)
    write_mistakes(run.mistakes, analyses["val"].mistakes, rows if reporting.texts else None)
    write_figures(run.figures, analyses, history=run.history, exposure=run.details / "exposure.csv")
    return splits


def _write_metrics(run: RunDirectory, results: SplitResults, about: Json) -> None:
    model = run.combination if run.is_ensemble else run.model / WEIGHTS
    files = [*(run.predictions(name) for name in results.splits), model]
    content = {
        "version": METRICS_VERSION,
        **{name: scores.to_dict() for name, scores in results.scores().items()},
        "uncalibrated": {name: scores.to_dict() for name, scores in results.scores("argmax").items()},
        "crossfit": {"val": results.scores("honest")["val"].to_dict()},
        "calibration": results.evidence,
        CHECKSUMS: {path.relative_to(run.path).as_posix(): checksum(path) for path in files},
        **about,
    }
    write_json(run.metrics, content)


def log_to_tensorboard(
    assembled: Assembled,
    trainer: Trainer,
    best: Mapping[str, Any],
    results: SplitResults,
    splits: Sequence[SplitContent],
) -> None:
    """HPARAMS with the best checkpoint's scores, curves on validation, and the numbers of the report."""
    metrics = {f"best/{name}": value for name, value in score_metrics(results.scores("argmax")["val"]).items()}
    metrics[f"best/{best['monitor']}"] = best["value"]
    metrics["best/overall"] = results.scores("honest")["val"].overall  # by which a sweep's table ranks
    overrides, step = RunDirectory(trainer.default_root_dir).overrides, last_step(best["step"])
    for logger in trainer.loggers:
        if isinstance(logger, TensorBoardLogger):
            logger.log_hyperparams(chosen(masked(assembled.prepared.config), overrides), metrics, step=step)
            for split in splits:
                log_analysis(logger.experiment, split.analysis, step, split.name)
            logger.finalize("success")
