"""Importing much at once, as whoever trains has to."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


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
