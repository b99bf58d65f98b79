"""What says something about rows by what a finished run's folder holds: its model, or several models together."""

from typing import Protocol

import torch

from polarity.config.recorded import RunSettings
from polarity.data.rows import Rows
from polarity.evaluation.predictions import Predictions
from polarity.posthoc import Decider, DecisionChoice
from polarity.run import RunDirectory
from polarity.tasks import Task


class Answering(Protocol):
    """A finished run, ready to be asked."""

    @property
    def run(self) -> RunDirectory:
        """Its folder."""

    @property
    def settings(self) -> RunSettings:
        """What is read of the configuration, by typed names."""

    @property
    def tasks(self) -> tuple[Task, ...]:
        """The tasks, in the order of the logits."""

    @property
    def decision(self) -> DecisionChoice:
        """``stored``, or another rule in its place."""

    @property
    def decider(self) -> Decider:
        """Calibration and that rule."""

    @property
    def device(self) -> torch.device:
        """Where its models are."""

    @property
    def precision(self) -> str:
        """As ``trainer.precision``; the coarsest of several models."""

    @property
    def as_in_training(self) -> bool:
        """Whether batches and device are those of the run's own predictions, so that logits come out the same."""

    def predict(self, rows: Rows) -> Predictions:
        """What it says about rows, in their order."""
