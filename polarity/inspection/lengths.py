"""How long the rows are, and how many of them a model would cut."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from polarity.data.contexts import context_room, cut_contexts
from polarity.data.rows import Rows
from polarity.data.tokenising import CHUNK, check_texts, check_tokenizer
from polarity.inspection.pool import Pool
from polarity.inspection.result import Lengths, SplitLengths

BARS = 24


def lengths(pool: Pool, tokenizer: Any, name: str | None, max_length: int, max_context: float | None = None) -> Lengths:
    """Lengths in tokens as the model would read the rows if it read them whole; in characters without a tokenizer.

    :param tokenizer: of the model; None for none.
    :param name: of the model.
    :param max_context: share of ``max_length`` to which contexts are cut before; None: they are not.
    :raises UserError: a tokenizer that cannot be used, or texts that none takes.
    """
    short = np.zeros(len(pool), dtype=bool)
    if tokenizer is None:
        counted = np.fromiter(_characters(pool.rows), dtype=np.int64)
    else:
        check_tokenizer(tokenizer)
        check_texts(pool.rows)
        rows, contexts = pool.rows, pool.rows.context or []
        if contexts:
            rows = replace(rows, context=cut_contexts(contexts, tokenizer, context_room(max_length, max_context)))
            short = np.array([a != b for a, b in zip(contexts, rows.context or [], strict=True)])
        counted = np.fromiter(_tokens(rows, tokenizer), dtype=np.int64)
    edges = _edges(counted, max_length if tokenizer is not None else None)
    limit = max_length if tokenizer is not None else None
    splits = tuple(
        replace(_split(split, counted[inside], limit, edges), contexts_cut=int(short[inside].sum()))
        for split, inside in pool.by_split()
    )
    return Lengths("tokens" if limit else "characters", name if limit else None, limit, tuple(edges.tolist()), splits)


def _characters(rows: Rows) -> Iterator[int]:
    return (len(context) + len(text) for context, text in zip(rows.contexts, rows.text, strict=True))


def _tokens(rows: Rows, tokenizer: Any) -> Iterator[int]:
    tokenizer.backend_tokenizer.no_truncation()
    for start in range(0, len(rows), CHUNK):
        part = slice(start, start + CHUNK)
        texts = [rows.text[part]] if rows.context is None else [rows.context[part], rows.text[part]]
        encoded = tokenizer(*texts, truncation=False, return_attention_mask=False, verbose=False)
        yield from (len(ids) for ids in encoded["input_ids"])


def _edges(counted: np.ndarray, limit: int | None) -> np.ndarray:
    """Borders of about equally wide bars, one of which is right behind the longest row that is not cut.

    The last bar holds whatever is longer: one very long text would leave a single bar for all others.
    """
    typical = int(np.quantile(counted, 0.995)) if len(counted) else 1
    whole = limit or max(1, typical)
    bars = max(1, BARS * whole // max(typical, whole))
    edges = np.unique(np.linspace(0, whole, bars + 1).round().astype(np.int64)) + 1
    edges[0] = 0
    edges = np.concatenate([edges, np.arange(whole, typical, max(1, whole // bars))[1:] + 1])
    longest = int(counted.max(initial=0))
    return edges if longest < edges[-1] else np.append(edges, longest + 1)


def _split(name: str, counted: np.ndarray, limit: int | None, edges: np.ndarray) -> SplitLengths:
    cut = int((counted > limit).sum()) if limit is not None else None
    histogram = tuple(np.histogram(counted, bins=edges)[0].tolist())
    if not len(counted):
        return SplitLengths(name, 0, 0.0, 0.0, 0.0, 0, cut, histogram)
    mean, median, p95 = float(counted.mean()), float(np.median(counted)), float(np.quantile(counted, 0.95))
    return SplitLengths(name, len(counted), mean, median, p95, int(counted.max()), cut, histogram)
