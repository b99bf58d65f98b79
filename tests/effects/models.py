"""What an encoder's settings do, on tiny encoders of the same families that are read from disk."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any
from unittest import mock

import numpy as np
import torch
from torch import nn
from transformers import AutoConfig, PreTrainedModel

from polarity.models import Head, MultiTaskClassifier, PretrainedEncoder
from polarity.models.components import own_pooling
from polarity.models.huggingface.encoder import HuggingFaceEncoder
from polarity.models.ngrams.settings import Ngrams
from polarity.optimizers import AdamW
from polarity.pretraining import MaskedLanguageModelling
from polarity.pretraining.masked_tokens import MaskedTokens
from polarity.signature import TARGET
from tests.effects.corpus import TASKS, rows
from tests.effects.outcome import Effect, Section, built
from tests.effects.settings import Special, class_name
from tests.tiny import model_of, save_tiny_encoder, tiny_batch, tiny_config

FAMILIES = {"xlm": "xlm-roberta", "mdeberta": "deberta-v2", "mmBERT": "modernbert"}
OTHER = "another encoder"
ENCODER = {TARGET: f"{PretrainedEncoder.__module__}.PretrainedEncoder", "name": "tiny"}
SPECIAL: Special = {
    ("PretrainedEncoder", "name"): [OTHER],
    ("PretrainedEncoder", "revision"): ["main"],
    ("PretrainedEncoder", "encoder_dropout"): [None, 0.2, 0.3],
    ("MaskedLanguageModelling", "warmup_ratio"): [0.3, 0.6],
    ("MaskedLanguageModelling", "texts"): [__file__],  # any file of lines
    ("WideDeep", "encoder"): [{**ENCODER, "dropout": 0.3}],
    ("LateFusion", "encoder"): [{**ENCODER, "dropout": 0.3}],
    ("Ngrams", "weight_decay"): [3.0],  # small ones are lost in three steps at a small rate
    ("PretrainedEncoder", "prefix"): ["query: "],
    ("WideDeep", "ngrams"): [{TARGET: f"{Ngrams.__module__}.Ngrams", "width": 3}],
    ("PretrainedEncoder", "pooling"): [own_pooling(name) for name in ("mean", "cls", "max", "last4_mean", "attention")],
}
ONLY_PLACES = {
    ("PretrainedEncoder", "revision"): "which files are asked for; on the hub they are what their author makes them",
    ("PretrainedEncoder", "attention"): "the same function by another kernel",
    ("PretrainedEncoder", "gradient_checkpointing"): "the same gradients, computed twice to save memory",
}


@cache
def folder(family: str, seed: int) -> str:
    return str(save_tiny_encoder(Path(mkdtemp()) / family, family, seed=seed))


def family_of(name: str) -> str:
    return next((family for part, family in FAMILIES.items() if part in name), "bert")


def attention_of(section: Section) -> tuple[str, bool]:
    """The implementation that a section asks for, or that "auto" stands for here; whether training goes unpadded."""
    if section["attention"] != "auto":
        return section["attention"], False
    encoder = built("model", {**section, "name": folder(family_of(section["name"]), 0)}, TASKS).build()
    return encoder.attention, encoder.unpadded


SYNONYMS = {
    ("PretrainedEncoder", "attention"): lambda section, other: (
        attention_of(section) == attention_of({**section, "attention": other})
    )
}


def on_disk(section: Section) -> Effect:
    """The model that is built, and what training makes of it."""
    if class_name(section) != "PretrainedEncoder":
        return _from_rows(section)
    here = {**section, "name": folder("bert", 1) if section["name"] == OTHER else folder(family_of(section["name"]), 0)}
    outcomes = KNOWN.setdefault(repr(here), [])
    if len(outcomes) < 2:  # the second tells whether it comes out the same each time
        outcomes.append(_pretrained(here))
    return outcomes[-1]


KNOWN: dict[str, list[Effect]] = {}
"""Of encoders on disk, by their settings: many presets differ by the encoder's name alone, and are the same here."""


