"""From texts to what an encoder takes: the first half of "text to inputs to vector", which has no weights."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import numpy as np
from torch import Tensor

from polarity.data.rows import Rows, examples
from polarity.errors import UserError
from polarity.files import read_object, write_json
from polarity.signature import settings_of
from polarity.wording import times

FILE = "reader.json"
WHOLE = 2**31 - 1
"""As ``max_length``: nothing is cut."""
_TOGETHER = 10_000


def check_texts(rows: Rows) -> None:
    """Refuse texts that cannot be stored or tokenised; JSON may hold them as escapes.

    :raises UserError: naming such rows.
    """
    parts = (column[start : start + _TOGETHER] for column in (rows.text, rows.context or [])
             for start in range(0, len(column), _TOGETHER))  # fmt: skip
    if all(_is_unicode("".join(part)) for part in parts):
        return
    broken = [
        row_id
        for row_id, *texts in zip(rows.ids, rows.text, rows.context or rows.text, strict=True)
        if any(not _is_unicode(text) for text in texts)
    ]
    if broken:
        raise UserError(
            f"text: {times(len(broken), 'row')} without valid Unicode (lone surrogates): {examples(broken)}"
        )


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


@dataclass(frozen=True)
class Unknown:
    """How much of some rows a reader does not know.

    :param what: as messages go on after the share: "of the tokens are ...".
    :param total: how many things were looked at.
    :param unknown: how many of them it does not know.
    :param of_texts: whether they are parts of the texts.
    """

    what: str
    total: int
    unknown: int
    of_texts: bool = True

    @property
    def share(self) -> float:
        """Of all things."""
        return self.unknown / max(1, self.total)

    def __add__(self, other: Self) -> Self:
        return replace(self, total=self.total + other.total, unknown=self.unknown + other.unknown)


class Inputs(ABC):
    """The rows of one split as an encoder takes them, batch by batch.

    Here and in :class:`Reader`, "tokens" are whatever a reader counts a text in.

    :param lengths: int32 ``[rows]``, tokens of each row; batches are grouped by them.
    :param truncated: rows of which only the beginning is read.
    :param contexts_cut: rows whose context, the first text of a pair, is not read whole.
    """

    def __init__(self, lengths: np.ndarray, *, truncated: int = 0, contexts_cut: int = 0) -> None:
        self.lengths = lengths
        self.truncated = truncated
        self.contexts_cut = contexts_cut

    def __len__(self) -> int:
        return len(self.lengths)

    @abstractmethod
    def batch(self, rows: np.ndarray) -> dict[str, Tensor]:
        """The rows with these numbers: tensors ``[rows, ...]`` by the names that the encoder's ``forward`` has.

        What a row gives never depends on the rows beside it, padding apart.
        """

    def excerpt(self, rows: np.ndarray) -> "Inputs":
        """Those of some rows, by their numbers."""
        return Excerpt(self, rows)

    def unknown(self) -> "list[Unknown]":
        """What the reader does not know of them; one for each reader that took part."""
        return []


class Excerpt(Inputs):
    """Some rows of others' inputs."""

    def __init__(self, inputs: Inputs, rows: np.ndarray) -> None:
        super().__init__(inputs.lengths[rows])
        self._inputs, self._rows = inputs, rows

    def batch(self, rows: np.ndarray) -> dict[str, Tensor]:
        return self._inputs.batch(self._rows[rows])


class Reader(ABC):
    """Turns texts into :class:`Inputs`; it is stored with the model, so that new texts are read as in training.

    As long as the constructor's settings are plain values, kept as attributes of the same names, only :meth:`inputs`
    has to be written.
    """

    @abstractmethod
    def inputs(
        self, rows: Rows, max_length: int, max_context: float | None = None, cache: Path | None = None
    ) -> Inputs:
        """Read rows, whatever their labels.

        :param max_length: tokens per row; longer ones are cut.
        :param max_context: share of it that a context may fill; None: contexts are never cut.
        :param cache: folder in which the work may be kept for the next time; None: nothing is written.
        :raises UserError: for rows that cannot be read, ending with ": ids ..." where it is about single ones.
        """

    def lengths(self, rows: Rows, max_length: int, max_context: float | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Tokens of each row read whole, and which contexts are cut: int64 and bool, ``[rows]``."""
        del max_length
        return self.inputs(rows, WHOLE, max_context).lengths.astype(np.int64), np.zeros(len(rows), dtype=bool)

    @property
    def columns(self) -> tuple[str, ...]:
        """The metadata columns that it reads beside the texts."""
        return ()

    def refused(self, rows: Rows) -> dict[int, str]:
        """What is wrong with cells of :attr:`columns`, by number of the row; such rows cannot be read."""
        return {}

    def warnings(self, texts: Sequence[str], model: str | None) -> list[str]:
        """What makes this reader unfit for the texts, a line each.

        :param model: whose reader it is, for messages.
        """
        return []

    def advice(self, texts: Sequence[str]) -> list[str]:
        """What may read these texts better, a line each."""
        return []

    @property
    def settings(self) -> dict[str, object]:
        """The arguments that make an equal reader, which keeps each as an attribute of the same name."""
        return settings_of(self)

    def same_as(self, other: "Reader") -> bool:
        """Whether both give the same inputs, so that weights trained with one can go on with the other."""
        return type(self) is type(other) and self.settings == other.settings

    def save(self, folder: Path) -> None:
        """Write all that :meth:`load` needs into a model's folder."""
        write_json(folder / FILE, self.settings)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """The reader that was saved there.

        :raises UserError: if a file is missing or damaged.
        """
        return cls(**read_object(folder / FILE))
