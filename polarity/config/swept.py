"""The settings that a sweep's command line gives several values of."""

from collections.abc import Iterator, Sequence

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override

from polarity.config.overrides import closed_key, key_of, open_keys
from polarity.config.readable import readable, restored

SHARED = ("hydra", "output_dir", "cache_dir", "sweep")
"""Where the settings stand that make no other job of a sweep, but for those that no sweep may give at all."""


def search_space(overrides: Sequence[str]) -> dict[str, list[str]]:
    """The values of each setting that the overrides of a sweep give several of."""
    return {
        key: [restored(value) for value in override.sweep_string_iterator()]
        for key, override in _with_several(overrides)
    }


def shared_problems(overrides: Sequence[str]) -> list[str]:
    """A problem for each setting of which the overrides of a sweep give several values that make no other job."""
    return [
        f"{key}: is the same for all jobs of a sweep; give it one value"
        for key, _ in _with_several(overrides)
        if key.replace("/", ".").partition(".")[0] in SHARED
    ]


def _with_several(overrides: Sequence[str]) -> Iterator[tuple[str, Override]]:
    """The overrides of a sweep that give several values, by their keys."""
    opened = open_keys([readable(text, multirun=True) for text in overrides])
    for text, override in zip(opened, OverridesParser.create().parse_overrides(opened), strict=True):
        if override.is_sweep_override():
            yield key_of(restored(closed_key(text))), override
