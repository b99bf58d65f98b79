"""Texts as the n-grams that training texts have more than once."""

from collections.abc import Sequence
from pathlib import Path
from typing import Self

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.numpy import load_file, save
from scipy.sparse import csr_matrix
from torch import Tensor

from polarity.data.ngrams import Learnt, TextFeatures
from polarity.data.reading import Inputs, Reader, Unknown, check_texts
from polarity.data.rows import Rows
from polarity.errors import UserError
from polarity.files import read_object, write_json

TERMS, RARITY = "ngrams.json", "ngrams.safetensors"


class NgramInputs(Inputs):
    """TF-IDF vectors of rows.

    :param vectors: float32 ``[rows, terms]``.
    """

    def __init__(self, vectors: csr_matrix) -> None:
        super().__init__(np.maximum(np.diff(vectors.indptr), 1).astype(np.int32))
        self.vectors = vectors

    def excerpt(self, rows: np.ndarray) -> Self:
        return type(self)(self.vectors[rows])

    def unknown(self) -> list[Unknown]:
        empty = int((np.diff(self.vectors.indptr) == 0).sum())
        return [Unknown("of the texts have none of its n-grams", len(self), empty)]

    def batch(self, rows: np.ndarray) -> dict[str, Tensor]:
        """``terms`` int64 and ``weights`` float32, ``[rows, most terms of any]``; padding is term 0 of weight 0."""
        part = self.vectors[rows]
        lengths = np.diff(part.indptr)
        real = np.arange(max(1, lengths.max(initial=1))) < lengths[:, None]
        terms, weights = np.zeros(real.shape, dtype=np.int64), np.zeros(real.shape, dtype=np.float32)
        terms[real], weights[real] = part.indices, part.data
        return {"terms": torch.from_numpy(terms), "weights": torch.from_numpy(weights)}


class NgramReader(Reader):
    """Reads whole texts, of any length and in any language.

    :param features: fitted on the training rows.
    """

    def __init__(self, features: TextFeatures) -> None:
        self.features = features

    @property
    def terms(self) -> int:
        """How many different n-grams it knows."""
        return sum(len(block.terms) for block in self.features.learnt)

    def inputs(
        self, rows: Rows, max_length: int, max_context: float | None = None, cache: Path | None = None
    ) -> NgramInputs:
        check_texts(rows)
        return NgramInputs(self.features.transform(rows))

    def same_as(self, other: Reader) -> bool:
        if not isinstance(other, NgramReader) or _plain(self.features.learnt) != _plain(other.features.learnt):
            return False
        pairs = zip(self.features.learnt, other.features.learnt, strict=True)
        return all(np.array_equal(one.rarity, another.rarity) for one, another in pairs)

    def save(self, folder: Path) -> None:
        """Terms go to ``ngrams.json``, their weights to ``ngrams.safetensors``."""
        learnt = self.features.learnt
        write_json(folder / TERMS, {"blocks": _plain(learnt)}, exact=True)
        arrays = {str(number): np.ascontiguousarray(block.rarity) for number, block in enumerate(learnt)}
        (folder / RARITY).write_bytes(save(arrays))  # its own writer makes a file that only its owner can read

    @classmethod
    def load(cls, folder: Path) -> Self:
        terms = read_object(folder / TERMS)
        try:
            arrays, blocks = load_file(folder / RARITY), enumerate(terms["blocks"])
            return cls(TextFeatures.of([Learnt(**block, rarity=arrays[str(number)]) for number, block in blocks]))
        except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
            raise UserError(f"{folder / RARITY}, or {TERMS} beside it: is damaged or cut off ({error})") from error


def _plain(learnt: Sequence[Learnt]) -> list[dict[str, object]]:
    return [{"of_context": one.of_context, "words": one.words, "terms": one.terms} for one in learnt]
