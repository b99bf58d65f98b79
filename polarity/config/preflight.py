"""Everything that can be wrong with a run, found before a model loads and told at once."""

import json
import logging
import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, get_type_hints

from polarity.component import Progress
from polarity.config.build import build, build_all
from polarity.config.schema import section_problems, setting_problems
from polarity.config.sections import COLLECTIONS, PRECISIONS, ROOT_KEYS, SECTIONS, TRAINER_OWNED, RootSettings, as_root
from polarity.data.rows import Splits
from polarity.errors import UserError, nearest
from polarity.evaluation.monitored import monitored_names
from polarity.files import unwritable
from polarity.paths import CACHE_VARIABLE, cache_dir
from polarity.tasks import Task


@dataclass
class Prepared:
    """A checked configuration: its data, its components, and the settings at its root.

    :param components: one object per section of ``SECTIONS`` except the Trainer.
    :param data_seconds: how long reading, splitting and checking the data took.
    """

    config: dict[str, Any]
    root: RootSettings
    splits: Splits
    components: dict[str, Any]
    data_seconds: float


def prepare(config: dict[str, Any], *, multirun: bool = False) -> Prepared:
    """Check a resolved configuration and build everything of it that is cheap to build.

    :raises UserError: with every problem of the configuration and of the data.
    """
    problems = structure_problems(config)
    broken = {problem.split(".")[0].split(":")[0] for problem in problems}
    components = {}
    for name in SECTIONS:
        if name not in broken and name != "trainer":
            try:
                components[name] = build(name, config[name])
            except UserError as error:
                problems += error.problems
    splits, seconds = _load(config, components, problems)
    tasks = splits.tasks if splits is not None else ()
    for name, component in components.items():
        if splits is not None and name not in ("data", "limit") and hasattr(component, "problems"):
            problems += [f"{name}.{problem}" for problem in component.problems(tasks)]
    problems += _cross_problems(config, components, tasks, broken)
    if "trainer" not in broken:
        problems += _trainer_problems(config, multirun=multirun)
    if problems:
        raise UserError(dict.fromkeys(problems))
    assert splits is not None
    return Prepared(config, as_root(config), splits, components, seconds)


def structure_problems(config: dict[str, Any]) -> list[str]:
    """Unknown, missing and ill-typed keys, from the root to the last setting."""
    problems = []
    hints = {ROOT_KEYS[name]: hint for name, hint in get_type_hints(RootSettings, include_extras=True).items()}
    known = [*hints, *SECTIONS, *COLLECTIONS]
    for key, value in config.items():
        if key not in known:
            problems.append(f"{key}: no such setting{nearest(key, known, what='there are')}")
        elif key in hints:
            problems += setting_problems(key, value, hints[key])
    problems += [f"{key}: is missing" for key in known if key not in config]
    for name, kind in SECTIONS.items():
        if name in config:
            problems += section_problems(name, config[name], kind=kind)
    for name in COLLECTIONS:
        problems += _collection_problems(name, config.get(name, {}))
    return problems


PACKAGES = {"WandbLogger": "wandb", "MLFlowLogger": "mlflow", "CometLogger": "comet_ml", "NeptuneLogger": "neptune"}
"""What Lightning's loggers need beside it."""


def _collection_problems(name: str, nodes: object) -> list[str]:
    if not isinstance(nodes, dict):
        return [f"{name}: must hold named components, got {nodes!r}"]
    problems = []
    for key, node in nodes.items():
        if node is None:
            continue
        problems += section_problems(f"{name}.{key}", node)
        package = PACKAGES.get(str(node.get("_target_")).rpartition(".")[2]) if isinstance(node, dict) else None
        if package is not None and find_spec(package) is None:
            problems.append(f"{name}.{key}: needs the package {package}, which is not installed; pip install {package}")
    return problems


@lru_cache(maxsize=4)
def _load_once(key: str) -> tuple[Splits, float]:
    """The rows of a data section, and how long they took; the jobs of a sweep over other settings share them."""
    config, started = json.loads(key), time.monotonic()
    splits: Splits = build("limit", config["limit"]).apply(build("data", config["data"]).load())
    return splits, time.monotonic() - started


def _load(config: dict[str, Any], components: dict[str, Any], problems: list[str]) -> tuple[Splits | None, float]:
    if "data" not in components or "limit" not in components:
        return None, 0.0
    try:
        return _load_once(json.dumps({"data": config["data"], "limit": config["limit"]}))
    except UserError as error:
        problems += error.problems
        return None, 0.0


def _cross_problems(
    config: dict[str, Any], components: dict[str, Any], tasks: Sequence[Task], broken: set[str]
) -> list[str]:
    """What no component can know alone."""
    problems = _monitor_problems(config, tasks, broken) if tasks else []
    problems += _folder_problems(config) if not {"output_dir", "cache_dir"} & broken else []
    callbacks = config.get("callbacks") or {}
    problems += [
        f"callbacks.{needed}: is missing; a run cannot be trusted or resumed without it"
        for needed in ("best", "resume", "history")
        if "callbacks" not in broken and callbacks.get(needed) is None
    ]
    problems += _regularizer_problems(config, components, broken)
    if "model" in components:
        try:
            components["model"].locate()
            if "batching" in components:
                components["batching"].check_length(components["model"].max_positions())
        except UserError as error:
            problems += error.problems
    return problems


