"""Several encoders side by side: each reads the texts in its own way, and the heads read all their vectors."""

import copy
import re
from abc import abstractmethod
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Self, TypeVar, cast

import numpy as np
import torch
from torch import Tensor, nn

from polarity.content import Json
from polarity.data.reading import Inputs, Reader, Unknown
from polarity.data.rows import Rows
from polarity.errors import UserError
from polarity.models.components import name_of
from polarity.models.encoder import ENCODER, Encoder, EncoderSettings, Place, encoder_of, vectors_of
from polarity.models.linear_features import LinearFeatures, side_by_side
from polarity.models.read_together import together
from polarity.signature import TARGET
from polarity.tasks import Task

T = TypeVar("T")


@contextmanager
def of_part(name: str) -> Iterator[None]:
    """What a part says of its settings within the block, it says of ``model.NAME``, where the command line has them."""
    try:
        yield
    except UserError as error:
        raise UserError(re.sub(r"^model\.", f"model.{name}.", problem) for problem in error.problems) from error


class JoinedInputs(Inputs):
    """The inputs of several readers, each name with that of its part before it.

    :param parts: the first counts the tokens.
    """

    def __init__(self, parts: Mapping[str, Inputs]) -> None:
        first = next(iter(parts.values()))
        super().__init__(first.lengths, truncated=first.truncated, contexts_cut=first.contexts_cut)
        self.parts = dict(parts)

    def batch(self, rows: np.ndarray) -> dict[str, Tensor]:
        return {
            f"{part}.{name}": value for part, inputs in self.parts.items() for name, value in inputs.batch(rows).items()
        }

    def excerpt(self, rows: np.ndarray) -> "JoinedInputs":
        return JoinedInputs({name: part.excerpt(rows) for name, part in self.parts.items()})

    def unknown(self) -> list[Unknown]:
        return list(dict.fromkeys(one for part in self.parts.values() for one in part.unknown()))


class JoinedReader(Reader):
    """Reads with several readers.

    :param parts: by name; the first counts the tokens.
    """

    def __init__(self, parts: Mapping[str, Reader]) -> None:
        self.parts = dict(parts)

    def inputs(
        self, rows: Rows, max_length: int, max_context: float | None = None, cache: Path | None = None
    ) -> JoinedInputs:
        read = {name: part.inputs(rows, max_length, max_context, cache) for name, part in self.parts.items()}
        return JoinedInputs(read)

    def lengths(self, rows: Rows, max_length: int, max_context: float | None = None) -> tuple[np.ndarray, np.ndarray]:
        return next(iter(self.parts.values())).lengths(rows, max_length, max_context)

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for part in self.parts.values() for name in part.columns))

    def refused(self, rows: Rows) -> dict[int, str]:
        return {row: why for part in self.parts.values() for row, why in part.refused(rows).items()}

    def warnings(self, texts: Sequence[str], model: str | None) -> list[str]:
        return list(dict.fromkeys(warning for part in self.parts.values() for warning in part.warnings(texts, model)))

    def advice(self, texts: Sequence[str]) -> list[str]:
        return list(dict.fromkeys(line for part in self.parts.values() for line in part.advice(texts)))

    def same_as(self, other: Reader) -> bool:
        if not isinstance(other, JoinedReader) or list(self.parts) != list(other.parts):
            return False
        return all(part.same_as(other.parts[name]) for name, part in self.parts.items())

    def save(self, folder: Path) -> None:
        """Each part has a folder of its name."""
        for name, part in self.parts.items():
            (folder / name).mkdir()
            part.save(folder / name)


