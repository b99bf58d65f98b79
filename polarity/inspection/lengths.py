"""How long the rows are, and how many of them a model would cut."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Literal

import numpy as np

from polarity.data.reading import Reader
from polarity.data.rows import Rows
from polarity.inspection.pool import Pool
from polarity.inspection.result import Lengths, SplitLengths

BARS = 24


def lengths(
    pool: Pool,
    reader: Reader | None,
    model: str | None,
    max_length: int,
    max_context: float | None = None,
    *,
    limited: bool = True,
) -> Lengths:
    """Lengths in tokens as the model would read the rows if it read them whole; in characters without a model.

    :param reader: of the model; None for none.
    :param max_context: share of ``max_length`` to which contexts are cut before; None: they are not.
    :param limited: whether the model cuts long rows at all.
    :raises UserError: texts that the reader does not take.
    """
    if reader is None:
        counted, short = np.fromiter(_characters(pool.rows), dtype=np.int64), np.zeros(len(pool), dtype=bool)
    else:
        counted, short = reader.lengths(pool.rows, max_length, max_context)
    limit = max_length if reader is not None and limited else None
    edges = _edges(counted, limit)
    splits = tuple(
        replace(_split(split, counted[inside], limit, edges), contexts_cut=int(short[inside].sum()))
        for split, inside in pool.by_split()
    )
    unit: Literal["tokens", "characters"] = "characters" if reader is None else "tokens"
    return Lengths(unit, None if reader is None else model, limit, tuple(edges.tolist()), splits)


def _characters(rows: Rows) -> Iterator[int]:
    return (len(context) + len(text) for context, text in zip(rows.contexts, rows.text, strict=True))


def _edges(counted: np.ndarray, limit: int | None) -> np.ndarray:
    """Borders of bars, one of which is right behind the longest row that is not cut; at most ``BARS`` on each side.

    All are about equally wide where that makes few enough. The last one holds whatever is longer: one very long text
    would leave a single bar for all others.
    """
    typical = int(np.quantile(counted, 0.995)) if len(counted) else 1
    whole = limit or max(1, typical)
    bars = max(1, BARS * whole // max(typical, whole))
    edges = np.unique(np.linspace(0, whole, bars + 1).round().astype(np.int64)) + 1
    edges[0] = 0
    width = max(1, whole // bars, -(-(typical - whole) // BARS))
    edges = np.concatenate([edges, np.arange(whole, typical, width)[1:] + 1])
    longest = int(counted.max(initial=0))
    return edges if longest < edges[-1] else np.append(edges, longest + 1)


def _split(name: str, counted: np.ndarray, limit: int | None, edges: np.ndarray) -> SplitLengths:
    cut = int((counted > limit).sum()) if limit is not None else None
    histogram = tuple(np.histogram(counted, bins=edges)[0].tolist())
    if not len(counted):
        return SplitLengths(name, 0, 0.0, 0.0, 0.0, 0, cut, histogram)
    mean, median, p95 = float(counted.mean()), float(np.median(counted)), float(np.quantile(counted, 0.95))
    return SplitLengths(name, len(counted), mean, median, p95, int(counted.max()), cut, histogram)
