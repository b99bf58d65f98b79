"""The model card: what the model is, on what it was trained, how good it is and where that ends."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from huggingface_hub import EvalResult, ModelCard, ModelCardData

from polarity import __version__
from polarity.analysis import Analysis, Estimate, Result, analyse
from polarity.baselines import BASELINES
from polarity.calibration.scaling import Scaling
from polarity.config.shown import data_name, encoder_name, on_hub, settings_table
from polarity.content import Json
from polarity.evaluation.predictions import Predictions
from polarity.exporting.answers import Agreement
from polarity.exporting.markdown import plain
from polarity.exporting.quantize import QuantizationCost
from polarity.files import write_text
from polarity.posthoc.decider import Decider
from polarity.reports.html.run.baselines import baseline_results
from polarity.runs.ledger import ledger_of
from polarity.runs.rebuild import Rebuilt, read_environment
from polarity.runs.saved import read_metrics, saved_predictions
from polarity.wording import percent, times

FILE = "README.md"
TEMPLATE = Path(__file__).with_name("card.md.jinja")
FEW = 100
"""Labelled rows of a class, below which the card says that its score rests on few."""
COMMON = 10
"""Languages that the card names."""
LANGUAGES = ("lang", "language")
"""Metadata columns that tell a row's language."""


@dataclass(frozen=True)
class Scored:
    """One split of the run with its numbers."""

    name: str
    predictions: Predictions
    analysis: Analysis
    result: Result
    others: list[tuple[str, Result]]

    @classmethod
    def of(cls, rebuilt: Rebuilt, name: str) -> Self:
        """The numbers under the exported decision, and beside them those of plain argmax and of the baselines."""
        predictions = saved_predictions(rebuilt.run, name)
        analysis = analyse(predictions, resamples=rebuilt.settings.reporting.resamples)
        plain = analysis.uncalibrated
        stored = rebuilt.decision == "stored" or plain is None
        others = [("this model, plain argmax", plain)] if stored and plain is not None else []
        found = baseline_results(rebuilt.run, name, predictions, BASELINES, resamples=analysis.resamples)
        others += [(item.title, item.result) for item in found]
        return cls(name, predictions, analysis, analysis.headline if stored or plain is None else plain, others)

    @property
    def rows(self) -> list[tuple[str, Result]]:
        """The results by how the card calls them, that of the model first."""
        kind = {"crossfit": "decision rule, cross-fitted", "decided": "decision rule", "uncalibrated": "plain argmax"}
        return [(f"this model, {kind[self.result.decision]}", self.result), *self.others]


def write_card(
    rebuilt: Rebuilt, about: Json, folder: Path, agreement: Agreement | None, costs: QuantizationCost | None
) -> None:
    """Write ``README.md`` with the metadata that the Hugging Face hub reads.

    :param about: the content of ``inference.json``.
    :param agreement: with the run's own answers; None if that was not checked.
    """
    run, config = rebuilt.run, rebuilt.config
    splits = [Scored.of(rebuilt, name) for name in ("val", "test") if run.predictions(name).is_file()]
    rows, metrics = read_environment(run)["data"], read_metrics(run)
    name = f"{encoder_name(config).rpartition('/')[2]}-{'-'.join(about['tasks'])}"
    card = ModelCard.from_template(
        _metadata(rebuilt, name, splits, about["format"]),
        template_path=str(TEMPLATE),
        name=name,
        about=about,
        encoder=encoder_name(config),
        probabilities=_probabilities(rebuilt.decider),
        group=splits[-1].predictions.group if splits else None,
        times=times,
        plain=plain,
        classes_of=classes_cell,
        data=data_name(config),
        rows=rows,
        decisions=rebuilt.decider.to_dict()["tasks"],
        decision=rebuilt.decision,
        best=metrics.get("best", {}),
        soup=[] if "epoch" in metrics.get("best", {}) else metrics.get("ensemble", {}).get("used", []),
        settings=settings_table(config),
        splits=splits,
        intervals=any(split.analysis.has_intervals for split in splits),
        score=_score,
        limits=_limits(splits, about),
        looks=ledger_of(config).sentence(rows["test"]["fingerprint"]) if "test" in rows else None,
        agreement=agreement,
        cost=costs,
        version=__version__,
    )
    write_text(folder / FILE, str(card))


