"""What is wrong with a configuration by itself, found in tenths of a second: no component is imported for it."""

import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from polarity.config.constructors import ROOT, constructor
from polarity.config.folds import folds_problems
from polarity.config.overrides import COLLECTIONS
from polarity.config.schema import section_problems, setting_problems
from polarity.config.sections import PLACES, SECTIONS, TRAINER_NAMES, TRAINER_OWNED, TRAINER_REGISTRIES, UNITS
from polarity.config.shown import flat
from polarity.content import Config
from polarity.errors import nearest
from polarity.files import unwritable
from polarity.paths import CACHE_VARIABLE, cache_dir, too_long
from polarity.signature import TARGET
from polarity.wording import times


def config_problems(config: Config) -> list[str]:
    """Everything that is wrong with a resolved configuration, data, model and hardware aside."""
    problems = [*structure_problems(config), *place_problems(config)]
    broken = {problem.split(".")[0].split(":")[0] for problem in problems}
    checks: tuple[tuple[Callable[[Config], list[str]], set[str]], ...] = (
        (folds_problems, {"folds", "repeats", "fold", "from"}),
        (_folder_problems, {"output_dir", "cache_dir"}),
        (_callback_problems, {"callbacks"}),
        (_logger_problems, {"callbacks", "logger"}),
        (_trainer_problems, {"trainer", "callbacks"}),
    )
    return [*problems, *(problem for check, needs in checks if not needs & broken for problem in check(config))]


def place_problems(config: Config) -> list[str]:
    """A problem for each setting that is a place, and too long for one."""
    problems = []
    for key, value in flat(config).items():
        if key.rpartition(".")[2] in PLACES:
            texts = [text for text in (value if isinstance(value, list) else [value]) if isinstance(text, str)]
            problems += [problem for text in texts for problem in too_long(key, text)]
    return problems


def structure_problems(config: Config) -> list[str]:
    """Unknown, missing and ill-typed keys, from the root to the last setting."""
    problems = []
    root = {{"origin": "from"}.get(name, name): setting for name, setting in constructor(ROOT).settings.items()}
    known = [*root, *SECTIONS, *COLLECTIONS]
    for key, value in config.items():
        if key not in known:
            problems.append(f"{key}: no such setting{nearest(key, known, what='there are')}")
        elif key in root:
            problems += setting_problems(key, value, root[key])
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


def _callback_problems(config: Config) -> list[str]:
    return [
        f"callbacks.{needed}: is missing; a run cannot be trusted or resumed without it"
        for needed in ("best", "resume", "history")
        if config["callbacks"].get(needed) is None
    ]


def _logger_problems(config: Config) -> list[str]:
    if any(config["logger"].values()):
        return []
    return [
        f"callbacks.{key}: has no effect without a logger; set it to null, too"
        for key, node in config["callbacks"].items()
        if node is not None and str(node.get(TARGET)).endswith(".LearningRateMonitor")
    ]


def _folder_problems(config: Config) -> list[str]:
    return [
        *unwritable("output_dir", Path(config["output_dir"])),
        *unwritable("cache_dir" if config["cache_dir"] else CACHE_VARIABLE, cache_dir(config["cache_dir"])),
    ]


def _trainer_problems(config: Config) -> list[str]:
    trainer = config["trainer"]
    problems = [
        f"trainer.{key}: is not a setting here; {advice}" for key, advice in TRAINER_OWNED.items() if key in trainer
    ]
    for key, names in TRAINER_NAMES.items():
        known = list(dict.fromkeys([*names, *_registered(key)]))
        if isinstance(given := trainer.get(key), str) and given not in known:
            problems.append(f"trainer.{key}: {given!r} is not valid{nearest(given, known)}")
    if (devices := trainer.get("devices")) in (0, []):
        problems.append(f"trainer.devices: must be 1 or more, a list of some, or -1 for all there are, got {devices!r}")
    strategy = trainer.get("strategy")
    if isinstance(strategy, str) and any(way in strategy for way in ("spawn", "fork", "notebook")):
        problems.append(
            f"trainer.strategy: {strategy} would have to copy what a run holds; trainer=ddp starts processes"
        )
    epochs = trainer.get("max_epochs")
    if not isinstance(epochs, int) or epochs < 1:
        problems.append(f"trainer.max_epochs: must be a whole number of at least 1, got {epochs!r}")
    elif (trainer.get("min_epochs") or 0) > epochs:
        problems.append(f"trainer.min_epochs: {trainer['min_epochs']} is more than max_epochs={epochs}")
    if (trainer.get("min_steps") or 0) > (steps := trainer.get("max_steps") or -1) != -1:
        problems.append(f"trainer.min_steps: {trainer['min_steps']} is more than max_steps={steps}")
    longest = trainer.get("max_time")
    if longest is not None and not _lasts(longest):
        problems.append("trainer.max_time: must be more than no time at all")
    wrong = [unit for unit in longest if unit not in UNITS] if isinstance(longest, dict) else []
    problems += [f"trainer.max_time.{unit}: no such unit{nearest(unit, UNITS)}" for unit in wrong]
    return problems or _least_problems(config)


def _registered(key: str) -> list[str]:
    """Names that plug-ins have given to accelerators and strategies; there are none before Lightning is imported."""
    module, registry = TRAINER_REGISTRIES.get(key, ("", ""))
    return sorted(getattr(sys.modules.get(module), registry, ()))


def _may_stop(callback: str) -> bool:
    """Whether a callback ends training by what cannot be known here: the clock, or a rule of the user's own."""
    return callback.endswith(".Timer") or not callback.startswith(("polarity.", "lightning."))


def _lasts(longest: str | dict[str, float]) -> bool:
    """Whether a time as DD:HH:MM:SS, or by units, is any."""
    return any(part > 0 for part in longest.values()) if isinstance(longest, dict) else longest.strip("0:") != ""


def _least_problems(config: Config) -> list[str]:
    """Least epochs or steps, where nothing would stop training before."""
    trainer, least = config["trainer"], config["trainer"].get("min_epochs")
    nodes = [node for node in config["callbacks"].values() if node is not None]
    stopping = [node for node in nodes if str(node.get(TARGET)).endswith(".EarlyStopping")]
    if trainer.get("max_time") is not None or any(_may_stop(str(node.get(TARGET))) for node in nodes):
        return []
    if not stopping:
        return [
            f"trainer.{key}: has no effect, since nothing stops training early"
            for key in ("min_epochs", "min_steps")
            if trainer.get(key) is not None
        ]
    sooner = any({"stopping_threshold", "divergence_threshold"} & set(node) for node in stopping)
    patience = [node.get("patience") for node in stopping]
    known = all(isinstance(one, int) for one in patience)
    if sooner or not known or least is None or least > (shortest := min(patience)) + 1:
        return []
    waits = f"early stopping with patience={shortest} waits for {times(shortest + 1, 'epoch')}"
    return [f"trainer.min_epochs: {least} has no effect, since {waits}"]
