"""The settings at the root of a training configuration."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, with_config
from typing_extensions import TypedDict

from polarity.content import Config
from polarity.paths import NAME, cache_dir
from polarity.settings import PositiveInt, Seed

FoldCount = Annotated[int, Field(ge=2)]


@with_config(extra="forbid")
class SweepOptions(TypedDict):
    """What a sweep is called, and whether it tries failed jobs again."""

    name: Annotated[str, Field(pattern=NAME)] | None
    retry: Literal["failed"] | None


@dataclass(frozen=True)
class RootSettings:
    """Settings that stand at the root of the configuration.

    :param seed: of weights, dropout and draws; splits have their own, so that seeds compare on the same rows.
    :param monitor: the score that chooses the best checkpoint, stops early and is returned to a sweep.
    :param mode: ``max`` or ``min``.
    :param test: whether the test split is predicted and scored; null: in a single run, and not in the jobs of a sweep.
    :param folds: cross-validation with so many folds, each trained on the others; null for one ordinary run.
    :param repeats: how often that is done, each time with other folds.
    :param fold: only this fold, as an ordinary run; null for all.
    :param output_dir: where run folders are made.
    :param cache_dir: where tokens and fetched corpora are kept; null for the user's cache folder.
    :param resume: folder of a stopped run or sweep that is to go on; then nothing else may be given.
    :param origin: folder of a finished run (the key ``from``) whose weights training begins with.
    :param trust: with ``resume``, modules of others whose code the run's configuration may name.
    :param run_dir: filled in when the run's folder is made, for loggers that write into it.
    :param sweep: of a sweep as a whole; null in its jobs, and without one.
    """

    seed: Seed
    monitor: str
    mode: Literal["max", "min"]
    test: bool | None
    folds: FoldCount | None
    repeats: PositiveInt
    fold: PositiveInt | None
    output_dir: str
    cache_dir: str | None
    resume: str | None
    origin: str | None
    trust: str | list[str] | None
    run_dir: str | None
    sweep: SweepOptions

    @property
    def cache(self) -> Path:
        """The folder of what can be made again."""
        return cache_dir(self.cache_dir)


ROOT_KEYS = {name: {"origin": "from"}.get(name, name) for name in RootSettings.__dataclass_fields__}
"""The key of each root setting; ``from`` is no name in Python."""


def as_root(config: Config) -> RootSettings:
    """The root settings of a checked configuration."""
    return RootSettings(**{name: config[key] for name, key in ROOT_KEYS.items()})