def classes_cell(names: Sequence[str]) -> str:
    """As they are, one after the other; those that hold a comma in quotes."""
    return ", ".join(f"“{plain(name)}”" if "," in name else plain(name) for name in names)


def shares_cell(values: Sequence[str]) -> str:
    """``en 60%, de 40%``: each value with its share of the rows, the most frequent first and the rare ones counted."""
    counts = Counter(values).most_common()
    shares = ", ".join(
        f"{plain(value or 'unknown')} {percent(count / len(values))}" for value, count in counts[:COMMON]
    )
    return f"{shares} and {len(counts) - COMMON:,} more" if len(counts) > COMMON else shares


def _probabilities(decider: Decider) -> str:
    """What the probabilities are: calibration is kept only where it helped."""
    kept = [name for name, task in decider.tasks.items() if task.scaling != Scaling.identity(len(task.classes))]
    if len(kept) == len(decider.tasks):
        return "calibrated probabilities"
    return f"probabilities (calibrated for {', '.join(kept)})" if kept else "probabilities that are not calibrated"


def _metadata(rebuilt: Rebuilt, name: str, splits: Sequence[Scored], format_name: str) -> ModelCardData:
    encoder, data = encoder_name(rebuilt.config), data_name(rebuilt.config)
    hub = rebuilt.settings.data.kind == "HubCorpus"
    results = [
        EvalResult(
            task_type="text-classification",
            dataset_type=data if hub and on_hub(data) else "other",
            dataset_name=data,
            dataset_split=split.name,
            metric_type="f1",
            metric_name=f"macro-F1, {task.task}",
            metric_value=round(task.macro_f1.value, 4),
        )
        for split in splits
        for task in split.result.tasks
        if task.macro_f1.value is not None
    ]
    return ModelCardData(
        model_name=name,
        eval_results=results or None,
        base_model=encoder if on_hub(encoder) else None,
        datasets=data if hub and on_hub(data) else None,
        library_name="transformers" if format_name == "hf" else "onnx",
        pipeline_tag="text-classification",
        tags=["multi-task", "polarity"],
        metrics=["f1"],
    )


def _score(estimate: Estimate) -> str:
    """``0.612 (0.598 to 0.627)``."""
    if estimate.value is None:
        return "no labelled row"
    if estimate.low is None or estimate.high is None:
        return f"{estimate.value:.3f}"
    return f"{estimate.value:.3f} ({estimate.low:.3f} to {estimate.high:.3f})"


def _limits(splits: Sequence[Scored], about: Json) -> list[str]:
    """What the numbers do not cover, found from the data."""
    limits = [f"Texts are cut after {times(about['max_length'], 'token')}{_cut(splits, about['max_length'])}."]
    if about["max_context"]:
        limits.append(f"Contexts are cut to their first {times(about['max_context'], 'token')} before that.")
    if not splits:
        return limits
    last = splits[-1]
    for task in last.result.tasks:
        few = [f"{plain(label.name)} ({label.support})" for label in task.classes if label.support < FEW]
        if few:
            limits.append(f"Scores of these classes of {task.task} rest on few {last.name} rows: {', '.join(few)}.")
    if last.name == "val":
        limits.append("No test split was scored: the only scores are on the rows that chose the checkpoint.")
    else:
        limits.append("The validation rows chose the checkpoint, any calibration and any rule; the test rows did not.")
    for column in LANGUAGES:
        if column in last.predictions.metadata:
            shares = shares_cell(last.predictions.metadata[column])
            limits.append(f"Languages of the {last.name} rows: {shares}; others were not measured.")
    return limits


def _cut(splits: Sequence[Scored], length: int) -> str:
    tokens = splits[-1].predictions.tokens if splits else None
    if tokens is None or not len(tokens):
        return ""
    return f"; {percent(float((tokens >= length).mean()), 1)} of the {splits[-1].name} rows are that long or longer"
