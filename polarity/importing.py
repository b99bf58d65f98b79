"""Importing much at once, as whoever trains has to."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def importing() -> Iterator[None]:
    """Hold the garbage collector back while modules are imported.

    Hardly anything that they make is garbage, yet the collector would look at all of it again and again, which is a
    sixth of the time that torch, Lightning and transformers take (benchmarks/results/startup.md).
    """
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()
