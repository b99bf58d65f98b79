"""Composing by Hydra, which takes tenths of a second: what depends on the chosen presets alone is done once."""

import copy
import os
from collections.abc import Sequence
from functools import lru_cache

import hydra
from omegaconf import DictConfig

from polarity.config.hydra_private import choices_and_values, folders_of_presets, set_values
from polarity.paths import conf_dir


def compose(config_name: str, overrides: Sequence[str]) -> DictConfig:
    """As ``hydra.compose``. Hydra has to be initialised.

    The jobs of a sweep and what is composed to explain or replace settings choose the same presets again and again, and
    differ in values. Only the shipped presets are remembered; a user's own folder may be large, and is read each time.
    """
    choices, values = choices_and_values(overrides)
    if folders_of_presets() != [str(conf_dir())] or any("hydra" in text for text in choices):
        return hydra.compose(config_name, overrides=list(overrides))
    config = copy.deepcopy(_of_choices(config_name, choices, _files()))
    set_values(config, values)
    return config


@lru_cache(maxsize=256)
def _of_choices(config_name: str, choices: tuple[str, ...], _state: tuple[tuple[str, int, int], ...]) -> DictConfig:
    """The composed presets.

    :param _state: of the files that are read.
    """
    return hydra.compose(config_name, overrides=list(choices))


def _files() -> tuple[tuple[str, int, int], ...]:
    """What the shipped presets are known by: somebody may be at work on them while a notebook stays open."""
    files = [file for folder, _, _ in os.walk(conf_dir()) for file in os.scandir(folder)]
    return tuple((file.path, file.stat().st_mtime_ns, file.stat().st_size) for file in files)
