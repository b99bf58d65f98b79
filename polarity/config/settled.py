"""Settings that may be left to the machine that a run begins on; its configuration then holds what they came to."""

from polarity.config.precision import AUTO

MICRO_BATCHES = "batching.micro_batch_size"
LEFT_TO_THE_MACHINE = {"trainer.precision": AUTO, MICRO_BATCHES: None}
"""By key, the value that does so."""


def is_left(key: str, value: object) -> bool:
    """Whether a setting has that value."""
    return key in LEFT_TO_THE_MACHINE and value == LEFT_TO_THE_MACHINE[key]
