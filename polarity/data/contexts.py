"""Contexts that leave room for the text: of a pair, the context is cut to its share, and the text gets the rest."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from polarity.data.rows import Splits

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

CHUNK = 2_000


def without_context(splits: Splits, overrides: Sequence[str]) -> list[str]:
    """A problem where a command line asks for a share of contexts that the data do not have."""
    asked = any(text.lstrip("+").startswith("batching.max_context=") for text in overrides)
    if not asked or any(rows.context is not None for _, rows in splits.items()):
        return []
    return ["batching.max_context: has no effect, since the data have no context; leave it out, or name data.context"]


def context_room(max_length: int, share: float | None) -> int | None:
    """Most tokens of a context, at least one; None: as many as it has."""
    return None if share is None else max(1, int(max_length * share))


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
