"""The sections of every preset, those of experiments and debug presets included."""

from collections.abc import Iterator
from functools import cache
from typing import Any

from omegaconf import OmegaConf

from polarity.config.compose import RUN_DIR
from polarity.config.overrides import COLLECTIONS
from polarity.paths import conf_dir
from tests.effects.outcome import Section
from tests.presets import CHOICES, configurations

ROOT = {"monitor": "val/macro_f1", "mode": "max", "run_dir": RUN_DIR, "cache_dir": None}
MORE: dict[str, Section] = {  # what has an effect only beside another setting, and stands in no preset like that
    "loss": {"class_weights": "effective", "effective_beta": 0.999, "clip": None, "reduction": "mean"},
}


def sections(kind: str) -> Iterator[tuple[str, Section]]:
    """Every different section of a kind with the preset that it stands in; the parts of a collection one by one."""
    seen: list[Section] = []
    collected = [*_own(kind), *_composed(kind)]
    if kind in MORE:
        by_class = {
            part["_target_"]: {**part, **MORE[kind]} for label, part in collected if label.startswith(f"{kind}=")
        }
        collected += [(f"{kind} and more", section) for section in by_class.values()]
    for label, section in collected:
        parts = {f"{label} {key}": part for key, part in section.items()} if kind in COLLECTIONS else {label: section}
        for name, part in parts.items():
            if part is not None and part not in seen:
                seen.append(part)
                yield name, part


def _own(kind: str) -> Iterator[tuple[str, Any]]:
    for file in CHOICES:
        if file.startswith(f"{kind}/") and not _needs_more(file):
            loaded = OmegaConf.merge(ROOT, {kind: OmegaConf.load(conf_dir() / file)})
            plain: Any = OmegaConf.to_container(loaded, resolve=True)
            yield CHOICES[file][0], plain[kind]


def _needs_more(file: str) -> bool:
    """Whether a file is complete only together with others, or with what a user has to say."""
    return "defaults" in OmegaConf.load(conf_dir() / file) or len(CHOICES[file]) > 1


def _composed(kind: str) -> Iterator[tuple[str, Any]]:
    for file, overrides in CHOICES.items():
        if file.startswith(("experiment/", "debug/")) or (file.startswith(f"{kind}/") and _needs_more(file)):
            yield overrides[0], _config(tuple(overrides))[kind]


@cache
def _config(overrides: tuple[str, ...]) -> dict[str, Any]:
    (config,) = configurations(overrides)
    return config
