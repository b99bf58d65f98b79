"""All that is used of the private modules of Hydra; pinned by ``tests/config/test_hydra.py``."""

import argparse
import re
from collections.abc import Sequence
from typing import cast

from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra._internal.utils import get_args_parser
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.types import RunMode
from omegaconf import DictConfig

from polarity.errors import UserError, nearest
from polarity.paths import too_long


def read_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    """Hydra's own command line: overrides, ``--multirun``, ``--config-dir``, ``--help``, ``--cfg`` and the rest.

    :raises UserError: for options that there are not, and a configuration that no file can be called.
    """
    parser = get_args_parser()
    command, unknown = parser.parse_known_intermixed_args(arguments)
    if unknown:
        options = re.findall(r"--[a-z-]+", parser.format_usage())
        raise UserError(
            f"{text}: no such option{nearest(text, options, what='options')}; a folder of that name is ./{text}"
            for text in unknown
        )
    if (name := command.config_name) is not None:
        if not name:
            raise UserError("--config-name: needs the name of a configuration")
        if problems := too_long("--config-name", f"{name.removesuffix('.yaml')}.yaml"):
            raise UserError(problems)
    return command


def jobs_of(overrides: Sequence[str]) -> list[list[str]]:
    """The jobs of a sweep, exactly as Hydra's own basic sweeper enumerates them."""
    parsed = OverridesParser.create().parse_overrides(list(overrides))
    return BasicSweeper.split_arguments(parsed, max_batch_size=None)[0]


def choices_and_values(overrides: Sequence[str]) -> tuple[tuple[str, ...], list[Override]]:
    """Overrides that choose presets, as they are, and those that only set values after these were put together.

    :raises HydraException: if one cannot be read, or stands for several.
    """
    loader = _loader()
    parsed = OverridesParser.create().parse_overrides(list(overrides))
    loader.validate_sweep_overrides_legal(overrides=parsed, run_mode=RunMode.RUN, from_shell=False)
    choices, values = list[str](), list[Override]()
    for text, override in zip(overrides, parsed, strict=True):
        of_group = loader.repository.group_exists(override.key_or_group) and not isinstance(override.value(), dict)
        if override.is_hydra_override() or of_group:
            choices.append(text)
        else:
            values.append(override)
    return tuple(choices), values


def set_values(config: DictConfig, values: Sequence[Override]) -> None:
    """Set values as Hydra does after it has composed the presets.

    :raises HydraException: for the first that cannot be set.
    """
    ConfigLoaderImpl._apply_overrides_to_config(list(values), config)  # noqa: SLF001 - what the docstring above says


def folders_of_presets() -> list[str]:
    """Where Hydra looks for presets, but for places within installed packages."""
    places = [str(place.path).removeprefix("file://") for place in _loader().get_search_path().get_path()]
    return [place for place in places if "://" not in place]


def _loader() -> ConfigLoaderImpl:
    return cast("ConfigLoaderImpl", GlobalHydra.instance().config_loader())
