"""Texts as sparse vectors: words and pieces of words, weighted by how rare they are."""

import sys
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from scipy.sparse import csr_matrix, hstack

from polarity.data.rows import Rows

if TYPE_CHECKING:
    from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer

LAST = 0x1FFFF
"""Beyond it no script has characters that combine."""


@dataclass(frozen=True)
class Learnt:
    """One kind of terms.

    :param of_context: whether of the first texts of pairs.
    :param words: whether the terms are words, or pieces of them.
    :param terms: in the order of the columns.
    :param rarity: weight of each, float ``[terms]``.
    """

    of_context: bool
    words: bool
    terms: list[str]
    rarity: np.ndarray


class TextFeatures:
    """TF-IDF of words (1-2) and of characters within words (2-5), side by side; of pairs, those of both texts.

    Salton and Buckley, Term-weighting approaches in automatic text retrieval, 1988. Of a term t in a text d,

        w(t, d) = (1 + log tf(t, d)) (1 + log((1 + N) / (1 + df(t))))

    with the term's count tf, its number of texts df, and N texts; each of the blocks then has length 1. Terms of one
    text alone are left out, except where there are no others. Pieces of words need no spaces between words.
    """

    def __init__(self) -> None:
        self._blocks: list[tuple[bool, _Block]] = []

    def fit(self, rows: Rows) -> csr_matrix:
        """Learn the vocabulary and its weights; returns what :meth:`transform` gives for the same rows."""
        self._blocks, made = [], []
        for of_context, texts in ((True, rows.contexts), (False, rows.text)):
            if any(text.strip() for text in texts):
                for settings in (_words(), _pieces()):
                    if (fitted := _fitted(settings, texts)) is not None:
                        self._blocks.append((of_context, fitted[0]))
                        made.append(fitted[1])
        return _side_by_side(made, len(rows))

    @property
    def learnt(self) -> "list[Learnt]":
        """What :meth:`fit` has learnt, as plain data."""
        return [block.learnt(of_context=of_context) for of_context, block in self._blocks]

    @classmethod
    def of(cls, learnt: "Sequence[Learnt]") -> Self:
        """The features that learnt this."""
        features = cls()
        features._blocks = [(block.of_context, _Block.of(block)) for block in learnt]
        return features

    def transform(self, rows: Rows) -> csr_matrix:
        """float32 ``[rows, terms]``."""
        if not len(rows):
            return csr_matrix((0, sum(block.terms for _, block in self._blocks)), dtype=np.float32)
        parts = [block.transform(rows.contexts if of_context else rows.text) for of_context, block in self._blocks]
        return _side_by_side(parts, len(rows))


def _side_by_side(parts: Sequence[csr_matrix], rows: int) -> csr_matrix:
    return csr_matrix(hstack(parts)) if parts else csr_matrix((rows, 0), dtype=np.float32)


def _words() -> dict[str, Any]:
    return {"ngram_range": (1, 2), "token_pattern": word_pattern()}


def _pieces() -> dict[str, Any]:
    return {"ngram_range": (2, 5), "analyzer": "char_wb"}


class _Block:
    """One kind of terms. Texts that repeat, as contexts do, are analysed once, which gives what each of them would."""

    def __init__(self, counter: "CountVectorizer", weights: "TfidfTransformer", kept: np.ndarray) -> None:
        self._counter, self._weights, self._kept = counter, weights, kept
        self.terms = len(kept)

    @classmethod
    def of(cls, learnt: Learnt) -> Self:
        from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer

        settings = _words() if learnt.words else _pieces()
        counter = CountVectorizer(dtype=np.float32, vocabulary=learnt.terms, **settings)
        weights = TfidfTransformer(sublinear_tf=True)
        weights.idf_ = learnt.rarity
        return cls(counter, weights, np.arange(len(learnt.terms)))

    def learnt(self, *, of_context: bool) -> Learnt:
        terms = self._counter.get_feature_names_out()[self._kept].tolist()
        return Learnt(of_context, self._counter.analyzer == "word", terms, self._weights.idf_)

    def transform(self, texts: Sequence[str]) -> csr_matrix:
        unique, places = _unique(texts)
        return self._weights.transform(self._counter.transform(unique)[:, self._kept])[places]


def _fitted(settings: dict[str, Any], texts: Sequence[str]) -> tuple[_Block, csr_matrix] | None:
    """The terms and their vectors, or None where the texts have no terms of this kind (no word, but emoji, say)."""
    from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer

    unique, places = _unique(texts)
    counter = CountVectorizer(dtype=np.float32, **settings)
    try:
        counts = csr_matrix(counter.fit_transform(unique))
    except ValueError:  # no terms
        return None
    in_texts = np.bincount(counts.indices, weights=np.bincount(places)[_rows_of(counts)], minlength=counts.shape[1])
    often = in_texts >= 2
    kept = np.flatnonzero(often if often.any() else in_texts)
    counts = counts[:, kept]
    weights = TfidfTransformer(sublinear_tf=True).fit(counts[places])
    return _Block(counter, weights, kept), weights.transform(counts)[places]


def _unique(texts: Sequence[str]) -> tuple[list[str], np.ndarray]:
    """The different texts, and the place of each text among them."""
    place = {text: number for number, text in enumerate(dict.fromkeys(texts))}
    return list(place), np.array([place[text] for text in texts], dtype=np.int64)


def _rows_of(counts: csr_matrix) -> np.ndarray:
    return np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr))


@cache
def word_pattern() -> str:
    """Letters, digits and the marks on them: a pattern without these cuts the words of Indic scripts at each vowel."""
    marks = [code for code in range(min(LAST, sys.maxunicode) + 1) if unicodedata.category(chr(code))[0] == "M"]
    ranges: list[list[int]] = []
    for code in marks:
        if ranges and ranges[-1][1] == code - 1:
            ranges[-1][1] = code
        else:
            ranges.append([code, code])
    inside = "".join(f"{chr(first)}-{chr(last)}" for first, last in ranges)
    return rf"\w[\w{inside}]*"
