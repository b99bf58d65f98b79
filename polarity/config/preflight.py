"""Everything that can be wrong with a run, found before a model loads and told at once."""

import json
import re
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from polarity.component import Component
from polarity.config.build import build, load_corpus
from polarity.config.components import Components
from polarity.config.folds import device_problems, folds_of
from polarity.config.overrides import COLLECTIONS
from polarity.config.precision import AUTO
from polarity.config.recorded import RunSettings
from polarity.config.root import RootSettings, as_root
from polarity.config.sections import SECTIONS
from polarity.config.settled import with_places
from polarity.config.sharding import sharding_problems
from polarity.config.structure import config_problems
from polarity.config.trainer import check_trainer
from polarity.content import Config
from polarity.data.corpus import Corpus
from polarity.data.folds import FoldedRows, Folds
from polarity.data.rows import Splits
from polarity.errors import UserError, nearest
from polarity.evaluation.monitored import monitored_names
from polarity.importing import imported
from polarity.models.metadata import feature_problems, with_columns
from polarity.pretraining import MaskedLanguageModelling, NoPretraining
from polarity.privacy import show_texts
from polarity.signature import NEEDED, TARGET, signature_of
from polarity.tasks import Task


@dataclass
class Prepared:
    """A checked configuration: its data, its components, and the settings at its root.

    :param config: with the precision that ``trainer.precision=auto`` has come to, and, once training begins, the size
        of micro-batches, which a run keeps.
    :param data_seconds: how long reading, splitting and checking the data took.
    :param chosen: whether that was left to the hardware.
    """

    config: Config
    root: RootSettings
    splits: Splits
    components: Components
    data_seconds: float
    chosen: bool = False


def with_micro_batches(prepared: Prepared, rows: int) -> Prepared:
    """The same with the size of micro-batches that ``batching.micro_batch_size=null`` has come to."""
    batching = {**prepared.config["batching"], "micro_batch_size": rows}
    components = replace(prepared.components, batching=build("batching", batching))
    return replace(prepared, config={**prepared.config, "batching": batching}, components=components)


def prepare(config: Config, *, multirun: bool = False, elsewhere: bool = False) -> Prepared:
    """Check a resolved configuration and build everything of it that is cheap to build.

    :param multirun: whether it is one of several in this process.
    :param elsewhere: whether it is only checked here, and trains on another machine.

    :raises UserError: with every problem of the configuration; where there is none, with every one of the data, of the
        components and of the hardware.
    """
    if problems := config_problems(config):
        raise UserError(dict.fromkeys(problems))
    config = with_places(config)
    components, damaged = _build(config, problems)
    show_texts("reporting" not in components or components["reporting"].texts)
    splits, seconds = _load(config, components, problems)
    if splits is not None and "model" in components and (features := components["data"].features):
        problems += feature_problems(features, splits)
        components["model"] = with_columns(components["model"], features)
    tasks = splits.tasks if splits is not None else ()
    of_trainer, context = check_trainer(config["trainer"], multirun=multirun, elsewhere=elsewhere)
    context = replace(context, positions=_positions(components, problems), dropout=_has_dropout(components))
    for name, component in {**components, **damaged}.items():
        if isinstance(component, Component):
            found = [
                *_lines(component.problems(tasks) if splits is not None else []),
                *_lines(component.conflicts(context) if name in components else []),
            ]
            problems += [f"{name}{problem}" if problem.startswith(":") else f"{name}.{problem}" for problem in found]
    problems += [*_pretraining_problems(config, components), *_probe_problems(components)]
    problems += _monitor_problems(config, tasks) if tasks else []
    problems += [*of_trainer, *device_problems(config, context.devices), *sharding_problems(config)]
    if problems:
        raise UserError(dict.fromkeys(problems))
    assert splits is not None
    chosen = config["trainer"]["precision"] == AUTO
    if chosen:
        config = {**config, "trainer": {**config["trainer"], "precision": context.precision}}
    return Prepared(config, as_root(config), splits, Components(**components), seconds, chosen)


def _lines(said: list[str] | str) -> list[str]:
    """What a component says is wrong; one that says a single thing may forget that it is a list."""
    return [said] if isinstance(said, str) else said


