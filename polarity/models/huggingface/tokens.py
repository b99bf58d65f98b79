"""The token cache: each split is tokenised once, kept on disk and read back memory-mapped, batch by batch."""

import hashlib
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
import torch
from torch import Tensor

from polarity.data.cache import Arrays, cached_arrays
from polarity.data.contexts import context_room
from polarity.data.reading import Inputs, Unknown, check_texts
from polarity.data.rows import Rows
from polarity.models.huggingface.tokenising import CHUNK, check_tokenizer, tokenise, tokenizer_identity

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

FORMAT = 3
"""Raise it whenever the same rows, tokenizer and length would be stored differently."""

TOGETHER = 1_000_000
"""Token ids that are looked at in one piece."""


class TokenStore(Inputs):
    """The token ids of one split.

    :param arrays: ``ids`` int32 and ``types`` int8 (only for tokenizers with token types) of all rows in one string,
        ``offsets`` int64 ``[rows + 1]`` where each row begins in it, ``cut`` bool ``[rows]``,
        ``context_cut`` bool ``[rows]``, empty without contexts.
    :param tokenizer: that they were made with.
    :param max_length: tokens that a row may have.
    """

    def __init__(self, arrays: Arrays, tokenizer: "PreTrainedTokenizerBase", max_length: int) -> None:
        self._ids = arrays["ids"]
        self._types = arrays.get("types")
        self._offsets = np.asarray(arrays["offsets"])
        self._pad_id, self._pad_type = int(tokenizer.pad_token_id), int(tokenizer.pad_token_type_id)
        self._special = set(tokenizer.all_special_ids) - {tokenizer.unk_token_id}
        self._unknown = tokenizer.unk_token_id
        self.max_length = max_length
        super().__init__(
            np.diff(self._offsets).astype(np.int32),
            truncated=int(arrays["cut"].sum()),
            contexts_cut=int(arrays["context_cut"].sum()) if "context_cut" in arrays else 0,
        )

    @classmethod
    def open(
        cls,
        rows: Rows,
        tokenizer: "PreTrainedTokenizerBase",
        max_length: int,
        cache_dir: Path | None,
        max_context: float | None = None,
    ) -> Self:
        """Read the tokens of ``rows`` from the cache, or tokenise them and store them there, if there is one.

        The cache is keyed by the texts and contexts, by everything in the tokenizer that decides its output, and by
        the lengths. Of a pair, the context comes first; the text gets the room that the context leaves.

        :param max_length: tokens per row including special tokens; longer rows are cut.
        :param max_context: share of it that a context may fill; None: contexts are never cut.
        :raises UserError: a tokenizer that cannot be used, a length without room for any text, unusable texts.
        """
        check_tokenizer(tokenizer)
        check_texts(rows)
        if cache_dir is None:
            return cls.make(rows, tokenizer, max_length, max_context)
        folder = cache_dir / _key(rows, tokenizer, max_length, max_context)
        arrays = cached_arrays(folder, lambda: tokenise(rows, tokenizer, max_length, max_context))
        return cls(arrays, tokenizer, max_length)

    @classmethod
    def make(
        cls, rows: Rows, tokenizer: "PreTrainedTokenizerBase", max_length: int, max_context: float | None = None
    ) -> Self:
        """The same without a cache, and without a look whether tokenizer and texts can be used."""
        return cls(tokenise(rows, tokenizer, max_length, max_context), tokenizer, max_length)

    def __repr__(self) -> str:
        return f"TokenStore(rows={len(self)}, tokens={len(self._ids)}, truncated={self.truncated})"

    def unknown(self) -> list[Unknown]:
        special = int(np.isin(self._ids, list(self._special)).sum())
        unknown = 0 if self._unknown is None else int((self._ids == self._unknown).sum())
        return [Unknown("of the tokens are unknown to its tokenizer", len(self._ids) - special, unknown)]

    def seen(self, tokens: int) -> np.ndarray:
        """Which of so many tokens occur, padding included: bool ``[tokens]``."""
        occurs = np.zeros(tokens, dtype=bool)
        occurs[self._pad_id] = True
        for start in range(0, len(self._ids), TOGETHER):
            occurs[self._ids[start : start + TOGETHER]] = True
        return occurs

    def batch(self, rows: np.ndarray) -> dict[str, Tensor]:
        """Model inputs of the rows with these numbers, int64 ``[rows, longest of them]``, padded on the right."""
        lengths = self.lengths[rows]
        places = np.arange(lengths.max(initial=0))
        real = places < lengths[:, None]
        tokens = (self._offsets[rows][:, None] + places)[real]
        inputs = {
            "input_ids": _padded(self._ids[tokens], real, self._pad_id),
            "attention_mask": torch.from_numpy(real.astype(np.int64)),
        }
        if self._types is not None:
            inputs["token_type_ids"] = _padded(self._types[tokens], real, self._pad_type)
        return inputs


def _padded(tokens: np.ndarray, real: np.ndarray, padding: int) -> Tensor:
    table = np.full(real.shape, padding, dtype=np.int64)
    table[real] = tokens
    return torch.from_numpy(table)


def _key(rows: Rows, tokenizer: "PreTrainedTokenizerBase", max_length: int, max_context: float | None) -> str:
    room = None if rows.context is None else context_room(max_length, max_context)
    digest = hashlib.blake2b(digest_size=16)
    readers = [version(name) for name in ("tokenizers", "transformers")]
    digest.update(f"{FORMAT}|{readers}|{max_length}|{len(rows)}|{rows.context is not None}|{room}".encode())
    for column in ([tokenizer_identity(tokenizer)], rows.text, rows.context or []):
        for start in range(0, len(column), CHUNK):
            part = column[start : start + CHUNK]
            digest.update(np.fromiter(map(len, part), dtype="<i8", count=len(part)).tobytes())  # keeps neighbours apart
            digest.update("".join(part).encode())
    return digest.hexdigest()
