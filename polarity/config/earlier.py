"""The configuration of a run that an earlier version made, as this version reads it."""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from polarity.content import Config
from polarity.signature import TARGET

ADDED: dict[str, object] = {
    "test": True,
    "trust": None,
    "from": None,
    "folds": None,
    "repeats": 1,
    "fold": None,
    "sweep": {"name": None, "retry": None},
    "batching.max_context": None,
    "pretraining": {TARGET: "polarity.pretraining.none.NoPretraining"},
}
"""Settings that came later, each with the value that means what was done before there was a choice."""

MOVED = {
    "polarity.reports.reporting.Reporting": "polarity.reporting.Reporting",
    "polarity.models.pretrained.PretrainedEncoder": "polarity.models.huggingface.pretrained.PretrainedEncoder",
}
"""Components by the places where they stood."""


def as_now(config: Mapping[str, Any]) -> Config:
    """A copy in which what came later is filled in, and what was moved has its new place; nothing else is changed."""
    now: Config = _moved(config)
    model = now.get("model")
    if isinstance(model, dict) and isinstance(model.get("pooling"), str):  # a name, before poolings were components
        from polarity.models.components import own_pooling  # imports torch

        model["pooling"] = own_pooling(model["pooling"])
    if isinstance(model, dict) and str(model.get(TARGET)).endswith(".PretrainedEncoder"):
        model.setdefault("freeze", "none")
    if isinstance(model, dict) and model.get(TARGET) == "polarity.models.late_fusion.LateFusion":
        model.setdefault("width", 32)
    if isinstance(now.get("batching"), dict):  # all rows of a batch went through at once
        now["batching"].setdefault("micro_batch_size", now["batching"].get("batch_size"))
    for key, value in ADDED.items():
        section, _, name = key.rpartition(".")
        node = now.get(section) if section else now
        if isinstance(node, dict):
            node.setdefault(name, deepcopy(value))
    return now


def _moved(node: Any) -> Any:
    if isinstance(node, Mapping):
        return {key: MOVED.get(value, value) if key == TARGET else _moved(value) for key, value in node.items()}
    return [_moved(value) for value in node] if isinstance(node, list) else node
