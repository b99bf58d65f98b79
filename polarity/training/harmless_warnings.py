"""What libraries say during a run that nobody can do anything about."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from polarity.config.chatty import quiet_lightning

HARMLESS = (
    r"`isinstance\(treespec, LeafSpec\)` is deprecated",  # Lightning 2.6 on torch 2.13, in every fit
    r"It is recommended to use `self\.log",  # what is logged at the end of an epoch is the same on every device
    r"The `srun` command is available on your system but is not used",  # one process needs none
    r"The number of training batches \(\d+\) is smaller than the logging interval",  # epochs are logged as well
    r"Found \d+ module\(s\) in eval mode at the start of training",  # a frozen encoder, which goes on without dropout
)


@contextmanager
def hide_harmless_warnings() -> Iterator[None]:
    """Keep these warnings and messages from the console; all others are shown."""
    with quiet_lightning(), warnings.catch_warnings():
        for message in HARMLESS:
            warnings.filterwarnings("ignore", message=message)
        yield