def _build(config: Config, problems: list[str]) -> tuple[Config, Config]:
    """The components of all sections that can be built, by name; and those that can without what is wrong of them.

    The latter tell what else is wrong, of other settings that only the data can judge.
    """
    built: Config = {}
    damaged: Config = {}
    for name in SECTIONS:
        if name != "trainer":
            try:
                built[name] = build(name, config[name])
            except UserError as error:
                problems += error.problems
                wrong = {re.split(r"[.:]", problem.removeprefix(f"{name}."))[0] for problem in error.problems}
                with suppress(UserError):
                    damaged[name] = build(name, {key: value for key, value in config[name].items() if key not in wrong})
    return built, damaged


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


@lru_cache(maxsize=4)
def _load_once(key: str) -> tuple[Corpus, Splits, float]:
    """The rows of a data section, and how long they took; the jobs of a sweep over other settings share them."""
    started = time.monotonic()
    corpus, splits = load_corpus(json.loads(key))
    return corpus, splits, time.monotonic() - started


def forget_rows() -> None:
    """What one command shares among its jobs is nothing to the next one, before which files and folder may change."""
    _load_once.cache_clear()
    _fold_once.cache_clear()


def rows_of(config: Config) -> Splits:
    """The rows of a checked configuration, all of them, if it is one of folds."""
    show_texts(RunSettings(config).reporting.texts)
    return _load_once(_data_key(config))[1]


def _data_key(config: Config) -> str:
    return json.dumps({name: config.get(name) for name in ("data", "limit", "cache_dir", "reporting")})


@lru_cache(maxsize=1)
def _fold_once(key: str, folds: Folds) -> FoldedRows:
    """The same folded; the folds share them."""
    corpus, splits, _ = _load_once(key)
    return FoldedRows(corpus, splits, folds)


def _load(config: Config, components: Mapping[str, Any], problems: list[str]) -> tuple[Splits | None, float]:
    if "data" not in components or "limit" not in components:
        return None, 0.0
    key = _data_key(config)
    try:
        _, splits, seconds = _load_once(key)
        if (folds := folds_of(config)) is not None:
            folded = _fold_once(key, folds)
            if config["fold"] is None:
                folded.check()
            else:
                splits = folded.of(config["fold"])
    except UserError as error:
        problems += error.problems
        return None, 0.0
    return splits, seconds


def _probe_problems(components: Mapping[str, Any]) -> list[str]:
    """Of heads beside a model that has a linear probe already."""
    model, head = components.get("model"), components.get("head")
    if model is None or head is None or not model.probed or head.init == "random":
        return []
    return ["head.init: the model has a linear probe beside its heads, which begin at random; set it to random"]


def _pretraining_problems(config: Config, components: Mapping[str, Any]) -> list[str]:
    """Of what trains the encoder before the run, beside the encoder."""
    if "model" not in components or "pretraining" not in components:
        return []
    pretraining, model = components["pretraining"], components["model"]
    if config["from"] is not None and not isinstance(pretraining, NoPretraining):
        return ["pretraining: has no effect with from=, whose weights take the place of the encoder's; set it to none"]
    if not isinstance(pretraining, NoPretraining | MaskedLanguageModelling):
        return ["pretraining: there is none and mlm; a class of your own cannot take their place"]
    if config["folds"] is not None and getattr(pretraining, "texts", None) is not None:
        return [
            "pretraining.texts: with folds it is not known which lines are test rows, to leave them out; set it to null"
        ]
    return [f"pretraining{problem}" for problem in pretraining.misfits(model)]


def _monitor_problems(config: Config, tasks: Sequence[Task]) -> list[str]:
    """Scores that nobody logs, or that are best at the other end; of those that follow the root, only the root's."""
    problems, names = [], monitored_names(tasks)
    root = (config.get("monitor"), config.get("mode"))
    watching = {"": config} | {f"{name}.": config[name] for name in SECTIONS if "monitor" in config[name]}
    for name in COLLECTIONS:
        nodes = config[name].items()
        watching |= {f"{name}.{key}.": node for key, node in nodes if node is not None and "monitor" in node}
    for path, node in watching.items():
        monitor, mode = node["monitor"], node.get("mode", _usual_mode(node) or root[1])
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


def _usual_mode(node: Config) -> str | None:
    """The end at which a component takes a score to be best unless it is told; None where it has no such setting."""
    setting = signature_of(imported(node[TARGET])).settings.get("mode") if TARGET in node else None
    mode: str | None = None if setting is None or setting.default is NEEDED else setting.default
    return mode
