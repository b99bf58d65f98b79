"""The search that a command line asks for, with all that is wrong with it."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any

from hydra import compose as hydra_compose
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from omegaconf import OmegaConf

from polarity.config.composed import compose
from polarity.config.launcher import KNOWN_LAUNCHERS
from polarity.config.overrides import closed_key, key_of, open_keys
from polarity.config.readable import readable, restored
from polarity.config.schema import section_problems
from polarity.config.search.parameter import Parameter
from polarity.config.uncomposable import COMPOSITION_ERRORS
from polarity.content import Config
from polarity.errors import UserError
from polarity.signature import TARGET

SWEEPER = "hydra.sweeper"
SETTINGS = "polarity.config.search.settings.SearchSettings"
OF_ROWS = (
    "data", "data.path", "data.val", "data.tasks", "data.split", "data.split_column", "data.leakage", "limit",
    "limit.val", "limit.seed",
)  # fmt: skip
"""Groups and settings that say what is scored."""
NO_PROCESSES = f"{SWEEPER}.pruner: ends processes of jobs, which hydra/launcher=basic has not"


def is_of_search(text: str) -> bool:
    """Whether an override says how a search is made, and nothing of what is searched."""
    return key_of(text) in ("search", "hydra/sweeper") or key_of(text).startswith(f"{SWEEPER}.")


def is_search(overrides: Sequence[str]) -> bool:
    """Whether a command line asks for a search."""
    return any(key_of(text) == "search" or text == "hydra/sweeper=optuna" for text in overrides)


@dataclass
class Search:
    """A search.

    :param settings: those of :class:`~polarity.config.search.settings.SearchSettings`, but ``params``.
    :param parameters: what is searched.
    :param problems: by the override, or the setting, that is wrong.
    """

    settings: Config = field(default_factory=dict)
    parameters: list[Parameter] = field(default_factory=list)
    problems: dict[str, str] = field(default_factory=dict)

    @property
    def count(self) -> float:
        """How many combinations of values there are."""
        return math.prod(parameter.count for parameter in self.parameters)

    @property
    def trials(self) -> int:
        """How many there can be: what was asked for, or all combinations where these are fewer."""
        return int(min(self.settings["trials"], self.count))

    @property
    def space(self) -> dict[str, list[str]]:
        """The values of each setting that is searched; those between two ends as they were typed."""
        return {parameter.key: list(parameter.values or [parameter.text]) for parameter in self.parameters}

    def distance(self, overrides: Sequence[str]) -> float:
        """How far a job is from the plainest values: the first ones, and the lower ends, on average over settings."""
        given = {key_of(text): text for text in overrides}
        known = [parameter.distance(given[parameter.key]) for parameter in self.parameters if parameter.key in given]
        return sum(known) / max(1, len(known))

    @classmethod
    def recorded(cls, record: Config) -> "Search":
        """From what is kept of it."""
        return cls(record, [Parameter.read(f"{key}={text}") for key, text in record["params"].items()])


def missing_extra() -> list[str]:
    """What has to be installed, if anything has."""
    if find_spec("optuna"):
        return []
    return ["hydra/sweeper=optuna: needs the package optuna; pip install 'polarity[search]'"]


def search_of(config_name: str, overrides: Sequence[str], extra: Sequence[str]) -> tuple[Search, list[str]]:
    """The search, and overrides that stand for its jobs: ``KEY=LOWEST,HIGHEST``. Hydra has to be initialised.

    :param extra: overrides that the program adds.
    """
    search, kept, fixed = Search(), list[str](), set[str]()
    texts: dict[str, str] = {}
    own = list[str]()
    for text in overrides:
        key, several = restored(closed_key(key_of(text))), _gives_several(text)
        if is_of_search(text) and several:
            search.problems[text] = f"{key}: has one value for the whole search"
        elif is_of_search(text):
            own.append(text)
        elif several and not key.startswith("hydra"):
            texts[key] = text
        else:
            kept.append(text)
            fixed.add(key)
    node = _sweeper(config_name, [*own, *(text for text in kept if key_of(text) == "hydra/launcher")], extra)
    if node is None:  # what is wrong is told with the overrides of the jobs
        kept += own
    else:
        params = node.pop("params") if isinstance(node.get("params"), dict) else {}
        texts = {**{key: f"{key}={text}" for key, text in params.items() if key not in fixed}, **texts}
    for key, text in texts.items():
        try:
            parameter = Parameter.read(text)
        except UserError as error:
            search.problems |= {f"{key}={number}": problem for number, problem in enumerate(error.problems)}
        else:
            search.parameters.append(parameter)
            kept.append(readable(f"{text.partition('=')[0]}={','.join(parameter.probes)}", multirun=True))
    search.settings = node or {}
    search.problems |= dict(_problems(search)) if node else {}
    for name in ("launcher", "beyond", TARGET):
        search.settings.pop(name, None)
    return search, kept


def corners(overrides: Sequence[str]) -> list[list[str]]:
    """Jobs that try each value of each override in turn, with the first ones of all others."""
    parsed = OverridesParser.create().parse_overrides(list(overrides))
    values = [
        [f"{one.get_key_element()}={value}" for value in one.sweep_string_iterator()]
        if one.is_sweep_override()
        else [text]
        for text, one in zip(overrides, parsed, strict=True)
    ]
    first = [texts[0] for texts in values]
    others = [(place, text) for place, texts in enumerate(values) for text in texts[1:]]
    return [first, *([*first[:place], text, *first[place + 1 :]] for place, text in others)]


def _gives_several(text: str) -> bool:
    try:
        override = OverridesParser.create().parse_override(text)
    except HydraException:
        return False
    return override.is_sweep_override()


def _sweeper(config_name: str, own: Sequence[str], extra: Sequence[str]) -> Config | None:
    """The settings of the sweeper, and what has to be known besides; None if they cannot be composed.

    :param own: what was given of the search, and of the launcher.
    """
    try:
        config = hydra_compose(config_name, overrides=[*open_keys(own), *extra], return_hydra_config=True)
    except COMPOSITION_ERRORS:
        return None
    node: Any = OmegaConf.to_container(config.hydra.sweeper)
    node["launcher"] = str(config.hydra.launcher.get(TARGET)).rpartition(".")[2]
    whole: Any = OmegaConf.to_container(config)
    plain: Any = OmegaConf.to_container(compose(config_name, extra))
    return {**node, "beyond": [key for key in whole if key != "hydra" and whole[key] != plain.get(key)]}


def _incomparable(keys: Iterable[str]) -> Iterator[tuple[str, str]]:
    """A problem for each setting whose values have scores that cannot be set beside each other."""
    for key in keys:
        if key in OF_ROWS or key.startswith(("data.tasks.", "data.split.", "data.leakage.")):
            problem = f"{key}: says which rows or tasks are scored; scores of other ones cannot be compared"
            yield key, f"{problem}, so that there is nothing to search; give it one value"
        if key in ("monitor", "mode"):
            yield key, f"{key}: says what scores are compared, so that there is nothing to search; give it one value"


def _problems(search: Search) -> Iterator[tuple[str, str]]:
    settings: Mapping[str, Any] = search.settings
    if not str(settings[TARGET]).endswith(".OptunaSweeper"):
        yield "search=", "search: its preset has to choose the sweeper, by defaults: [override /hydra/sweeper: optuna]"
        return
    yield from ((problem, problem) for problem in missing_extra())
    for key in settings["beyond"]:
        yield f"search={key}", f"search: its preset sets {key}, too; jobs do not know it, so give it in an experiment"
    own = {key: value for key, value in settings.items() if key not in ("launcher", "beyond")}
    for problem in section_problems(SWEEPER, {**own, TARGET: SETTINGS}):
        yield problem.partition(":")[0], problem
    if settings["launcher"] not in KNOWN_LAUNCHERS:
        yield "hydra/launcher=", "hydra/launcher: a search runs with local, slurm, dask, ray or basic"
    if settings.get("pruner") and settings["launcher"] == "BasicLauncher":
        yield f"{SWEEPER}.pruner", NO_PROCESSES
    if not search.parameters and not search.problems:
        yield "search=", "search: nothing to search; give search=NAME, or values such as optimizer.layer_decay=0.8,0.9"
    yield from _incomparable(search.space)
    if settings.get("seeds") not in (1, None) and "seed" in search.space:
        yield f"{SWEEPER}.seeds", f"{SWEEPER}.seeds: has no effect where seed itself is searched"
