"""What the components of a run have in common, and what they are told about the run that they are part of."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from polarity.signature import signature_of
from polarity.tasks import Task


@dataclass(frozen=True)
class Progress:
    """What losses and regularisers are told with every batch, so that they may change in the course of training.

    :param epoch: the current one, counted from 0.
    :param epochs: how many are planned (``trainer.max_epochs``); a run that stops early sees fewer.
    """

    epoch: int = 0
    epochs: int = 1

    @property
    def fraction(self) -> float:
        """Share of the planned epochs that lies behind, in [0, 1)."""
        return self.epoch / self.epochs


@dataclass(frozen=True)
class Context:
    """What a component can know of the run beside it before anything is loaded; None where that is wrong itself.

    :param epochs: planned (``trainer.max_epochs``).
    :param precision: of the Trainer, such as ``bf16-mixed``.
    :param devices: over which each batch is shared out.
    :param positions: longest row, in tokens, that the encoder can read; None also where there is no limit.
    :param dropout: whether any rate of the model is above 0.
    """

    epochs: int | None = None
    precision: str | None = None
    devices: int | None = None
    positions: int | None = None
    dropout: bool | None = None


class Component:
    """An object that a section of the configuration names by ``_target_``.

    The annotated arguments of its constructor are the section's settings, and an attribute of the same name each.
    """

    @property
    def settings(self) -> dict[str, object]:
        """The arguments that make an equal object."""
        kind: Any = type(self)
        return {name: getattr(self, name) for name in signature_of(kind).settings if hasattr(self, name)}

    def problems(self, tasks: Sequence[Task]) -> list[str]:
        """What is wrong with the settings for these tasks, one line each, beginning with the setting's name."""
        return []

    def conflicts(self, context: Context) -> list[str]:
        """What is wrong with the settings beside the rest of the run: likewise, or ``": ..."`` for all of them."""
        return []

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self.settings.items())})"
