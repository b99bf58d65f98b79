"""What becomes of an experiment's settings for a component when another one is chosen in its place."""

from collections.abc import Iterator, Sequence
from typing import Any, cast

from omegaconf import DictConfig, OmegaConf, open_dict

from polarity.config.composed import compose
from polarity.config.constructors import constructor
from polarity.config.overrides import NESTED
from polarity.config.sections import SECTIONS
from polarity.content import Config
from polarity.errors import UserError
from polarity.signature import TARGET

LAYERS = ("experiment", "debug")
"""Groups whose presets choose and set components of other groups, each of them over the one before."""


def drop_settings_of_replaced(
    config: DictConfig, config_name: str, overrides: Sequence[str], extra: Sequence[str] = ()
) -> None:
    """Remove from ``config`` what an experiment set for a component that is not the chosen one.

    ``experiment=run4 regularizer=none`` is a run without R-Drop; its alpha goes with it. Settings that the new
    component has as well stay (``experiment=run4 model=xlmr_base`` keeps the pooling) unless it refuses them
    (``experiment=quickstart loss=ce`` has no class weights that ``clip`` could bound). So do those that were typed, or
    that the experiment's own component does not know: the preflight refuses them. Hydra has to be initialised.

    :param overrides: the command line of the job.
    :param extra: overrides that the program adds.
    """
    typed = {tuple(text.lstrip("+~").partition("=")[0].split(".")[:2]) for text in overrides}
    layers = [text for group in LAYERS for text in overrides if text.startswith(f"{group}=")]
    if len(layers) < 2 and not _choices(overrides) and not any(TARGET in text for text in overrides):
        return  # nothing was chosen in the place of what the experiment chooses
    before = [compose(config_name, [*layers[: number + 1], *extra]) for number in range(len(layers))]
    replaced = [name for name in SECTIONS if len({_target(one.get(name)) for one in [*before, config]}) > 1]
    unfit = [place for name in replaced for place in _unfit(config, name) if place not in typed]
    for one in before if unfit else ():
        for section, key in unfit:
            old, new = _plain(one.get(section)), _plain(config.get(section))
            replaced_here = old.get(TARGET) != new.get(TARGET) and key in _settings(old)
            if replaced_here and key in new and key in old and old[key] == new[key]:
                _take_back(config, section, key, config_name, [*_choices(overrides), *extra])


def _unfit(config: DictConfig, section: str) -> Iterator[tuple[str, str]]:
    """Section and key of each setting that the chosen component does not have, or refuses."""
    node = _plain(config.get(section))
    known = _settings(node)
    foreign = [str(key) for key in node if known and key not in known]
    yield from ((section, key) for key in foreign or _refused(config, section, node))


def _refused(config: DictConfig, section: str, node: dict[Any, Any]) -> list[str]:
    from polarity.config.build import build  # imports what reads data

    try:
        build(section, cast("Config", OmegaConf.to_container(config[section], resolve=True)))
    except UserError as error:
        keys = {problem.partition(":")[0].removeprefix(f"{section}.") for problem in error.problems}
        return [key for key in node if key in keys]
    except (Exception, SystemExit):  # noqa: BLE001 - whatever a class does while it is built; the preflight tells it
        return []
    return []


def _choices(overrides: Sequence[str]) -> list[str]:
    """The presets that a command line chooses for components."""
    return [text for text in overrides if text.partition("=")[0].partition("@")[0] in {*SECTIONS, *NESTED}]


def _take_back(config: DictConfig, section: str, key: str, config_name: str, choices: Sequence[str]) -> None:
    """Give a setting the value of the chosen preset, or remove it where that has none."""
    own = _plain(compose(config_name, choices).get(section))
    own = own if own.get(TARGET) == config[section].get(TARGET) else {}  # a debug preset may have chosen it
    with open_dict(config):
        if key in own:
            config[section][key] = own[key]
        else:
            del config[section][key]


def _target(node: Any) -> Any:
    return _plain(node).get(TARGET)


def _plain(node: Any) -> dict[Any, Any]:
    plain = OmegaConf.to_container(node, resolve=False) if isinstance(node, DictConfig) else {}
    return plain if isinstance(plain, dict) else {}


def _settings(node: dict[Any, Any]) -> set[str]:
    """Names of the component's settings and ``_target_``; empty where it takes any, or cannot be imported."""
    if TARGET not in node:
        return set()
    try:
        known = constructor(str(node.get(TARGET)))
    except Exception:  # noqa: BLE001 - anything can happen while a user's module is imported; the preflight tells it
        return set()
    return set() if known.open_ended else {TARGET, *known.settings}
