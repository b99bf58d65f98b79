"""Token ids by a tokenizer of transformers."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np

from polarity.data.contexts import context_room
from polarity.data.reading import Reader, check_texts
from polarity.data.rows import Rows
from polarity.models.huggingface.english import english_advice
from polarity.models.huggingface.loading import load_tokenizer
from polarity.models.huggingface.tokenising import check_tokenizer, cut_contexts, whole_lengths
from polarity.models.huggingface.tokens import TokenStore
from polarity.models.huggingface.vocabulary import some, vocabulary_warnings

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


class TokenReader(Reader):
    """Reads with the tokenizer that belongs to an encoder.

    :param tokenizer: a fast one.
    """

    def __init__(self, tokenizer: "PreTrainedTokenizerBase") -> None:
        self.tokenizer = tokenizer

    def inputs(
        self, rows: Rows, max_length: int, max_context: float | None = None, cache: Path | None = None
    ) -> TokenStore:
        return TokenStore.open(rows, self.tokenizer, max_length, cache, max_context)

    def lengths(self, rows: Rows, max_length: int, max_context: float | None = None) -> tuple[np.ndarray, np.ndarray]:
        check_tokenizer(self.tokenizer)
        check_texts(rows)
        contexts = rows.context or []
        if contexts:
            short = cut_contexts(contexts, self.tokenizer, context_room(max_length, max_context))
            rows = replace(rows, context=short)
        cut = [a != b for a, b in zip(contexts, rows.context or [], strict=True)] or [False] * len(rows)
        return np.fromiter(whole_lengths(rows, self.tokenizer), dtype=np.int64), np.array(cut, dtype=bool)

    def warnings(self, texts: Sequence[str], model: str | None) -> list[str]:
        return vocabulary_warnings(texts, self.tokenizer, model)

    def advice(self, texts: Sequence[str]) -> list[str]:
        return english_advice(some(texts), self.tokenizer)

    def same_as(self, other: Reader) -> bool:
        return isinstance(other, TokenReader) and _read_by(self.tokenizer) == _read_by(other.tokenizer)

    def save(self, folder: Path) -> None:
        self.tokenizer.save_pretrained(folder)

    @classmethod
    def load(cls, folder: Path) -> Self:
        return cls(load_tokenizer(str(folder), None))


PROBE = "a B É ﬁ ² 12,5 it's-not Straße \t\n  МИР 短い مُحايد 🙂"
"""What readers differ in: case, accents, forms of Unicode, digits, signs, white space, scripts."""


def _read_by(tokenizer: "PreTrainedTokenizerBase") -> tuple[object, object]:
    """Which tokens there are, and how a text becomes some of them, those of a prefix included."""
    return tokenizer.get_vocab(), tokenizer(PROBE)["input_ids"]