def _from_rows(section: Section) -> Effect:
    """An encoder that reads n-grams: its rates of dropout, and vectors of some rows after three steps without it."""
    inner = section.get("encoder")
    own = (
        section if inner is None else {**section, "encoder": {**inner, "name": folder("bert", inner["name"] == OTHER)}}
    )
    component, texts = built("model", own, TASKS), rows(12)
    torch.manual_seed(0)
    reader = component.make_reader(texts)
    model = MultiTaskClassifier(tasks=TASKS, encoder=component.build(reader), head=Head()).eval()
    batch, optimizer = reader.inputs(texts, 32).batch(np.arange(12)), AdamW(lr=0.01).build(model)
    for _ in range(3):
        sum(values.square().sum() for values in model(**batch)).backward()
        optimizer.step()
    with torch.no_grad():
        learning = sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)
        numbers = [model.encoder.width, learning, *model(**batch)]
        rates = [(name, getattr(part, "p", getattr(part, "dropout", None))) for name, part in model.named_modules()]
        numbers.append([(name, rate) for name, rate in rates if isinstance(rate, float)])
    backbones = [module for module in model.modules() if isinstance(module, PreTrainedModel)]
    ways = [(one.config._attn_implementation, one.is_activation_checkpointing) for one in backbones]
    unpadded = [part.unpadded for part in model.modules() if isinstance(part, HuggingFaceEncoder)]
    return Effect(numbers, places=[ways, unpadded])


def _pretrained(section: Section) -> Effect:
    """The model that is built, its evaluation, and one training step with the same random numbers."""
    component = built("model", section, TASKS)
    torch.manual_seed(0)
    model = model_of(component)
    batch = tiny_batch()
    with torch.no_grad():
        scores = model.eval()(**batch)
    torch.manual_seed(0)
    with counted_layers(model.encoder.backbone) as passes:
        logits = model.train()(**batch)
        sum(values.square().sum() for values in logits).backward()
    deterministic = not any(module.p for module in model.modules() if isinstance(module, nn.Dropout))
    norms = [parameter.grad.norm() for parameter in model.parameters() if parameter.grad is not None]
    rates = sorted((name, module.p) for name, module in model.named_modules() if isinstance(module, nn.Dropout))
    learning = sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)
    texts = rows(9)
    read = component.make_reader().inputs(texts, 32).batch(np.arange(9))["input_ids"]
    numbers = [read, [values.detach() for values in scores], norms if deterministic else None, rates, learning]
    return Effect(numbers, places=[len(passes), model.encoder.attention, model.encoder.unpadded])


@contextmanager
def counted_layers(encoder: nn.Module) -> Iterator[list[str]]:
    """Grows by one with each pass of an encoder's layer, forward or once more for its gradients."""
    stacks = [module for module in encoder.modules() if isinstance(module, nn.ModuleList)]
    inner = [next(part for part in layer.modules() if isinstance(part, nn.Linear)) for layer in max(stacks, key=len)]
    passes: list[str] = []
    hooks = [linear.register_forward_pre_hook(lambda *_: passes.append("pass")) for linear in inner]
    yield passes
    for hook in hooks:
        hook.remove()


def pretraining(section: Section) -> Effect:
    """What an encoder is after it, and which texts without labels were read."""
    component = built("pretraining", section, TASKS)
    if not isinstance(component, MaskedLanguageModelling):
        return Effect(None)
    source = PretrainedEncoder(name=folder("bert", 0))
    reader = source.make_reader()
    read, cache = reader.inputs(rows(40), 32), Path(mkdtemp())
    further = MaskedTokens(component, reader.tokenizer, read, cache, torch.device("cpu"), "32-true").train(source)
    return Effect([component.further(()), *(torch.tensor(value) for value in further.weights.values())])


def on_the_hub(section: Section) -> Effect:
    """What is asked for where the files are not here."""
    if class_name(section) != "PretrainedEncoder":
        return Effect(None)
    asked: list[Any] = []
    config = tiny_config(family_of(section["name"]))

    def configuration(source: str, **origin: Any) -> Any:
        asked.append((source, origin))
        return config

    with (
        mock.patch("polarity.models.huggingface.sources.HfApi.model_info"),
        mock.patch.object(AutoConfig, "from_pretrained", configuration),
    ):
        component = built("model", section, TASKS)
        component.locate()
    return Effect(None, places=asked[-1])
