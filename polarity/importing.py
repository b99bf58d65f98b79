"""Importing: much at once, as whoever trains has to, and what a dotted name stands for."""

import gc
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def importing(*, for_good: bool = False) -> Iterator[None]:
    """Hold the garbage collector back while modules are imported.

    Hardly anything that they make is garbage, yet the collector would look at all of it again and again, which is a
    sixth of the time that a run takes to its first step (benchmarks/results/startup.md).

    :param for_good: whether the process is the program's own, so that the collector need never look at what is there
        now; it is told so once.
    """
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if for_good and not gc.get_freeze_count():
            gc.freeze()
        if was:
            gc.enable()


def imported(name: str) -> Any:
    """The class or function of a dotted name.

    :raises Exception: whatever importing raises; whoever calls tells it, so that Hydra need not log it as well.
    """
    from hydra.utils import get_object

    logger = logging.getLogger("hydra.utils")
    was, logger.disabled = logger.disabled, True
    try:
        return get_object(name)
    finally:
        logger.disabled = was
