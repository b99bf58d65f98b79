"""What every encoder is: settings that make a reader of texts, and a module that turns its inputs into vectors."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import torch
from torch import Tensor, nn

from polarity.component import Component
from polarity.content import Json
from polarity.data.reading import Inputs, Reader
from polarity.data.rows import Rows
from polarity.data.vectors import VECTORS, VectorInputs
from polarity.errors import UserError
from polarity.models.components import OWN, described, known_class
from polarity.models.linear_features import LinearFeatures, of_vectors
from polarity.models.probes import Probes
from polarity.signature import TARGET
from polarity.tasks import Task

ENCODER = "encoder"
"""Key of an architecture that says what the encoder is."""

HUGGING_FACE = f"{OWN}.huggingface.encoder.HuggingFaceEncoder"
"""What an architecture means that names no class, but a family of transformers."""

SAME = 1e-3
"""Largest difference, relative to the largest number, of a vector that is the same but for rounding."""


@dataclass(frozen=True)
class Place:
    """Parameters of an encoder that learn at one rate.

    :param name: as the table of parameters shows it.
    :param depth: layers between them and the encoder's top, each of which lowers their rate by
        ``optimizer.layer_decay``; None: they are new like the heads, and learn at the heads' rate.
    :param lr: a rate of their own in place of both.
    :param weight_decay: their own in place of the optimizer's.
    """

    name: str
    parameters: Sequence[nn.Parameter]
    depth: int | None = None
    lr: float | None = None
    weight_decay: float | None = None


class Encoder(nn.Module, ABC):
    """From the inputs of a reader to one vector per row, the second half of "text to inputs to vector".

    As long as the constructor's settings are plain values, kept as attributes of the same names, saving and loading
    need nothing more. Weights are drawn from torch's global generator.
    """

    reader: ClassVar[type[Reader]]
    """The class that reads texts for it."""

    width: int
    """Size of the vector."""

    @property
    def title(self) -> str:
        """How messages call it."""
        return type(self).__name__

    @abstractmethod
    def forward(self, **inputs: Tensor) -> Tensor:
        """Vectors ``[B, width]`` of the tensors of :meth:`~polarity.data.reading.Inputs.batch`.

        The vector of a row depends neither on the rows beside it nor on their padding.
        """

    @property
    def token_table(self) -> nn.Embedding | None:
        """The table of tokens that it reads by, where it has an ordinary one."""
        return None

    @property
    def is_fixed(self) -> bool:
        """Whether training changes nothing of :meth:`before`; then that is computed once."""
        return False

    def before(self, **inputs: Tensor) -> Tensor:
        """All of :meth:`forward` but :meth:`after`, ``[B, width]``."""
        vectors: Tensor = self(**inputs)
        return vectors

    def after(self, vectors: Tensor) -> Tensor:
        """The last step of :meth:`forward`, their dropout, say."""
        return vectors

    def adapt(self, other: "Encoder") -> None:
        """Become ready for the weights of another one, where frozen and trained encoders differ in form."""

    def settle(self, vectors: np.ndarray) -> None:
        """Learn what :meth:`after` needs from what :meth:`before` gives of the training rows, ``[rows, width]``."""

    def fix(
        self, inputs: Mapping[str, Inputs], compute: "Callable[[Encoder, Inputs], np.ndarray]"
    ) -> Mapping[str, Inputs]:
        """The inputs for training, with vectors in place of what never changes.

        :param inputs: by name of the split; from "train", where it is there, :meth:`settle` learns.
        :param compute: what :meth:`before` gives of all rows, float32 ``[rows, width]``.
        """
        if not self.is_fixed:
            return inputs
        vectors = {split: compute(self, read) for split, read in inputs.items()}
        if "train" in vectors:
            self.settle(vectors["train"])
        return {split: VectorInputs(vectors[split], read) for split, read in inputs.items()}

    def linear_features(
        self, inputs: Mapping[str, Inputs], compute: "Callable[[Encoder, Inputs], np.ndarray]"
    ) -> LinearFeatures:
        """What a linear model reads, which the heads may begin as: by default, the vectors as they are before training.

        :param inputs: by name of the split, with "train".
        :param compute: as for :meth:`fix`.
        """
        training, vectors = self.training, dict[str, np.ndarray]()
        self.eval()
        with torch.no_grad():
            for split, read in inputs.items():
                before = torch.from_numpy(np.array(compute(self, read)))
                device = next(self.parameters(), before).device  # computing may have moved it
                vectors[split] = self.after(before.to(device)).cpu().numpy()
        self.train(training)
        return of_vectors(vectors)

    def probes(self, tasks: Sequence[Task]) -> Probes | None:
        """Linear probes that answer together with the heads, and read the last numbers of the vector; None: none do."""
        del tasks
        return None

    def narrow(self, inputs: Inputs) -> None:
        """Train no weights that no training row can teach anything, such as vectors of tokens that none has.

        :param inputs: of the training rows; what :meth:`fix` made of them.
        """

    def merge(self) -> None:
        """Put what was trained beside the weights into them; then it is saved."""

    def places(self) -> list[Place]:
        """All parameters, bottom first, each in one place."""
        return [Place(ENCODER, list(self.parameters()))]

    def check(self, reader: Reader, inputs: Inputs) -> None:
        """Refuse what only trying shows, before training begins: by default, answers that depend on padding.

        :param inputs: of the training rows.
        :raises UserError: with what to choose instead.
        """
        shortest, longest = int(inputs.lengths.argmin()), int(inputs.lengths.argmax())
        training = self.training
        self.eval()
        with torch.no_grad():
            alone, beside = (self(**inputs.batch(np.array(rows)))[0] for rows in ([shortest], [shortest, longest]))
        self.train(training)
        difference = float((alone - beside).abs().max())
        if not difference <= SAME * max(1.0, float(alone.abs().max())):
            raise UserError(
                f"model: {self.title} answers otherwise about a text where a longer one stands beside it (by up to "
                f"{difference:.2g}), so its scores would depend on the batch size; leave what pads out of its answer"
            )

    def load_reader(self, folder: Path) -> Reader:
        """The reader that was saved with the model."""
        return self.reader.load(folder)

    def architecture(self) -> Json:
        """All that :meth:`from_architecture` needs, in plain values, those that say what it is under "encoder"."""
        return {ENCODER: described(self)}

    @classmethod
    def from_architecture(cls, architecture: Mapping[str, Any], trust: Collection[str] = ()) -> Self:
        """An encoder of the same shape with random weights; no files are read.

        :param trust: modules of others whose code it may name.
        :raises UserError: if it names code that is not trusted.
        """
        del trust  # plain values name no code
        return cls(**{name: value for name, value in architecture[ENCODER].items() if name != TARGET})

    def name_in_file(self, key: str) -> str:
        """Name of a weight in the model's file, by its key in the state."""
        return f"polarity.{ENCODER}.{key}"

    def export_problems(self, form: str) -> list[str]:
        """Why a model with this encoder cannot be exported in a form (``hf``, ``onnx``); none if it can."""
        why = f"{form} holds encoders of transformers alone, not {self.title}"
        return [f"format: {why}; predict run=... and polarity.load answer with it"]


