"""Whether an average of the weights can become one, in as many steps as a run has."""

import math
from collections.abc import Iterator
from typing import Any

from polarity.content import Config
from polarity.errors import HopelessError
from polarity.wording import times

EMA, SWA = "EMAWeightAveraging", "StochasticWeightAveraging"

STALE = 0.1
"""Share of the average that weights from before training may have at the end, until it is told."""


def averaged_steps(share: float, planned: int) -> int:
    """How many of the planned steps are the last part, of which the mean is taken."""
    return math.ceil(round(share * planned, 6))  # 0.9 x 10 may be a little more than 9


def refuse_idle_averages(config: Config, steps: int, epochs: int) -> None:
    """Refuse an average that is never updated after its first copy: what it had copied then would be kept.

    So is that of the last of several steps alone, which would be the weights as they are.

    :param steps: of the optimizer, that are planned.
    :raises HopelessError: naming the setting.
    """
    this = f"and this run has {times(steps, 'step')}"
    for place, settings in _averages(config, SWA):
        share = settings.get("share", 0.5)
        if averaged_steps(share, steps) == 1 < steps:
            raise HopelessError(
                f"{place}.share={share:g}, {this}: the mean would be that of the last step alone, and so without effect"
            )
    for place, settings in _averages(config, EMA):
        every, start = _rhythm(settings)
        begin = settings.get("update_starting_at_epoch")
        if begin is not None and begin >= epochs > 0:
            has = f"and this run has {times(epochs, 'epoch')}"
            raise HopelessError(f"{place}.update_starting_at_epoch={begin}, {has}: it would have no effect")
        if every < 1 and begin is None:
            raise HopelessError(f"{place}.update_every_n_steps={every}: the average would never be updated")
        updates = _updates(settings, steps)
        alone = len(updates) == 1 < steps and begin is None and (every > 1 or start > 0)
        if alone or (not updates and every > 0 and steps > 0):
            given = f"update_starting_at_step={start}" if start else f"update_every_n_steps={every}"
            given += f" with update_every_n_steps={every}" if start and every > 1 else ""
            so = f"be the weights after step {updates[0] + 1} alone" if updates else "be updated after no step"
            raise HopelessError(f"{place}.{given}, {this}: the average would {so}; take a smaller number")


def refuse_idle_from_the_start(config: Config, per_epoch: int) -> None:
    """The same before anything is trained or written, where the number of steps is known by then.

    :param per_epoch: steps of the optimizer in an epoch.
    :raises HopelessError: naming the setting.
    """
    trainer = config["trainer"]
    epochs, whole = trainer.get("max_epochs"), trainer.get("limit_train_batches") in (None, 1.0)
    if whole and epochs and epochs > 0 and trainer.get("max_steps", -1) == -1:
        refuse_idle_averages(config, epochs * per_epoch, epochs)


def stale_averages(config: Config, steps: int) -> list[str]:
    """What is to be said of averages that at the end are still made of weights from before training, in part."""
    said = []
    for place, settings in _averages(config, EMA):
        decay, (every, _) = settings.get("decay", 0.999), _rhythm(settings)
        if every < 1:  # once an epoch, which is for those who know why
            continue
        updates = len(_updates(settings, steps))
        if updates < 2:  # the first one copies the weights, which a warm-up has hardly moved
            continue
        left = decay ** (updates - 1)
        if left > STALE:
            advised = 1 - float(f"{1 - 0.05 ** (1 / (updates - 1)):.2g}")
            said.append(
                f"{place}.decay={decay:g} keeps {left:.0%} of the weights after the first step in the average, since"
                f" this run has {times(updates, 'update')}: it would lag far behind; {advised:g} keeps about 5%"
            )
    return said


def _rhythm(settings: Any) -> tuple[int, int]:
    """Steps from one update to the next, and before the first."""
    return settings.get("update_every_n_steps", 1), settings.get("update_starting_at_step") or 0


def _updates(settings: Any, steps: int) -> range:
    """The steps, counted from 0, after which Lightning updates an average: multiples of ``every`` from the start on."""
    every, start = _rhythm(settings)
    return range(-(-start // every) * every, steps, every) if every > 0 else range(0)


def _averages(config: Config, kind: str) -> Iterator[tuple[str, Any]]:
    for name, settings in config["callbacks"].items():
        if settings and str(settings.get("_target_")).rpartition(".")[2] == kind:
            yield f"callbacks.{name}", settings
