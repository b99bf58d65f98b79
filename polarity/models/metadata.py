"""Columns beside the texts, read together with them: ``data.features`` of any encoder."""

import copy
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
from scipy.sparse import csr_matrix

from polarity.component import Context
from polarity.content import Json
from polarity.data.features import KINDS, Feature, FeatureKind, feature_from
from polarity.data.reading import Reader, Unknown
from polarity.data.rows import Rows, Splits, examples
from polarity.errors import UserError, nearest
from polarity.files import read_object, write_json
from polarity.models.encoder import EncoderSettings
from polarity.models.joined import JoinedEncoder, JoinedReader
from polarity.models.late_fusion import LateFusion
from polarity.models.ngrams.encoder import NgramEncoder, width_for
from polarity.models.ngrams.reader import NgramInputs
from polarity.privacy import excerpt
from polarity.tasks import IGNORE_INDEX, Task
from polarity.wording import times

FILE = "metadata.json"
SETTINGS: Mapping[str, Any] = {"dropout": 0.1, "lr": 2e-3, "weight_decay": 0.03}
"""Those of ``conf/model/ngrams.yaml``."""


class MetadataInputs(NgramInputs):
    """Rows as numbers, in the form of n-grams: places and what stands there.

    :param unseen: of each column, in how many rows a value stands that no training row has.
    """

    def __init__(self, matrix: csr_matrix, unseen: Mapping[str, int]) -> None:
        super().__init__(matrix)
        self.unseen = dict(unseen)

    def excerpt(self, rows: np.ndarray) -> Self:
        return type(self)(self.vectors[rows], {})

    def unknown(self) -> list[Unknown]:
        return [
            Unknown(f"of the rows have a value of {name!r} that no training row has", len(self), count, of_texts=False)
            for name, count in self.unseen.items()
        ]


class MetadataReader(Reader):
    """Reads columns, and no text.

    :param features: kind of each column, and what it learnt of the training rows.
    """

    def __init__(self, features: Mapping[str, tuple[FeatureKind, Feature]]) -> None:
        self.features = dict(features)

    @classmethod
    def learn(cls, rows: Rows, features: Mapping[str, FeatureKind]) -> Self:
        """From the training rows.

        :raises UserError: if they lack a column, if a cell cannot be read, or all say the same.
        """
        _check(rows, features)
        learnt = {name: (kind, KINDS[kind].learn(rows.metadata[name])) for name, kind in features.items()}
        labelled = np.flatnonzero((rows.labels != IGNORE_INDEX).any(axis=1)).tolist() or range(len(rows))
        same = [name for name in features if len({rows.metadata[name][row] for row in labelled}) == 1]
        if empty := [name for name, (_, feature) in learnt.items() if name in same or not feature.width]:
            which = "all training rows" if len(labelled) == len(rows) else "all training rows that have a label"
            plain = [name for name in empty if name in same or features[name] != "category"]
            said = dict.fromkeys(plain, f"{which} say the same")
            rare = "no value stands in two training rows, so that nothing can be learnt of it"
            raise UserError(f"data.features.{name}: {said.get(name, rare)}; leave it out" for name in empty)
        return cls(learnt)

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(self.features)

    @property
    def width(self) -> int:
        """How many numbers a row becomes."""
        return sum(feature.width for _, feature in self.features.values())

    def inputs(
        self, rows: Rows, max_length: int, max_context: float | None = None, cache: Path | None = None
    ) -> MetadataInputs:
        _check(rows, {name: kind for name, (kind, _) in self.features.items()})
        encoded = [feature.encode(rows.metadata[name]) for name, (_, feature) in self.features.items()]
        unseen = {name: feature.unseen(rows.metadata[name]) for name, (_, feature) in self.features.items()}
        return MetadataInputs(csr_matrix(np.concatenate(encoded, axis=1) / np.float32(np.sqrt(len(encoded)))), unseen)

    def refused(self, rows: Rows) -> dict[int, str]:
        found = dict[int, str]()
        for name, (kind, _) in self.features.items():
            cells = rows.metadata.get(name, [])
            for row in KINDS[kind].unreadable(cells):
                advice = KINDS[kind].advice([cells[row]])
                hint = advice and f"; {advice}"
                found.setdefault(row, f"data.features.{name}: {excerpt(repr(cells[row]))} is no {kind}{hint}")
        return found

    def same_as(self, other: Reader) -> bool:
        return isinstance(other, MetadataReader) and self.plain == other.plain

    def save(self, folder: Path) -> None:
        write_json(folder / FILE, self.plain, exact=True)

    @classmethod
    def load(cls, folder: Path) -> Self:
        try:
            content = read_object(folder / FILE)
            return cls({str(n): (one["kind"], feature_from(one["kind"], one["learnt"])) for n, one in content.items()})
        except (KeyError, TypeError) as error:
            raise UserError(f"{folder / FILE}: is damaged ({type(error).__name__}: {error})") from error

    @property
    def plain(self) -> Json:
        """All of it, in values that JSON can hold."""
        return {name: {"kind": kind, "learnt": one.to_dict()} for name, (kind, one) in self.features.items()}


