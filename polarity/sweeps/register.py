"""How Hydra comes to know the launchers and the sweeper."""

import importlib
import sys
from pathlib import Path

from hydra.core.plugins import Plugins

from polarity.config.launcher import OWN_LAUNCHERS

PLUGINS = Path(__file__).parent / "plugins"
"""Holds a part of ``hydra_plugins``, the one package that Hydra takes plugins from; others may hold more of it."""


def register_plugins() -> None:
    """Let ``hydra/launcher=local``, ``slurm``, ``dask`` and ``ray`` be found, and ``hydra/sweeper=optuna``."""
    if str(PLUGINS) not in sys.path:
        sys.path.append(str(PLUGINS))
    launchers, sweeper = (importlib.import_module(f"hydra_plugins.polarity_{kind}") for kind in ("launcher", "sweeper"))
    for plugin in (*(getattr(launchers, name) for name in OWN_LAUNCHERS), sweeper.OptunaSweeper):
        Plugins.instance().register(plugin)
