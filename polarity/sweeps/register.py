"""How Hydra comes to know the launchers."""

import importlib
import sys
from pathlib import Path

from hydra.core.plugins import Plugins

from polarity.config.compose import OWN_LAUNCHERS

PLUGINS = Path(__file__).parent / "plugins"
"""Holds a part of ``hydra_plugins``, the one package that Hydra takes launchers from; others may hold more of it."""


def register_launchers() -> None:
    """Let ``hydra/launcher=local`` and ``slurm`` be found."""
    if str(PLUGINS) not in sys.path:
        sys.path.append(str(PLUGINS))
    module = importlib.import_module("hydra_plugins.polarity_launcher")
    for name in OWN_LAUNCHERS:
        Plugins.instance().register(getattr(module, name))
