"""Linear probing, then fine-tuning: heads that begin as a logistic regression on what the encoder gives."""

from collections.abc import Callable, Mapping, Sequence

import lightning
import numpy as np
import torch
from lightning import LightningModule, Trainer

from polarity.baselines.linear import IMPOSSIBLE, LinearModel, TunedModel, choose
from polarity.data.reading import Inputs
from polarity.data.rows import Splits
from polarity.models.classifier import MultiTaskClassifier
from polarity.models.encoder import Encoder
from polarity.models.linear_features import LinearFeatures
from polarity.models.ngrams.encoder import NgramEncoder
from polarity.reports.console import RunConsole
from polarity.run import RunDirectory
from polarity.training.assembled import Assembled
from polarity.training.fixed_vectors import VectorCache
from polarity.training.module import MultiTaskModule
from polarity.wording import times

MOST_ROWS = 50_000
"""Training rows that the regression is fitted to, if there are more; drawn by the run's seed."""


class LinearProbe(lightning.Callback):
    """Gives heads and n-grams the weights of the linear model, before training begins.

    Heads that begin at random first pull the encoder towards what they happen to be; so fine-tuning can lose what the
    encoder knew (Kumar et al., Fine-Tuning can Distort Pretrained Features and Underperform Out-of-Distribution, ICLR
    2022, arXiv 2202.10054). The model is that of the linear baseline, :mod:`polarity.baselines.linear`: one class
    against the others, balanced, its C chosen on validation.
    """

    def __init__(self, assembled: Assembled, *, first: int | None = None) -> None:
        self._assembled, self._first = assembled, first

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Before weights are copied, to further devices or for averages."""
        assert isinstance(pl_module, MultiTaskModule)
        splits, inputs = self._assembled.prepared.splits, self._assembled.data.inputs
        compute = VectorCache.of(self._assembled, trainer).vectors
        seed = self._assembled.prepared.root.seed
        fitted = begin_as_probe(pl_module.model, splits, inputs, compute, seed, first=self._first)
        if trainer.is_global_zero:
            chosen = (f"{task.name} C={one.strength:g}" for task, one in zip(splits.tasks, fitted, strict=True))
            rows = times(min(len(splits.train), MOST_ROWS), "row")
            what = "heads begin as" if pl_module.model.probes is None else "beside the heads,"
            console = RunConsole(RunDirectory(trainer.default_root_dir).log)
            console.print(f"linear probe: {what} logistic regression on {rows}, {', '.join(chosen)}")
            for text in narrow_tables(pl_module.model):
                console.print(f"note: {text}")


def narrow_tables(model: MultiTaskClassifier) -> list[str]:
    """What to tell of vectors of a given width that cannot hold all of the linear models of so many classes.

    They take over as much as they can, see :meth:`polarity.models.ngrams.encoder.NgramEncoder.linear_features`.
    """
    outputs, beside = sum(len(task.classes) for task in model.tasks), model.probes is not None
    return [
        f"linear probe: vectors of {part.title} have {times(part.width, 'number')}, so they hold it in part; for "
        f"{times(outputs, 'class', 'classes')} in all it takes {min(outputs, part.terms)}, as with the width null"
        for part in model.encoder.modules()
        if isinstance(part, NgramEncoder)
        and part.width < min(outputs, part.terms)
        and part.table.weight.requires_grad != beside  # nothing is trained of what a probe beside the heads reads
    ]


def begin_as_probe(
    model: MultiTaskClassifier,
    splits: Splits,
    inputs: Mapping[str, Inputs],
    compute: Callable[[Encoder, Inputs], np.ndarray],
    seed: int,
    *,
    first: int | None = None,
) -> list[TunedModel]:
    """Fit to the training rows, choose C on validation, and put the weights into the model.

    :param inputs: of "train" and "val", as read for the model's encoder.
    :param compute: as for :meth:`polarity.models.encoder.Encoder.fix`.
    :param first: of a refit, how many of the training rows were so before: C is chosen by these on the others.
    :returns: one model a task.
    """
    read, labels, kept = inputs["train"], splits.train.labels, np.arange(len(splits.train))
    if len(read) > MOST_ROWS:
        kept = np.sort(np.random.default_rng(seed).choice(len(read), MOST_ROWS, replace=False))
        read, labels = read.excerpt(kept), labels[kept]
    features = model.encoder.linear_features({"train": read, "val": inputs["val"]}, compute)
    train, val = features.by_split["train"], features.by_split["val"]
    before = slice(None) if first is None else kept < first
    fitted = [
        choose(task, (train[before], labels[before, t]), (val, splits.val.labels[:, t]))
        for t, task in enumerate(splits.tasks)
    ]
    if first is not None:
        fitted = [
            TunedModel(LinearModel.fit(task, train, labels[:, t], one.strength), one.strength)
            for t, (task, one) in enumerate(zip(splits.tasks, fitted, strict=True))
        ]
    begin_as(model, [one.model for one in fitted], features)
    return fitted


@torch.no_grad()
def begin_as(model: MultiTaskClassifier, fitted: Sequence[LinearModel], features: LinearFeatures) -> None:
    """From now on the model's logits are the linear models' :math:`d_c(x)`, until it is trained.

    :param fitted: one a task. Classes without a training row get a logit below all others.
    """
    tables = [_table(one, features.size) for one in fitted]
    columns, shifts = features.take(np.concatenate([weights for weights, _ in tables]))
    biases = shifts + np.concatenate([own for _, own in tables])
    ends = np.cumsum([one.classes for one in fitted])[:-1]
    for layer, weight, bias in zip(model.probed(), np.split(columns, ends), np.split(biases, ends), strict=True):
        layer.weight.copy_(torch.from_numpy(weight))
        layer.bias.copy_(torch.from_numpy(bias))


def _table(model: LinearModel, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Weights ``[classes, size]`` and biases ``[classes]``."""
    weights, biases = np.zeros((model.classes, size)), np.full(model.classes, IMPOSSIBLE)
    seen = list(model.seen)
    biases[seen] = 0.0
    if len(model.weights):
        weights[seen], biases[seen] = model.weights[:, :-1], model.weights[:, -1]
    return weights, biases