def vectors_of(encoder: Encoder, inputs: Mapping[str, Tensor]) -> Tensor:
    """Vectors ``[B, width]`` of a batch of an encoder's inputs, or of what :meth:`Encoder.fix` made of them."""
    vectors: Tensor = encoder.after(inputs[VECTORS]) if VECTORS in inputs else encoder(**inputs)
    return vectors


def encoder_of(architecture: Mapping[str, Any], trust: Collection[str] = ()) -> Encoder:
    """The encoder of an architecture, with random weights.

    :raises UserError: if it names code that is not trusted.
    """
    abstract: Any = Encoder
    kind: type[Encoder] = known_class(architecture[ENCODER].get(TARGET, HUGGING_FACE), abstract, trust)
    return kind.from_architecture(architecture, trust)


class EncoderSettings(Component, ABC):
    """What a preset of ``conf/model/`` becomes."""

    @property
    def title(self) -> str:
        """How messages call the encoder."""
        return type(self).__name__

    @property
    def dropout_rates(self) -> list[float] | None:
        """Of all dropout layers, pretrained ones included; None where they are not known."""
        return None

    @property
    def limited(self) -> bool:
        """Whether long rows are cut, so that ``batching.max_length`` and ``max_context`` have an effect."""
        return True

    @property
    def layered(self) -> bool:
        """Whether layers that lie on each other are trained, which ``optimizer.layer_decay`` can tell apart."""
        return True

    @property
    def probed(self) -> bool:
        """Whether a linear probe answers together with the heads."""
        return False

    def locate(self) -> None:
        """Look whether everything is there that the encoder needs; cheap.

        :raises UserError: if something is missing or cannot be reached.
        """

    def longest(self) -> int | None:
        """Longest row, in tokens, that the encoder can read; None if there is no limit."""
        return None

    def frozen(self) -> "EncoderSettings":
        """Those of the same encoder, all of whose weights stay as they are, for a linear probe on its vectors.

        :raises UserError: if it is none whose vectors a probe could read.
        """
        raise UserError(f"encoder: there is nothing to probe in {self.title} before it is trained")

    def holding(self, outputs: int) -> "EncoderSettings":
        """Those of the same encoder, with room for the linear model that heads begin as, where no setting forbids it.

        :param outputs: of the linear models of all tasks together.
        """
        del outputs
        return self

    @abstractmethod
    def make_reader(self, rows: Rows | None = None) -> Reader:
        """What reads the texts.

        :param rows: of the training split, for readers that learn a vocabulary; None where there is no training.
        :raises UserError: if it cannot be made.
        """

    @abstractmethod
    def build(self, reader: Reader) -> Encoder:
        """The encoder that training starts with.

        :raises UserError: if weights are missing, or a setting does not fit.
        """
