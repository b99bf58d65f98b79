"""What becomes of an experiment's settings for a component when another one is chosen in its place."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from typing import Any, cast

from omegaconf import DictConfig, OmegaConf, open_dict

from polarity.config.composed import compose
from polarity.config.constructors import constructor
from polarity.config.overrides import COLLECTIONS, NESTED, key_of
from polarity.config.sections import SECTIONS
from polarity.config.uncomposable import COMPOSITION_ERRORS
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
    that the experiment's own component does not know: the preflight refuses them. Of a section that has one class only,
    a typed preset says every setting (``experiment=quickstart limit=none`` reads all rows). Hydra has to be
    initialised.

    :param overrides: the command line of the job.
    :param extra: overrides that the program adds.
    """
    layers = [text for group in LAYERS for text in overrides if text.startswith(f"{group}=")]
    choices = _choices(overrides)
    if not layers or (len(layers) < 2 and not choices and not any(TARGET in text for text in overrides)):
        return  # nothing was chosen in the place of what the experiment chooses
    _take_whole_presets(config, config_name, overrides, extra)
    typed = {tuple(text.lstrip("+~").partition("=")[0].split(".")[:2]) for text in overrides}
    before = _layered(config_name, layers, extra)
    replaced = [name for name in SECTIONS if len({_target(one.get(name)) for one in [*before, config]}) > 1]
    unfit = [place for name in replaced for place in _unfit(config, name) if place not in typed]
    for one in before if unfit else ():
        for section, key in unfit:
            old, new = _plain(one.get(section)), _plain(config.get(section))
            replaced_here = old.get(TARGET) != new.get(TARGET) and key in _settings(old)
            if replaced_here and key in new and key in old and _within(new[key], old[key]):
                _take_back(config, section, key, config_name, [*choices, *extra])
    _drop_leftovers(config, before, typed)


def _take_whole_presets(config: DictConfig, config_name: str, overrides: Sequence[str], extra: Sequence[str]) -> None:
    """Give sections of one class, whose presets differ in values alone, all values of the preset that was typed."""
    for section in {key_of(text) for text in overrides if text.partition("=")[2][:1] not in ("", "{")} & set(SECTIONS):
        if SECTIONS[section] is not None and SECTIONS[section] == _target(config.get(section)):
            own = [text for text in overrides if key_of(text).partition(".")[0] == section]
            config[section] = compose(config_name, [*own, *extra])[section]


def _layered(config_name: str, layers: Sequence[str], extra: Sequence[str]) -> list[DictConfig]:
    """What each layer comes to over those before it, and by itself: it may be meant for the root's own components."""
    before = [compose(config_name, [*layers[: number + 1], *extra]) for number in range(len(layers))]
    for layer in layers[1:]:
        with suppress(*COMPOSITION_ERRORS):  # it may need what the layers before it choose
            before.append(compose(config_name, [layer, *extra]))
    return before


def _drop_leftovers(config: DictConfig, before: Sequence[DictConfig], typed: Collection[tuple[str, ...]]) -> None:
    """Remove what layers set for callbacks and loggers that are not there."""
    for section in COLLECTIONS:
        for key, new in _plain(config.get(section)).items():
            olds = [_plain(one.get(section)).get(key) for one in before]
            left = any(isinstance(old, dict) and TARGET in old and _within(new, old) for old in olds)
            if left and TARGET not in new and (section, key) not in typed:
                with open_dict(config):
                    del config[section][key]


def _within(new: Any, old: Any) -> bool:
    """Whether a value is another one, or a mapping that is a part of it."""
    if isinstance(new, dict) and isinstance(old, dict):
        return all(key in old and _within(value, old[key]) for key, value in new.items())
    return bool(new == old)


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
    groups = {*SECTIONS, *NESTED, *COLLECTIONS}
    return [text for text in overrides if text.partition("=")[0].partition("@")[0] in groups]


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
