"""All that is used of the private modules of Hydra; pinned by ``tests/config/test_hydra.py``."""

import argparse
from collections.abc import Sequence

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra._internal.utils import get_args_parser
from hydra.core.override_parser.overrides_parser import OverridesParser


def read_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    """Hydra's own command line: overrides, ``--multirun``, ``--config-dir``, ``--help``, ``--cfg`` and the rest."""
    return get_args_parser().parse_intermixed_args(arguments)


def jobs_of(overrides: Sequence[str]) -> list[list[str]]:
    """The jobs of a sweep, exactly as Hydra's own basic sweeper enumerates them."""
    parsed = OverridesParser.create().parse_overrides(list(overrides))
    return BasicSweeper.split_arguments(parsed, max_batch_size=None)[0]
