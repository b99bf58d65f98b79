"""Everything that can be wrong with a run, found before a model loads and told at once."""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, get_type_hints

from polarity.component import Component, Context
from polarity.config.build import build, load_corpus
from polarity.config.folds import device_problems, folds_of, folds_problems
from polarity.config.overrides import COLLECTIONS
from polarity.config.schema import section_problems, setting_problems
from polarity.config.sections import ROOT_KEYS, SECTIONS, Components, RootSettings, as_root
from polarity.config.trainer import check_trainer, least_problems
from polarity.content import Config
from polarity.data.corpus import Corpus
from polarity.data.folds import FoldedRows, Folds
from polarity.data.rows import Splits
from polarity.errors import UserError, nearest
from polarity.evaluation.monitored import monitored_names
from polarity.files import unwritable
from polarity.paths import CACHE_VARIABLE, cache_dir
from polarity.signature import TARGET
from polarity.tasks import Task


@dataclass
class Prepared:
    """A checked configuration: its data, its components, and the settings at its root.

    :param data_seconds: how long reading, splitting and checking the data took.
    """

    config: Config
    root: RootSettings
    splits: Splits
    components: Components
    data_seconds: float


def prepare(config: Config, *, multirun: bool = False) -> Prepared:
    """Check a resolved configuration and build everything of it that is cheap to build.

    :raises UserError: with every problem of the configuration and of the data.
    """
    problems = structure_problems(config)
    broken = {problem.split(".")[0].split(":")[0] for problem in problems}
    if not {"folds", "repeats", "fold", "from"} & broken and (wrong := folds_problems(config)):
        problems += wrong
        broken.add("folds")
    components = _build(config, broken, problems)
    splits, seconds = _load(config, components, broken, problems)
    tasks = splits.tasks if splits is not None else ()
    of_trainer, context = list[str](), Context()
    if "trainer" not in broken:
        of_trainer, context = check_trainer(config["trainer"], multirun=multirun)
        of_trainer += least_problems(config) if not of_trainer else []
    context = replace(context, positions=_positions(components, problems), dropout=_has_dropout(components))
    for name, component in components.items():
        if isinstance(component, Component):
            found = component.problems(tasks) if splits is not None else []
            found += component.conflicts(context)
            problems += [f"{name}{problem}" if problem.startswith(":") else f"{name}.{problem}" for problem in found]
    problems += _cross_problems(config, tasks, broken) + of_trainer
    problems += [] if "folds" in broken else device_problems(config, context.devices)
    if problems:
        raise UserError(dict.fromkeys(problems))
    assert splits is not None
    return Prepared(config, as_root(config), splits, Components(**components), seconds)


def _build(config: Config, broken: set[str], problems: list[str]) -> Config:
    """The components of all sections that can be built, by name."""
    built = {}
    for name in SECTIONS:
        if name not in broken and name != "trainer":
            try:
                built[name] = build(name, config[name])
            except UserError as error:
                problems += error.problems
    return built


def _positions(components: Mapping[str, Any], problems: list[str]) -> int | None:
    """Longest row that the encoder can read, after a look whether it is there."""
    if "model" not in components:
        return None
    try:
        components["model"].locate()
        positions: int | None = components["model"].longest()
    except UserError as error:
        problems += error.problems
        return None
    return positions


def _has_dropout(components: Mapping[str, Any]) -> bool | None:
    """Whether any rate is above 0; None where that is not known."""
    rates: list[float] = []
    for name in ("model", "head"):
        of_part: list[float] | None = getattr(components.get(name), "dropout_rates", None)
        if of_part is None:
            return None
        rates += of_part
    return any(rates)


def structure_problems(config: Config) -> list[str]:
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
        package = PACKAGES.get(str(node.get(TARGET)).rpartition(".")[2]) if isinstance(node, dict) else None
        if package is not None and find_spec(package) is None:
            problems.append(f"{name}.{key}: needs the package {package}, which is not installed; pip install {package}")
    return problems


@lru_cache(maxsize=4)
def _load_once(key: str) -> tuple[Corpus, Splits, float]:
    """The rows of a data section, and how long they took; the jobs of a sweep over other settings share them."""
    started = time.monotonic()
    corpus, splits = load_corpus(json.loads(key))
    return corpus, splits, time.monotonic() - started


@lru_cache(maxsize=1)
def _fold_once(key: str, folds: Folds) -> FoldedRows:
    """The same folded; the folds share them."""
    corpus, splits, _ = _load_once(key)
    return FoldedRows(corpus, splits, folds)


def _load(
    config: Config, components: Mapping[str, Any], broken: set[str], problems: list[str]
) -> tuple[Splits | None, float]:
    if "data" not in components or "limit" not in components:
        return None, 0.0
    key = json.dumps({"data": config["data"], "limit": config["limit"]})
    try:
        _, splits, seconds = _load_once(key)
        if not {"folds", "repeats", "fold"} & broken and (folds := folds_of(config)) is not None:
            folded = _fold_once(key, folds)
            if config["fold"] is None:
                folded.check()
            else:
                splits = folded.of(config["fold"])
    except UserError as error:
        problems += error.problems
        return None, 0.0
    return splits, seconds


def _cross_problems(config: Config, tasks: Sequence[Task], broken: set[str]) -> list[str]:
    """What no component can know alone."""
    problems = _monitor_problems(config, tasks, broken) if tasks else []
    problems += _folder_problems(config) if not {"output_dir", "cache_dir"} & broken else []
    callbacks = config.get("callbacks") or {}
    problems += [
        f"callbacks.{needed}: is missing; a run cannot be trusted or resumed without it"
        for needed in ("best", "resume", "history")
        if "callbacks" not in broken and callbacks.get(needed) is None
    ]
    if not {"callbacks", "logger"} & broken and not any((config.get("logger") or {}).values()):
        problems += [
            f"callbacks.{key}: has no effect without a logger; set it to null, too"
            for key, node in callbacks.items()
            if node is not None and str(node.get(TARGET)).endswith(".LearningRateMonitor")
        ]
    return problems


def _folder_problems(config: Config) -> list[str]:
    return [
        *unwritable("output_dir", Path(config["output_dir"])),
        *unwritable("cache_dir" if config["cache_dir"] else CACHE_VARIABLE, cache_dir(config["cache_dir"])),
    ]


def _monitor_problems(config: Config, tasks: Sequence[Task], broken: set[str]) -> list[str]:
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