def _folder_problems(config: dict[str, Any]) -> list[str]:
    return [
        *unwritable("output_dir", Path(config["output_dir"])),
        *unwritable("cache_dir" if config["cache_dir"] else CACHE_VARIABLE, cache_dir(config["cache_dir"])),
    ]


def _monitor_problems(config: dict[str, Any], tasks: Sequence[Task], broken: set[str]) -> list[str]:
    """Scores that nobody logs, or that are best at the other end; of those that follow the root, only the root's."""
    problems, names = [], monitored_names(tasks)
    root = (config.get("monitor"), config.get("mode"))
    watching = {} if {"monitor", "mode"} & broken else {"": config}
    watching |= {f"{name}.": config[name] for name in SECTIONS if name not in broken and "monitor" in config[name]}
    for name in COLLECTIONS:
        nodes = {} if name in broken else config[name]
        watching |= {f"{name}.{key}.": node for key, node in nodes.items() if node is not None and "monitor" in node}
    for path, node in watching.items():
        monitor, mode = node["monitor"], node.get("mode", root[1])
        if path and (monitor, mode) == root:
            continue
        if path in ("callbacks.best.", "callbacks.history."):
            problems.append(f"{path}monitor: follows the root's monitor and mode; change those")
        elif monitor not in names:
            problems.append(f"{path}monitor: no score is logged as {monitor!r}{nearest(monitor, names, what='scores')}")
        elif mode != (wanted := "min" if monitor.endswith("/loss") else "max"):
            problems.append(
                f"{path}mode: {monitor} is best at its {wanted}imum, so mode has to be {wanted!r}, got {mode!r}"
            )
    return problems


def _regularizer_problems(config: dict[str, Any], components: dict[str, Any], broken: set[str]) -> list[str]:
    regularizer = components.get("regularizer")
    if regularizer is None or "trainer" in broken:
        return []
    epochs = config["trainer"].get("max_epochs")
    ever = (
        any(regularizer.copies(Progress(epoch, epochs)) > 1 for epoch in range(epochs))
        if isinstance(epochs, int) and epochs > 0
        else True
    )
    active = regularizer.copies(Progress(10**6)) > 1
    problems = []
    if active and not ever:
        problems.append(
            f"regularizer.warmup_epochs: the regulariser would never start within trainer.max_epochs={epochs}; "
            "lower it, or use regularizer=none"
        )
    head, model = config.get("head"), config.get("model")
    if active and isinstance(head, dict) and isinstance(model, dict):
        rates = [model.get("dropout"), model.get("encoder_dropout"), head.get("dropout"), head.get("trunk_dropout")]
        if model.get("encoder_dropout") is not None and not any(rates):
            problems.append("regularizer: has no effect, since every dropout is 0; use regularizer=none")
    return problems


def _trainer_problems(config: dict[str, Any], *, multirun: bool) -> list[str]:
    trainer = config["trainer"]
    problems = [
        f"trainer.{key}: is not a setting here; {advice}" for key, advice in TRAINER_OWNED.items() if key in trainer
    ]
    precision = trainer.get("precision")
    if precision not in PRECISIONS:
        problems.append(f"trainer.precision: {precision!r} is not supported{nearest(precision, PRECISIONS)}")
    if not isinstance(trainer.get("max_epochs"), int) or trainer["max_epochs"] < 1:
        problems.append(f"trainer.max_epochs: must be a whole number of at least 1, got {trainer.get('max_epochs')!r}")
    elif (trainer.get("min_epochs") or 0) > trainer["max_epochs"]:
        problems.append(f"trainer.min_epochs: {trainer['min_epochs']} is more than max_epochs={trainer['max_epochs']}")
    if problems:
        return problems
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)  # what it says about devices is in the summary
    try:
        with warnings.catch_warnings():  # advice about devices is not for a Trainer that never runs
            warnings.simplefilter("ignore")
            built = build("trainer", trainer, logger=False, enable_checkpointing=False, enable_model_summary=False)
    except UserError as error:
        return [problem.replace("trainer: ", "trainer: cannot be built: ", 1) for problem in error.problems]
    if precision == "16-mixed" and built.strategy.root_device.type == "cpu":
        problems.append("trainer.precision: 16-mixed needs a GPU; use bf16-mixed, or 32-true")
    elif precision == "16-mixed" and config.get("optimizer", {}).get("fused") is not False:
        problems.append(
            "optimizer.fused: has to be false with trainer.precision=16-mixed, since a fused optimizer unscales "
            "gradients only after they were clipped; bf16-mixed has no such limit"
        )
    batch = config.get("batching", {}).get("batch_size")
    if isinstance(batch, int) and built.world_size > batch:
        problems.append(f"batching.batch_size: {batch} rows cannot be shared by {built.world_size} devices")
    if multirun and built.world_size > 1:
        problems.append(
            f"trainer.devices: {built.world_size} processes inside a multirun would each run the whole sweep; "
            "start the jobs one by one (a shell loop without -m), or give each job one device (trainer=default)"
        )
    return problems


def build_callbacks(config: dict[str, Any]) -> dict[str, Any]:
    """The callbacks of a checked configuration, by name."""
    problems: list[str] = []
    built = build_all("callbacks", config["callbacks"], problems)
    if problems:
        raise UserError(problems)
    return built
