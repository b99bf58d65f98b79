"""What a run consists of once everything is loaded, and how long each stage took."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from polarity.config.preflight import Prepared
from polarity.data.module import TextDataModule
from polarity.training.module import MultiTaskModule


@dataclass
class Stages:
    """Wall time of each stage of a run, in seconds."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def time(self, name: str) -> Iterator[None]:
        """Add the time of the block to stage ``name``."""
        started = time.monotonic()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.monotonic() - started


@dataclass
class Assembled:
    """Everything that a run needs, with the model's weights loaded and the texts tokenised."""

    prepared: Prepared
    module: MultiTaskModule
    data: TextDataModule
    tokenizer: Any
    stages: Stages