class JoinedEncoder(Encoder):
    """The vectors of several encoders, one after the other.

    :param parts: by name.
    """

    reader = JoinedReader

    def __init__(self, parts: Mapping[str, Encoder]) -> None:
        super().__init__()
        self.parts = nn.ModuleDict(parts)
        self.width = sum(part.width for part in parts.values())

    @property
    def encoders(self) -> dict[str, Encoder]:
        """The parts by name."""
        return {name: cast("Encoder", part) for name, part in self.parts.items()}

    @property
    def title(self) -> str:
        """Those of all parts."""
        return " and ".join(part.title for part in self.encoders.values())

    @property
    def token_table(self) -> nn.Embedding | None:
        """That of the first part that has one."""
        tables = (part.token_table for part in self.encoders.values())
        return next((table for table in tables if table is not None), None)

    def forward(self, **inputs: Tensor) -> Tensor:
        """Vectors ``[B, width]`` of the inputs of all parts, named as :class:`JoinedInputs` does."""
        own: dict[str, dict[str, Tensor]] = {name: {} for name in self.parts}
        for key, value in inputs.items():
            part, _, name = key.partition(".")
            own[part][name] = value
        return torch.cat([vectors_of(part, own[name]) for name, part in self.encoders.items()], dim=1)

    def fix(
        self, inputs: Mapping[str, Inputs], compute: Callable[[Encoder, Inputs], np.ndarray]
    ) -> Mapping[str, Inputs]:
        """Each part by itself."""
        fixed = {
            name: part.fix({split: cast("JoinedInputs", read).parts[name] for split, read in inputs.items()}, compute)
            for name, part in self.encoders.items()
        }
        return {split: JoinedInputs({name: part[split] for name, part in fixed.items()}) for split in inputs}

    def linear_features(
        self, inputs: Mapping[str, Inputs], compute: Callable[[Encoder, Inputs], np.ndarray]
    ) -> LinearFeatures:
        """Those of all parts."""
        return side_by_side(
            [
                part.linear_features(
                    {split: cast("JoinedInputs", read).parts[name] for split, read in inputs.items()}, compute
                )
                for name, part in self.encoders.items()
            ]
        )

    def adapt(self, other: Encoder) -> None:
        """Each part to that of its name."""
        for name in self.parts.keys() & (other.parts.keys() if isinstance(other, JoinedEncoder) else ()):
            self.encoders[name].adapt(cast("JoinedEncoder", other).encoders[name])

    def narrow(self, inputs: Inputs) -> None:
        for name, part in self.encoders.items():
            part.narrow(cast("JoinedInputs", inputs).parts[name])

    def merge(self) -> None:
        for part in self.encoders.values():
            part.merge()

    def places(self) -> list[Place]:
        """Those of all parts, with the names of the parts before them."""
        return [
            replace(place, name=f"{name}.{place.name}")
            for name, part in self.encoders.items()
            for place in part.places()
        ]

    def check(self, reader: Reader, inputs: Inputs) -> None:
        assert isinstance(reader, JoinedReader)
        assert isinstance(inputs, JoinedInputs)
        for name, part in self.encoders.items():
            with of_part(name):
                part.check(reader.parts[name], inputs.parts[name])

    def load_reader(self, folder: Path) -> JoinedReader:
        with together():
            return JoinedReader({name: part.load_reader(folder / name) for name, part in self.encoders.items()})

    def architecture(self) -> Json:
        parts = {name: part.architecture() for name, part in self.encoders.items()}
        return {ENCODER: {TARGET: name_of(type(self)), "parts": parts}}

    @classmethod
    def from_architecture(cls, architecture: Mapping[str, Any], trust: Collection[str] = ()) -> Self:
        return cls({name: encoder_of(part, trust) for name, part in architecture[ENCODER]["parts"].items()})


class JoinedSettings(EncoderSettings):
    """Settings of several encoders, each of which reads every text."""

    @property
    @abstractmethod
    def parts(self) -> dict[str, EncoderSettings]:
        """Those of each by name."""

    @property
    def title(self) -> str:
        """Those of all parts."""
        return " and ".join(part.title for part in self.parts.values())

    @property
    def dropout_rates(self) -> list[float] | None:
        """Of all parts; None if one of them does not know."""
        rates = [part.dropout_rates for part in self.parts.values()]
        return None if None in rates else [rate for found in rates for rate in found or []]

    @property
    def limited(self) -> bool:
        """Whether one of them is."""
        return any(part.limited for part in self.parts.values())

    @property
    def layered(self) -> bool:
        """Whether one of them is."""
        return any(part.layered for part in self.parts.values())

    def problems(self, tasks: Sequence[Task]) -> list[str]:
        return [f"{name}.{problem}" for name, part in self.parts.items() for problem in part.problems(tasks)]

    def locate(self) -> None:
        self._each(lambda _, part: part.locate())

    def longest(self) -> int | None:
        """The shortest one's."""
        lengths = self._each(lambda _, part: part.longest()).values()
        return min((length for length in lengths if length is not None), default=None)

    def make_reader(self, rows: Rows | None = None) -> JoinedReader:
        """All readers."""
        with together():
            return JoinedReader(self._each(lambda _, part: part.make_reader(rows)))

    def build(self, reader: Reader) -> JoinedEncoder:
        """All encoders."""
        assert isinstance(reader, JoinedReader)
        return JoinedEncoder(self._each(lambda name, part: part.build(reader.parts[name])))

    def _each(self, ask: Callable[[str, EncoderSettings], T], *names: str) -> dict[str, T]:
        """What each part answers, by its name; or only those of ``names``."""
        answers = {}
        for name in names or self.parts:
            with of_part(name):
                answers[name] = ask(name, self.parts[name])
        return answers


class WideDeep(JoinedSettings):
    """An encoder of tokens and one of n-grams, trained together: each head reads both.

    Cheng et al., Wide and Deep Learning for Recommender Systems, DLRS 2016 (arXiv 1606.07792). N-grams know spellings
    and names that an encoder's pretraining has not seen, the encoder what the training rows cannot tell.

    :param encoder: of tokens; any preset of the group, ``model.encoder=minilm``.
    :param ngrams: of n-grams, ``model.ngrams.lr=...``.
    """

    def __init__(self, *, encoder: EncoderSettings, ngrams: EncoderSettings) -> None:
        self.encoder, self.ngrams = encoder, ngrams

    @property
    def parts(self) -> dict[str, EncoderSettings]:
        """Both by name."""
        return {"encoder": self.encoder, "ngrams": self.ngrams}

    def holding(self, outputs: int) -> Self:
        """The same of parts that do."""
        changed = copy.copy(self)
        changed.encoder, changed.ngrams = self.encoder.holding(outputs), self.ngrams.holding(outputs)
        return changed
