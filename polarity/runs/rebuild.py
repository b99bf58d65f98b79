"""A finished run brought back to life from its folder alone: model, reader, decision rule, data."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from polarity.config.build import load_splits
from polarity.config.recorded import RunSettings
from polarity.config.sections import PRECISIONS
from polarity.config.trust import Trust, check_trusted, modules_of
from polarity.content import Config
from polarity.data.module import InputsDataset
from polarity.data.plan import EvalBatches
from polarity.data.reading import Inputs, Reader
from polarity.data.rows import Rows, Splits
from polarity.errors import UserError
from polarity.evaluation.devices import Accelerator, check_precision, find_device
from polarity.evaluation.inference import predict_logits
from polarity.evaluation.predictions import Predictions
from polarity.models.classifier import MultiTaskClassifier
from polarity.models.saving import load_model
from polarity.posthoc import Decider, DecisionChoice
from polarity.privacy import keeping_texts
from polarity.progress import progress
from polarity.run import RunDirectory
from polarity.runs.environment import changed_data, described, read_environment, where_it_began
from polarity.runs.manifest import check_unchanged
from polarity.runs.saved import finished_model
from polarity.tasks import Task

__all__ = ["Accelerator", "Rebuilt", "read_environment", "rebuild", "run_splits"]

BUILT = ("data", "limit")
"""Sections of a run's configuration that are built again; the others are only read."""
REBUILT = (*BUILT, "model")
"""Those and what its model is made of."""


@dataclass(frozen=True)
class Rebuilt:
    """A run's model, ready to say something about rows.

    :param config: the run's resolved configuration.
    :param decision: ``stored``, or another rule in its place.
    :param decider: calibration and that rule.
    :param batch_size: most rows per batch.
    """

    run: RunDirectory
    config: Config
    model: MultiTaskClassifier
    reader: Reader
    decision: DecisionChoice
    decider: Decider
    device: torch.device
    batch_size: int

    @property
    def settings(self) -> RunSettings:
        """What is read of the configuration, by typed names."""
        return RunSettings(self.config, self.run.environment)

    @property
    def tasks(self) -> tuple[Task, ...]:
        """The tasks, in the order of the logits."""
        return self.model.tasks

    @property
    def precision(self) -> str:
        """As ``trainer.precision``."""
        return self.settings.precision

    def inputs(self, rows: Rows) -> Inputs:
        """The rows as the model reads them, cut as in training."""
        settings = self.settings
        cache = keeping_texts(settings.cache)
        return self.reader.inputs(rows, settings.max_length, settings.max_context, cache)

    def predict(self, rows: Rows, *, precision: str | None = None) -> Predictions:
        """What the model and its decision rule say about rows, in their order.

        :param precision: None for that of training.
        """
        inputs = self.inputs(rows)
        dataset = InputsDataset(inputs, rows.labels)
        planned_batches = EvalBatches(lengths=inputs.lengths, batch_size=self.batch_size)
        batches: Iterator[Any] = (dataset[planned] for planned in planned_batches)
        with progress("scoring", len(rows)) as advance:
            logits = predict_logits(
                self.model,
                batches,
                len(rows),
                device=self.device,
                precision=precision or self.precision,
                advance=advance,
            )
        undecided = Predictions.undecided(self.model.tasks, rows, logits, np.asarray(inputs.lengths))
        return self.decider.apply(undecided)

    @property
    def as_in_training(self) -> bool:
        """Whether batches and device are those of the run's own predictions, so that logits come out the same."""
        before = [] if self.settings.on_cpu else read_environment(self.run).get("devices") or []
        here = [torch.cuda.get_device_name()] if self.device.type == "cuda" else []
        one = self.settings.on_one_device and before == here
        return one and self.batch_size == self.settings.eval_batch_size


def rebuild(
    folder: str | Path,
    *,
    accelerator: Accelerator = "auto",
    batch_size: int | None = None,
    decision: DecisionChoice = "stored",
    trust: Trust = None,
    unused: bool = True,
) -> Rebuilt:
    """Load a run's model and decision rule; nothing is ever taken from anywhere but the run's folder.

    :param batch_size: most rows per batch; None as in training.
    :param decision: ``stored`` rule, or ``argmax`` of the raw logits.
    :param trust: modules of others whose code the run's configuration may name.
    :param unused: whether a trusted module that the run does not name is a problem.
    :raises UserError: if the run is not finished, or any file of it is missing, damaged or of another run, or names
        code that is not trusted.
    """
    run = finished_model(folder)
    config = run.config
    check_trusted(config, str(run.path / "config.yaml"), trust=trust, unused=unused, sections=REBUILT)
    check_unchanged(run)
    settings = RunSettings(config)
    if (precision := settings.precision) not in PRECISIONS:
        raise UserError(f"{run.path / 'config.yaml'}: trainer.precision={precision} is not known here")
    device = find_device(accelerator)
    check_precision(precision, device)
    model, reader = load_model(run.model, modules_of(trust))
    decider = Decider.load(run.model).with_decision(decision)
    size = settings.eval_batch_size if batch_size is None else batch_size
    return Rebuilt(run, config, model, reader, decision, decider, device, size)


def run_splits(run: RunDirectory) -> Splits:
    """The splits that a run was trained with, read again and compared with what the run recorded about them.

    Whether the code that the run's configuration names is trusted has to be known before.

    :raises UserError: if the data cannot be read, or are not the same any more.
    """
    config = run.config
    where = (
        f"; {run.path} was trained on these data (paths are from the folder that it began in): they have to be as they"
        " were then, and evaluate scores others with data.path=FILE"
    )
    known = read_environment(run)["data"]
    try:
        with where_it_began(run):
            loaded = load_splits(config)
            loaded = loaded.all_trained() if RunSettings(config).refit else loaded
    except UserError as error:
        raise UserError([*error.problems[:-1], error.problems[-1] + where]) from error
    if problems := changed_data(known, described(loaded, run.settings.data.features)):
        raise UserError([*problems[:-1], problems[-1] + where])
    return loaded
