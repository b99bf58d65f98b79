"""From texts to token ids, and everything that can be wrong on the way."""

import json
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from polarity.data.cache import Arrays
from polarity.data.contexts import context_room
from polarity.data.memory import check_memory
from polarity.data.rows import Rows, examples
from polarity.errors import UserError
from polarity.progress import progress
from polarity.wording import times

if TYPE_CHECKING:
    from tokenizers import Encoding
    from transformers import PreTrainedTokenizerBase

CHUNK = 2_000
SHOW_PROGRESS_FROM = 50_000


def check_tokenizer(tokenizer: "PreTrainedTokenizerBase") -> None:
    """Refuse a tokenizer that the cache cannot work with."""
    name = type(tokenizer).__name__
    if not tokenizer.is_fast:
        raise UserError(
            f"tokenizer: {name} has no fast version (tokenizer.json), which the token cache needs; choose an encoder "
            "of another family"
        )
    if tokenizer.pad_token_id is None:
        raise UserError(f"tokenizer: {name} has no padding token")


def tokenizer_identity(tokenizer: "PreTrainedTokenizerBase") -> str:
    """Everything that decides which ids come out: the whole ``tokenizer.json`` and how it is called."""
    backend = tokenizer.backend_tokenizer
    backend.no_truncation()  # both are left over from the last call, and set anew by the next one
    backend.no_padding()
    settings = {
        "class": type(tokenizer).__name__,
        "inputs": list(tokenizer.model_input_names),
        "special": {name: str(token) for name, token in tokenizer.special_tokens_map.items()},
        "truncation_side": tokenizer.truncation_side,
        "split_special_tokens": bool(getattr(tokenizer, "split_special_tokens", False)),
    }
    return f"{json.dumps(settings, sort_keys=True)}{backend.to_str()}"


def tokenise(
    rows: Rows, tokenizer: "PreTrainedTokenizerBase", max_length: int, max_context: float | None = None
) -> Arrays:
    """Token ids of all rows; what the arrays are is said at :class:`~polarity.models.huggingface.tokens.TokenStore`.

    :param max_context: share of ``max_length`` that a context may fill; None: contexts are never cut.
    :raises UserError: rows without room for their text, or without any token.
    """
    whole = rows
    if rows.context is not None:
        short = cut_contexts(rows.context, tokenizer, context_room(max_length, max_context))
        rows = replace(rows, context=short)
    _check_room(rows, tokenizer, max_length)
    ids, types, lengths, cut = [], [], [], []
    shown = progress("tokenising", len(rows)) if len(rows) >= SHOW_PROGRESS_FROM else nullcontext(lambda _: None)
    with shown as advance:
        for start in range(0, len(rows), CHUNK):
            check_memory("tokens", start)
            encodings = _encode(rows, slice(start, start + CHUNK), tokenizer, max_length)
            lengths += [len(encoding) for encoding in encodings]
            cut += [bool(encoding.overflowing) for encoding in encodings]
            ids.append(np.array([token for encoding in encodings for token in encoding.ids], dtype=np.int32))
            types.append(np.array([kind for encoding in encodings for kind in encoding.type_ids], dtype=np.int8))
            advance(len(encodings))
    empty = [row_id for row_id, length in zip(rows.ids, lengths, strict=True) if length == 0]
    if empty:
        raise UserError(f"text: {times(len(empty), 'row')} without a token: {examples(empty)}")
    arrays: Arrays = {
        "ids": np.concatenate(ids),
        "offsets": np.cumsum([0, *lengths], dtype=np.int64),
        "cut": np.array(cut),
        "context_cut": np.array([a != b for a, b in zip(whole.context or [], rows.context or [], strict=True)]),
    }
    with_types = "token_type_ids" in tokenizer.model_input_names
    return arrays | {"types": np.concatenate(types)} if with_types else arrays


def cut_contexts(contexts: Sequence[str], tokenizer: "PreTrainedTokenizerBase", room: int | None) -> list[str]:
    """The beginnings of the contexts that have ``room`` tokens; each different context is looked at once."""
    if room is None:
        return list(contexts)
    unique = list(dict.fromkeys(contexts))
    short: dict[str, str] = {}
    tokenizer.backend_tokenizer.no_truncation()
    for start in range(0, len(unique), CHUNK):
        chunk = unique[start : start + CHUNK]
        encoded = tokenizer(
            chunk, add_special_tokens=False, return_attention_mask=False, return_offsets_mapping=True, verbose=False
        )
        for context, spans in zip(chunk, encoded["offset_mapping"], strict=True):
            short[context] = context[: spans[room - 1][1]] if len(spans) > room else context
    return [short[context] for context in contexts]


def whole_lengths(rows: Rows, tokenizer: "PreTrainedTokenizerBase") -> Iterator[int]:
    """Tokens of each row as the model would read it if it read it whole."""
    tokenizer.backend_tokenizer.no_truncation()
    for start in range(0, len(rows), CHUNK):
        part = slice(start, start + CHUNK)
        texts = [rows.text[part]] if rows.context is None else [rows.context[part], rows.text[part]]
        encoded = tokenizer(*texts, truncation=False, return_attention_mask=False, verbose=False)
        yield from (len(ids) for ids in encoded["input_ids"])


def _encode(rows: Rows, part: slice, tokenizer: "PreTrainedTokenizerBase", max_length: int) -> "list[Encoding]":
    texts = [rows.text[part]] if rows.context is None else [rows.context[part], rows.text[part]]
    batch = tokenizer(
        *texts,
        truncation="only_first" if rows.context is None else "only_second",
        max_length=max_length,
        return_attention_mask=False,  # all there is to know is in the encodings
        return_token_type_ids=False,
    )
    return list(batch.encodings)


def _check_room(rows: Rows, tokenizer: "PreTrainedTokenizerBase", max_length: int) -> None:
    """Every row must keep at least one token of its text."""
    special = tokenizer.num_special_tokens_to_add(pair=rows.context is not None)
    if max_length <= special:
        raise UserError(
            f"batching.max_length: {max_length} leaves no room for text beside {times(special, 'special token')};"
            f" it must be at least {special + 1}"
        )
    if rows.context is None:
        return
    if special <= tokenizer.num_special_tokens_to_add(pair=False):
        raise UserError(
            "model.name: its tokenizer puts nothing between context and text, so that the model could not tell where "
            "the text begins; choose an encoder of another family, or data.context=null"
        )
    contexts = list(dict.fromkeys(rows.context))  # many rows share one: the comments under a post, say
    lengths = dict(zip(contexts, _plain_lengths(contexts, tokenizer), strict=True))
    needed = [lengths[context] + special + 1 for context in rows.context]
    crowded = [row_id for row_id, need in zip(rows.ids, needed, strict=True) if need > max_length]
    if crowded:
        raise UserError(
            f"batching.max_length: in {len(crowded)} of {times(len(rows), 'row')} the context alone "
            f"fills {max_length} tokens"
            f" and leaves no room for the text; it must be at least {max(needed)}: {examples(crowded)}"
        )


def _plain_lengths(texts: Sequence[str], tokenizer: "PreTrainedTokenizerBase") -> Iterator[int]:
    """Tokens of each text without special tokens and uncut."""
    for start in range(0, len(texts), CHUNK):
        chunk = list(texts[start : start + CHUNK])
        encoded = tokenizer(chunk, add_special_tokens=False, return_attention_mask=False, verbose=False)
        yield from (len(ids) for ids in encoded["input_ids"])
