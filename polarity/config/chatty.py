"""What Lightning tells at level INFO, all of which the run's own summary tells."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

CHATTY = ("lightning.pytorch", "lightning.fabric")
"""Its loggers."""


@contextmanager
def quiet_lightning() -> Iterator[None]:
    """Within the block it says nothing below a warning; afterwards what it said before."""
    loggers = [logging.getLogger(name) for name in CHATTY]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
