"""How people call the three splits, in file names and in columns."""

from typing import Literal

SplitName = Literal["train", "val", "test"]

SPLIT_NAMES: dict[str, SplitName] = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "dev": "val",
    "test": "test",
    "testing": "test",
}
"""Accepted names, in any case. Not ``eval``, which is validation to some and test to others."""


def split_name(text: str) -> SplitName | None:
    """The split that ``text`` names, if it names one."""
    return SPLIT_NAMES.get(text.strip().casefold())
