"""A step of training waits for its device nowhere, and brings nothing of another one along.

Tried on torch's device "meta", which has shapes but no values: whoever asks it for a value, as ``item()``, ``nonzero``
and ``if`` do, is refused, and so is a tensor of the processor beside one of its own.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from polarity.clipping import Clipping, NormClipping
from polarity.evaluation.inference import BESIDE_INPUTS
from polarity.losses import CrossEntropyLoss, MultiTaskLoss
from polarity.models import Head, MultiTaskClassifier, PretrainedEncoder
from polarity.models.huggingface.encoder import HuggingFaceEncoder
from polarity.models.huggingface.seen_tokens import SeenTokens
from polarity.models.huggingface.unpadded import FAMILIES
from polarity.models.joined import WideDeep
from polarity.models.metadata import WithMetadata
from polarity.models.ngrams.settings import Ngrams
from polarity.optimizers import AdamW
from polarity.regularizers import Distillation, NoRegularizer, RDrop, Regularizer
from polarity.schedulers import LinearScheduler
from polarity.training.module import Batch, MultiTaskModule
from tests.losses.test_losses import LOSSES
from tests.models.test_metadata import with_columns
from tests.presets import shipped
from tests.regularizers.test_regularizers import REGULARIZERS
from tests.tiny import POOLED, TASKS, save_tiny_encoder, tiny_batch, tiny_classifier
from tests.training.test_module import LABELS, WINDOW

ENCODERS = [(family, pooling) for family, pooling in POOLED if family in FAMILIES]


class Module(MultiTaskModule):
    """Without a Trainer."""

    current_epoch = 9
    global_rank = 0

    def log_dict(self, values: Any, **_: Any) -> None:
        self.logged = values


@pytest.fixture(autouse=True)
def _nothing_to_cast(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """That device has no automatic precision."""
    with monkeypatch.context() as patch:
        patch.setattr("torch.autocast", lambda *_, **__: contextlib.nullcontext())
        yield


def module(
    family: str = "bert",
    pooling: str = "mean",
    loss: MultiTaskLoss | None = None,
    regularizer: Regularizer | None = None,
    clipping: Clipping | None = None,
) -> Module:
    model = tiny_classifier(family, pooling=pooling, attention="sdpa")
    encoder = model.encoder
    assert isinstance(encoder, HuggingFaceEncoder)
    backbone, encoder.unpadded = encoder.backbone, True
    table: Any = backbone.get_input_embeddings()
    backbone.set_input_embeddings(SeenTokens(table, torch.arange(0, len(table.weight), 2)))
    if loss is None:
        loss = CrossEntropyLoss()
        loss.bind(TASKS, [[5, 3, 1], [1, 2, 3, 4]])
    parts: dict[str, Any] = {"optimizer": AdamW(), "scheduler": LinearScheduler()}
    regularizer, clipping = regularizer or NoRegularizer(), clipping or NormClipping()
    made = Module(model=model, tasks=TASKS, loss=loss, regularizer=regularizer, clipping=clipping, **parts)
    return made.to("meta")


def batch() -> Batch:
    inputs = {name: values.to("meta") for name, values in tiny_batch().items()}
    teacher = [torch.full((3, len(task.classes)), 1 / len(task.classes), device="meta") for task in TASKS]
    given = {"labels": LABELS.to("meta"), "rows": torch.arange(3, device="meta"), "teacher": teacher}
    return {**inputs, **given, "window": [counts.to("meta") for counts in WINDOW]}


def one_step(module: Module, given: Batch | None = None) -> None:
    """All that happens to a batch in training, but for the Trainer's own part."""
    optimizer = AdamW().build(module.model)
    losses, penalties, logits, labels = module.train()._losses(given or batch())
    module._sums.add_batch(losses, penalties, logits, labels, first=True)
    torch.autograd.backward((module.loss.task_weights * (losses + penalties)).sum())
    module.configure_gradient_clipping(optimizer)
    optimizer.step()
    assert module._sums.table.device.type == "meta"


@pytest.mark.parametrize(("family", "pooling"), ENCODERS)
def test_encoders_and_poolings(family: str, pooling: str) -> None:
    one_step(module(family, pooling))


def test_an_encoder_beside_ngrams_and_columns(tmp_path: Path) -> None:
    texts = with_columns()
    deep = PretrainedEncoder(name=str(save_tiny_encoder(tmp_path)), attention="sdpa")
    source = WithMetadata(encoder=WideDeep(encoder=deep, ngrams=Ngrams(width=6)), features={"source": "category"})
    reader = source.make_reader(texts)
    encoder = source.build(reader)
    (part,) = (part for part in encoder.modules() if isinstance(part, HuggingFaceEncoder))
    part.unpadded = True  # as attention=auto has it, which means another implementation on this machine
    made = module()
    made.model = MultiTaskClassifier(tasks=TASKS, encoder=encoder, head=Head()).to("meta")
    read = reader.inputs(texts, 32).batch(np.arange(3))
    beside = {name: values for name, values in batch().items() if name in BESIDE_INPUTS}
    one_step(made, beside | {name: values.to("meta") for name, values in read.items()})


@pytest.mark.parametrize("loss", LOSSES)
def test_losses(loss: MultiTaskLoss) -> None:
    one_step(module(loss=loss))


@pytest.mark.parametrize("regularizer", [*REGULARIZERS, RDrop(warmup_epochs=0), Distillation(teacher="run")])
def test_regularizers(regularizer: Regularizer) -> None:
    one_step(module(regularizer=regularizer))


@pytest.mark.parametrize("clipping", shipped("clipping"))
def test_clippings(clipping: Clipping) -> None:
    one_step(module(clipping=clipping))


def test_whoever_waits_is_found() -> None:
    class Waiting(NormClipping):
        def clip(self, model: MultiTaskClassifier) -> dict[str, Tensor]:
            norms = super().clip(model)
            return norms if norms["total"] > 0 else {}

    class Mixing(NormClipping):
        def clip(self, model: MultiTaskClassifier) -> dict[str, Tensor]:
            return {name: norm + torch.ones(1) for name, norm in super().clip(model).items()}

    with pytest.raises(RuntimeError, match=r"item\(\) cannot be called on meta tensors"):
        one_step(module(clipping=Waiting()))
    with pytest.raises(RuntimeError, match="not on the expected device meta"):
        one_step(module(clipping=Mixing()))
