"""Cross-validation on the command line: which settings go together."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from polarity.content import Config
from polarity.wording import times

if TYPE_CHECKING:
    from polarity.data.folds import Folds


def folds_of(config: Mapping[str, Any]) -> "Folds | None":
    """How the rows of a configuration are folded; None for an ordinary run."""
    if config.get("folds") is None:
        return None
    from polarity.data.folds import Folds

    return Folds(config["folds"], config["repeats"])


def all_folds_of(config: Mapping[str, Any]) -> "Folds | None":
    """The same, of a configuration that asks for all folds; None where it asks for one of them alone."""
    return folds_of(config) if config.get("fold") is None else None


def of_fold(config: Mapping[str, Any], fold: int, output_dir: str) -> tuple[Config, list[str]]:
    """The configuration of a fold's run, with the settings that differ as they are written on a command line.

    :param config: of the whole cross-validation.
    :param output_dir: the folder in which the fold's own is made.
    """
    folds = folds_of(config)
    assert folds is not None
    seed = folds.seed(config["seed"], fold)
    own = {**config, "fold": fold, "seed": seed, "test": True, "output_dir": output_dir}
    return own, [f"fold={fold}", f"seed={seed}"]


def folds_problems(config: Mapping[str, Any]) -> list[str]:
    """Settings of the root that contradict each other."""
    fold = config["fold"]
    if config["folds"] is None:
        return [
            f"{key}: has no effect without folds"
            for key, usual in (("repeats", 1), ("fold", None))
            if config[key] != usual
        ]
    problems = []
    count = config["folds"] * config["repeats"]
    if fold is not None and fold > count:
        problems.append(f"fold: is {fold}, but there are {times(count, 'fold')}")
    if config["from"] is not None:
        problems.append("from: that run has been trained on rows that folds hold out; leave it out, or leave out folds")
    return problems


def device_problems(config: Mapping[str, Any], devices: int | None) -> list[str]:
    """What is wrong with several devices for all folds.

    :param devices: over which a run is shared out; None where that is wrong itself.
    """
    if all_folds_of(config) is None or (devices or 1) == 1:
        return []
    several = f"folds: each of {devices} processes would start the whole cross-validation"
    return [f"{several}; give it one device (trainer=default), or train the folds one by one, with fold=1, fold=2, ..."]


def command_problems(config: Mapping[str, Any], *, multirun: bool) -> list[str]:
    """The same of a command line, before anything is filled in.

    :param multirun: whether the run is one of several.
    """
    if config["folds"] is None:
        return []
    problems = []
    if multirun and config["fold"] is None:
        problems.append(
            "folds: each cross-validation has a command of its own; leave out -m (a shell loop starts several)"
        )
    if config["test"] is not None:
        problems.append(
            "test: has no effect with folds, where the rows that a fold holds out are scored, and never the test split "
            "of the data"
        )
    return problems
