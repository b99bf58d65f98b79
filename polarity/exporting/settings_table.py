"""The settings of a run as a card may show them: what made the model, and nothing about the machine that made it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from polarity.config.schema import TARGET

SHOWN = (
    "model",
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


def settings_table(config: Mapping[str, Any]) -> dict[str, str]:
    """``{"loss": "FocalLoss", "loss.gamma": "2.0", ...}``; folders are shown by their last name."""
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
    return name.count("/") == 1 and not Path(name).exists()


def _flatten(key: str, value: Any, table: dict[str, str]) -> None:
    if not isinstance(value, Mapping):
        table[key] = _shown(value)
        return
    if TARGET in value:
        table[key] = str(value[TARGET]).rpartition(".")[2]
    for name, item in value.items():
        if name != TARGET:
            _flatten(f"{key}.{name}", item, table)


def _shown(value: Any) -> str:
    text = str(value)
    if isinstance(value, str) and (text.startswith(("/", ".", "~")) or Path(text).exists()):
        return Path(text).name
    return text
