"""How Hydra comes to know the launcher."""

import importlib
import sys
from pathlib import Path

from hydra.core.plugins import Plugins

PLUGINS = Path(__file__).parent / "plugins"
"""Holds a part of ``hydra_plugins``, the one package that Hydra takes launchers from; others may hold more of it."""


def register_launcher() -> None:
    """Let ``hydra/launcher=local`` be found."""
    if str(PLUGINS) not in sys.path:
        sys.path.append(str(PLUGINS))
    Plugins.instance().register(importlib.import_module("hydra_plugins.polarity_launcher").LocalLauncher)
