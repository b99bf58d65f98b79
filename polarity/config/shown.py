"""The settings of a run as people are shown them, on cards, pages and in TensorBoard."""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from polarity.config.recorded import RunSettings
from polarity.content import Config
from polarity.signature import TARGET

SHOWN = (
    "model",
    "pretraining",
    "head",
    "loss",
    "regularizer",
    "sampler",
    "optimizer",
    "scheduler",
    "clipping",
    "calibration",
    "decision",
)
BATCHING = ("batch_size", "accumulate", "max_length")
TRAINER = ("max_epochs", "precision")
TEXTS = ("prefix",)
"""Settings whose values are words for the model, however they begin, and no places."""
PLAIN = (bool, int, float, str)
"""Values that TensorBoard's table takes as they are."""


def settings_table(config: Mapping[str, Any]) -> dict[str, str]:
    """``{"loss": "FocalLoss", "loss.gamma": "2.0", ...}``: what made the model, and not where."""
    table: dict[str, str] = {}
    for section in SHOWN:
        if isinstance(config.get(section), Mapping):
            _flatten(section, config[section], table)
    for section, names in (("batching", BATCHING), ("trainer", TRAINER)):
        table |= {f"{section}.{name}": _shown(config[section][name]) for name in names if name in config[section]}
    return table | {name: _shown(config[name]) for name in ("seed", "monitor") if name in config}


def data_name(config: Mapping[str, Any]) -> str:
    """What the data are called: a data set of the hub by its id, files by the name of the file or folder."""
    data = config["data"]
    given = data.get("path") or data.get("train")
    return _shown(given) if given else str(data.get(TARGET, "")).rpartition(".")[2]


def encoder_name(config: Mapping[str, Any]) -> str:
    """What the encoder is called: its id on the hub, or the name of its folder or package."""
    return _shown(str(config["model"].get("name", "")).removeprefix("package:"))


def on_hub(name: str) -> bool:
    """Whether a name is that of a model or data set of the hub."""
    return name.count("/") == 1 and not _exists(name)


def _flatten(key: str, value: Any, table: dict[str, str]) -> None:
    if not isinstance(value, Mapping):
        table[key] = _shown(value)
        return
    if TARGET in value:
        table[key] = str(value[TARGET]).rpartition(".")[2]
    for name, item in value.items():
        if name in TEXTS and isinstance(item, str):
            table[f"{key}.{name}"] = item
        elif name != TARGET:
            _flatten(f"{key}.{name}", item, table)


def _shown(value: Any) -> str:
    text = str(value)
    if isinstance(value, str) and (text.startswith(("/", ".", "~")) or _exists(text)):
        return Path(text).name
    return text


def _exists(text: str) -> bool:
    return os.path.exists(text)  # noqa: PTH110 - false also for what no path can be, such as a long text


def facts(config: Mapping[str, Any]) -> dict[str, str]:
    """The settings that tell runs apart, as far as the configuration has them."""
    kinds = [str(_dig(config, name, TARGET) or "").rpartition(".")[2] for name in ("loss", "sampler", "data")]
    named = {
        "Model": RunSettings(config).encoder,
        "Loss, sampler": ", ".join(filter(None, kinds[:2])),
        "Data": Path(str(_dig(config, "data", "path") or kinds[2])).name,
    }
    return {name: value for name, value in named.items() if value}


def _dig(config: Mapping[str, Any], section: str, key: str) -> object:
    node = config.get(section)
    return node.get(key) if isinstance(node, Mapping) else None


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def chosen(config: Mapping[str, Any], overrides: Sequence[str]) -> Config:
    """The settings that the command line names, with the seed: what runs can differ by, without dozens of constants.

    A preset that was chosen (``loss=focal``) stands with its name.
    """
    settings = {key: value if isinstance(value, PLAIN) else _json(value) for key, value in flat(config).items()}
    shown: Config = {"seed": config["seed"]}
    for text in overrides:
        key, _, value = text.lstrip("+~").partition("=")
        named = {name: held for name, held in settings.items() if name == key}
        named = named or {name: held for name, held in settings.items() if name.startswith(f"{key}.") and "." in key}
        shown |= named or {key: value}
    return shown


def flat(node: Mapping[str, Any], prefix: str = "") -> Config:
    """``{"loss.gamma": 2.0, ...}``; lists and empty mappings stay whole."""
    out: Config = {}
    for key, value in node.items():
        if isinstance(value, Mapping) and value:
            out |= flat(value, f"{prefix}{key}.")
        else:
            out[f"{prefix}{key}"] = value
    return out
