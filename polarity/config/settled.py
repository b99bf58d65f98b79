"""Settings that are left to where and when a run begins; its configuration then holds what they came to."""

from polarity.config.precision import AUTO
from polarity.content import Config
from polarity.paths import cache_dir, expanded, followed

MICRO_BATCHES = "batching.micro_batch_size"
LEFT_TO_THE_MACHINE = {"trainer.precision": AUTO, MICRO_BATCHES: None}
"""By key, the value that does so."""


def with_places(config: Config) -> Config:
    """The same, with places that mean the same tomorrow, and from every folder.

    A run named by ``latest`` is another one as soon as the next run ends; looks at test would go to another ledger with
    a cache that is named from where somebody stands.
    """
    regularizer, cache = config["regularizer"], config["cache_dir"]
    if regularizer.get("teacher"):
        regularizer = {**regularizer, "teacher": _followed(regularizer["teacher"])}
    return {
        **config,
        "regularizer": regularizer,
        "from": config["from"] and _followed(config["from"]),
        "cache_dir": cache and str(cache_dir(cache).absolute()),
    }


def _followed(run: str) -> str:
    folder = expanded(run)
    return run if followed(folder) == folder else str(followed(folder))


def is_left(key: str, value: object) -> bool:
    """Whether a setting has that value."""
    return key in LEFT_TO_THE_MACHINE and value == LEFT_TO_THE_MACHINE[key]
