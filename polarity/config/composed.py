"""Composing by Hydra, which takes tenths of a second: what depends on the chosen presets alone is done once."""

import copy
import hashlib
import json
import os
from collections.abc import Sequence
from contextlib import suppress
from errno import ENAMETOOLONG
from functools import lru_cache
from pathlib import Path
from typing import cast

import hydra
import omegaconf
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf

from polarity.config.hydra_private import choices_and_values, folders_of_presets, set_values
from polarity.content import Config
from polarity.files import read_json
from polarity.parts import unfinished
from polarity.paths import cache_dir, conf_dir

State = tuple[tuple[str, int, int], ...]
"""Name, time and size of each file that is read."""
MOST = 64
"""Compositions that are kept for later processes."""


def compose(config_name: str, overrides: Sequence[str]) -> DictConfig:
    """As ``hydra.compose``. Hydra has to be initialised.

    The jobs of a sweep and what is composed to explain or replace settings choose the same presets again and again, and
    differ in values. Only the shipped presets are remembered; a user's own folder may be large, and is read each time.
    """
    try:
        return _composed(config_name, overrides)
    except OSError as error:
        if error.errno != ENAMETOOLONG:
            raise
        raise HydraException("no group or preset can have so long a name") from None


def _composed(config_name: str, overrides: Sequence[str]) -> DictConfig:
    choices, values = choices_and_values(overrides)
    if folders_of_presets() != [str(conf_dir())] or any("hydra" in text for text in choices):
        return hydra.compose(config_name, overrides=list(overrides))
    config = copy.deepcopy(_of_choices(config_name, choices, _files()))
    set_values(config, values)
    return config


@lru_cache(maxsize=256)
def _of_choices(config_name: str, choices: tuple[str, ...], state: State) -> DictConfig:
    """The composed presets."""
    config = OmegaConf.create(_kept(config_name, choices, state))
    OmegaConf.set_struct(config, True)  # noqa: FBT003 - OmegaConf takes it by position
    return config


def _kept(config_name: str, choices: tuple[str, ...], state: State) -> Config:
    """The same in plain values, from the cache if an earlier process has composed it."""
    known_by = repr((hydra.__version__, omegaconf.__version__, config_name, choices, state))
    path = cache_dir() / "composed" / f"{hashlib.sha256(known_by.encode()).hexdigest()[:32]}.json"
    with suppress(Exception):  # whatever is wrong with the file, it is written again
        if path.stat().st_uid == os.getuid():  # it says which classes are built: nobody else may, in a shared cache
            return dict(read_json(path))
    composed = cast("Config", OmegaConf.to_container(hydra.compose(config_name, overrides=list(choices))))
    with suppress(OSError):  # a cache that cannot be written costs time only, and is told before training
        _keep(path, composed)
    return composed


def _keep(path: Path, composed: Config) -> None:
    text = json.dumps(composed)
    if json.loads(text) != composed:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with unfinished(path) as part:
        part.write_text(text, encoding="utf-8")
        part.replace(path)
    for old in sorted(path.parent.iterdir(), key=lambda file: file.stat().st_mtime)[:-MOST]:
        old.unlink()


def _files() -> State:
    """What the shipped presets are known by: somebody may be at work on them while a notebook stays open."""
    files = [file for folder, _, _ in os.walk(conf_dir()) for file in os.scandir(folder)]
    return tuple((file.path, file.stat().st_mtime_ns, file.stat().st_size) for file in files)
