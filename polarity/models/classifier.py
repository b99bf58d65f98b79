"""One encoder, one head per task."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from itertools import chain
from typing import Any, Self, cast

from torch import Tensor, nn

from polarity.content import Json, State
from polarity.models.encoder import ENCODER, Encoder, encoder_of, vectors_of
from polarity.models.heads import Head, TaskHead
from polarity.models.task_modules import TaskModules
from polarity.tasks import Task


class MultiTaskClassifier(nn.Module):
    """Encoder, shared trunk, and one head per task; every head sees every row.

    :param tasks: in the order of the logits.
    :param encoder: its vectors are what trunk and heads read.
    :param head: settings of trunk and heads, which are made here with random weights.
    """

    heads: TaskModules
    encoder: Encoder

    def __init__(self, *, tasks: Sequence[Task], encoder: Encoder, head: Head) -> None:
        super().__init__()
        self.tasks = tuple(tasks)
        self.encoder = encoder
        self.probes = encoder.probes(self.tasks)
        self._width = encoder.width - (0 if self.probes is None else self.probes.width)
        self.trunk = head.build_trunk(self._width)
        self.heads = TaskModules({task.name: head.build(self._width, len(task.classes)) for task in self.tasks})
        self._head = head.settings
        self.register_load_state_dict_pre_hook(_with_present_names)  # type: ignore[no-untyped-call]
        # A loaded encoder comes in evaluation mode, and trainers keep the modes that they find.
        self.train()

    def forward(self, **inputs: Tensor) -> list[Tensor]:
        """Logits ``[B, classes]`` of each task, in the order of the tasks; of the heads alone while they are trained.

        :param inputs: what the encoder takes, see :meth:`polarity.data.reading.Inputs.batch`.
        """
        vectors = vectors_of(self.encoder, inputs)
        features = self.trunk(self._own(vectors))
        logits = [self.heads[task.name](features) for task in self.tasks]
        if self.probes is None or self.training:
            return logits
        read = vectors[:, self._width :]
        return [self.probes.beside(own, read, task) for own, task in zip(logits, self.tasks, strict=True)]

    def _own(self, vectors: Tensor) -> Tensor:
        """What trunk and heads read of them."""
        return vectors if self.probes is None else vectors[:, : self._width]

    def features(self, **inputs: Tensor) -> Tensor:
        """What all heads read, ``[B, width]``; arguments as in :meth:`forward`."""
        features: Tensor = self.trunk(self._own(vectors_of(self.encoder, inputs)))
        return features

    def probed(self) -> list[nn.Linear]:
        """The layers that a linear model on :meth:`Encoder.linear_features` becomes, one a task: heads, or probes."""
        if self.probes is not None:
            return [self.probes.of(task) for task in self.tasks]
        return [cast("TaskHead", self.heads[task.name]).out for task in self.tasks]

    def shared_parameters(self) -> list[nn.Parameter]:
        """What all tasks train: encoder and trunk."""
        return list(chain(self.encoder.parameters(), self.trunk.parameters()))

    def architecture(self) -> Json:
        """All that :meth:`from_architecture` needs, in plain values that JSON can hold."""
        tasks = [asdict(task) | {"classes": list(task.classes)} for task in self.tasks]
        return {"tasks": tasks, **self.encoder.architecture(), "head": self._head}

    @classmethod
    def from_architecture(cls, architecture: Mapping[str, Any], trust: Collection[str] = ()) -> Self:
        """A model of the same shape with random weights; no files are read.

        :param architecture: of :meth:`architecture`.
        :param trust: modules of others whose encoders and poolings it may name.
        :raises UserError: if it names code that is not trusted.
        """
        return cls(
            tasks=[Task(**{**task, "classes": tuple(task["classes"])}) for task in architecture["tasks"]],
            encoder=encoder_of(architecture, trust),
            head=Head(**architecture["head"]),
        )


def _with_present_names(model: nn.Module, state: State, prefix: str, *_: object) -> None:
    """Earlier versions kept encoder and pooling side by side."""
    now = model.state_dict().keys()
    for name in [name for name in state if name.startswith((f"{prefix}{ENCODER}.", f"{prefix}pooling."))]:
        own = name.removeprefix(prefix)
        moved = f"{ENCODER}.{own}" if own.startswith("pooling.") else own.replace(".", ".backbone.", 1)
        if own not in now and moved in now:
            state[prefix + moved] = state.pop(name)
