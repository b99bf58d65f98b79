"""What becomes of an experiment's settings for a component when another one is chosen in its place."""

import inspect
from collections.abc import Iterator, Sequence
from typing import Any

from hydra import compose
from hydra.utils import get_object
from omegaconf import DictConfig, OmegaConf, open_dict

from polarity.config.schema import TARGET
from polarity.config.sections import SECTIONS

LAYERS = ("experiment", "debug")
"""Groups whose presets choose and set components of other groups, each of them over the one before."""


def drop_settings_of_replaced(
    config: DictConfig, config_name: str, overrides: Sequence[str], extra: Sequence[str] = ()
) -> None:
    """Remove from ``config`` what an experiment set for a component that is not the chosen one.

    ``experiment=run4 regularizer=none`` is a run without R-Drop; its alpha goes with it. Settings that the new
    component has as well stay (``experiment=run4 model=xlmr_base`` keeps the pooling), and so do those that were typed,
    or that the experiment's own component does not know: the preflight refuses them. Hydra has to be initialised.

    :param overrides: the command line of the job.
    :param extra: overrides that the program adds.
    """
    typed = {tuple(text.lstrip("+~").partition("=")[0].split(".")[:2]) for text in overrides}
    foreign = [place for place in _foreign(config) if place not in typed]
    layers = [text for group in LAYERS for text in overrides if text.startswith(f"{group}=")]
    for number in range(len(layers)) if foreign else ():
        before = compose(config_name, overrides=[*layers[: number + 1], *extra])
        for section, key in foreign:
            old, new = _plain(before.get(section)), _plain(config.get(section))
            replaced = old.get(TARGET) != new.get(TARGET) and key in _settings(old)
            if replaced and key in new and key in old and old[key] == new[key]:
                with open_dict(config):
                    del config[section][key]


def _foreign(config: DictConfig) -> Iterator[tuple[str, str]]:
    """Section and key of each setting that the chosen component does not have."""
    for section in SECTIONS:
        node = _plain(config.get(section))
        known = _settings(node)
        yield from ((section, str(key)) for key in node if known and key not in known)


def _plain(node: Any) -> dict[Any, Any]:
    plain = OmegaConf.to_container(node, resolve=False) if isinstance(node, DictConfig) else {}
    return plain if isinstance(plain, dict) else {}


def _settings(node: dict[Any, Any]) -> set[str]:
    """Names of the component's settings and ``_target_``; empty where it takes any, or cannot be imported."""
    if TARGET not in node:
        return set()
    try:
        parameters = inspect.signature(get_object(str(node.get(TARGET)))).parameters.values()
    except Exception:  # noqa: BLE001 - anything can happen while a user's module is imported; the preflight tells it
        return set()
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
        return set()
    return {TARGET, *(parameter.name for parameter in parameters)}
