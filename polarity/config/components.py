"""The components that a run is made of."""

from dataclasses import dataclass

from polarity.calibration.base import Calibration
from polarity.clipping.base import Clipping
from polarity.data.batching import Batching
from polarity.data.corpus import Corpus
from polarity.data.limit import Limit
from polarity.decisions.base import Decision
from polarity.losses.base import MultiTaskLoss
from polarity.models.encoder import EncoderSettings
from polarity.models.heads import Head
from polarity.optimizers.base import Optimizer
from polarity.pretraining.base import Pretraining
from polarity.regularizers.base import Regularizer
from polarity.reporting import Reporting
from polarity.samplers.base import Sampler
from polarity.schedulers.base import Scheduler


@dataclass(frozen=True)
class Components:
    """The component of each section, and the class that it derives from; only the Trainer is built later."""

    data: Corpus
    limit: Limit
    batching: Batching
    model: EncoderSettings
    pretraining: Pretraining
    head: Head
    loss: MultiTaskLoss
    regularizer: Regularizer
    sampler: Sampler
    optimizer: Optimizer
    scheduler: Scheduler
    clipping: Clipping
    calibration: Calibration
    decision: Decision
    reporting: Reporting