def _check(rows: Rows, features: Mapping[str, FeatureKind]) -> None:
    """Refuse rows without a column, and cells of which no number can be made.

    :raises UserError: naming them.
    """
    problems = []
    for name, kind in features.items():
        if (cells := rows.metadata.get(name)) is None:
            known = nearest(name, rows.metadata, what="columns")
            problems.append(f"data.features.{name}: the model reads this column, and the rows have none{known}")
        elif bad := KINDS[kind].unreadable(cells):
            found = f"{times(len(bad), 'value')} that {'is' if len(bad) == 1 else 'are'} no {kind}"
            values = ", ".join(dict.fromkeys(excerpt(repr(cells[row])) for row in bad[:5]))
            advice = KINDS[kind].advice([cells[row] for row in bad])
            hint = f"; {advice}" if advice else ""
            problems.append(
                f"data.features.{name}: {found}, such as {values}{hint}: {examples([rows.ids[row] for row in bad])}"
            )
    if problems:
        raise UserError(problems)


class MetadataEncoder(NgramEncoder):
    """The sum of the vectors of a row's numbers, each times the number, as of n-grams times their weights.

    They begin at 0, so that a place which no training row has says nothing.
    """

    reader = MetadataReader

    @property
    def title(self) -> str:
        return "columns beside the text"


class WithMetadata(EncoderSettings):
    """An encoder of texts, and columns beside them.

    :param encoder: of the texts.
    :param features: kind of each column.
    """

    def __init__(self, *, encoder: EncoderSettings, features: Mapping[str, FeatureKind]) -> None:
        self.encoder, self.features = encoder, dict(features)
        self.outputs = 0

    @property
    def title(self) -> str:
        """That of the encoder."""
        return self.encoder.title

    @property
    def dropout_rates(self) -> list[float] | None:
        """Of the encoder and of the columns."""
        rates = self.encoder.dropout_rates
        return None if rates is None else [*rates, SETTINGS["dropout"]]

    @property
    def limited(self) -> bool:
        """Whether the encoder is."""
        return self.encoder.limited

    @property
    def layered(self) -> bool:
        """Whether the encoder is."""
        return self.encoder.layered

    def problems(self, tasks: Sequence[Task]) -> list[str]:
        return self.encoder.problems(tasks)

    def conflicts(self, context: Context) -> list[str]:
        return self.encoder.conflicts(context)

    def locate(self) -> None:
        self.encoder.locate()

    def longest(self) -> int | None:
        """The encoder's."""
        return self.encoder.longest()

    def holding(self, outputs: int) -> Self:
        """The same of an encoder that does; how many numbers the columns become is not known yet."""
        changed = copy.copy(self)
        changed.encoder, changed.outputs = self.encoder.holding(outputs), outputs
        return changed

    def make_reader(self, rows: Rows | None = None) -> JoinedReader:
        """That of the encoder, and what the training rows say of the columns."""
        if rows is None:
            raise UserError(
                "data.features: they are learnt from training rows, and there are none here; leave them out"
            )
        return JoinedReader(
            {"text": self.encoder.make_reader(rows), "metadata": MetadataReader.learn(rows, self.features)}
        )

    def build(self, reader: Reader) -> JoinedEncoder:
        """The encoder's vector, then the columns'."""
        assert isinstance(reader, JoinedReader)
        columns = reader.parts["metadata"]
        assert isinstance(columns, MetadataReader)
        width = width_for(self.outputs, columns.width)
        beside = MetadataEncoder(terms=columns.width, width=width, **SETTINGS)
        return JoinedEncoder({"text": self.encoder.build(reader.parts["text"]), "metadata": beside})


def with_columns(model: EncoderSettings, features: Mapping[str, FeatureKind]) -> EncoderSettings:
    """A model, and columns beside its texts; a probe beside its heads reads them as well."""
    if isinstance(model, LateFusion):
        return model.each(lambda part: WithMetadata(encoder=part, features=features))
    return WithMetadata(encoder=model, features=features)


def feature_problems(features: Mapping[str, FeatureKind], splits: Splits) -> list[str]:
    """What of the rows keeps a model from reading these columns, before anything is written."""
    problems = []
    for name, rows in splits.items():
        try:
            if name == "train":
                MetadataReader.learn(rows, features)
            else:
                _check(rows, features)
        except UserError as error:
            problems += [problem if name == "train" else f"{problem} ({name})" for problem in error.problems]
    return problems
