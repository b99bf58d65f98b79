"""MinHash with locality-sensitive hashing: which sets of character n-grams are worth comparing, without all pairs.

Broder, On the Resemblance and Containment of Documents, 1997; Indyk and Motwani, Approximate Nearest Neighbors, STOC
1998. Two sets of similarity s have the same smallest element under a random order with probability s. A band is the
smallest elements under ``rows`` orders; sets that agree in any of ``bands`` bands are candidates.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

_MISSED = 1e-6
"""A pair exactly at the threshold is overlooked with this probability at most; others with less."""
_BY_CHANCE = 0.05
"""Similarity of two short texts that have nothing to do with each other."""
_COMPARISON = 200.0
"""What comparing a pair costs, in smallest elements under one order."""
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
_TOGETHER = 500
"""Texts hashed at once: so many fit into the processor's cache."""


@dataclass(frozen=True)
class Bands:
    """How sets become candidates."""

    bands: int
    rows: int

    def multipliers(self) -> np.ndarray:
        """The random orders: odd factors, uint32 ``[bands, rows]``; always the same."""
        drawn = np.random.default_rng(0).integers(0, 2**32, (self.bands, self.rows), dtype=np.uint32)
        return np.asarray(drawn | np.uint32(1))


@lru_cache
def bands_for(threshold: float, texts: int) -> Bands:
    """The cheapest bands that overlook hardly any pair: more rows a band, the more texts there are.

    With t the threshold and c what two texts share by chance, b bands of r rows cost ``b r`` orders for each text, and
    ``n b c^r`` comparisons; b is the least with ``(1 - t^r)^b <= 1e-6``.
    """

    def cost(of: Bands) -> float:
        return of.bands * (of.rows + _COMPARISON * texts * _BY_CHANCE**of.rows)

    return min((Bands(_fewest(threshold, rows), rows) for rows in range(2, 17)), key=cost)


def _fewest(threshold: float, rows: int) -> int:
    share = threshold**rows
    return 1 if share == 1 else int(np.ceil(np.log(_MISSED) / np.log1p(-share)))


def shingle_hashes(forms: Sequence[str], size: int) -> tuple[np.ndarray, np.ndarray]:
    """Hashes of the character n-grams of texts, uint64 ``[n-grams]``, and where each text begins among them.

    :param forms: each of at least ``size`` characters.
    """
    lengths = np.fromiter(map(len, forms), dtype=np.int64, count=len(forms))
    codes = np.frombuffer("".join(forms).encode("utf-32-le", "surrogatepass"), dtype="<u4").astype(np.uint64)
    windows = len(codes) - size + 1
    hashes = np.zeros(windows, dtype=np.uint64)
    for place in range(size):
        hashes *= _MULTIPLIER
        hashes += codes[place : place + windows]
    hashes ^= hashes >> np.uint64(32)
    hashes *= _MULTIPLIER
    hashes ^= hashes >> np.uint64(29)
    hashes *= _MULTIPLIER
    ends = np.cumsum(lengths)
    whole = np.ones(windows, dtype=bool)
    for back in range(1, size):  # an n-gram does not reach into the next text
        whole[ends[:-1] - back] = False
    counts = lengths - size + 1
    return hashes[whole], np.cumsum(counts) - counts


def band_keys(hashes: np.ndarray, starts: np.ndarray, multipliers: np.ndarray) -> np.ndarray:
    """What each text has in each band, uint32 ``[bands, texts]``: equal where all smallest elements are."""
    short = (hashes >> np.uint64(32)).astype(np.uint32)
    ordered = np.empty_like(short)
    smallest = np.empty(len(starts), dtype=np.uint32)
    keys = np.zeros((len(multipliers), len(starts)), dtype=np.uint64)
    for number, band in enumerate(multipliers):
        for multiplier in band:
            np.multiply(short, multiplier, out=ordered)
            np.minimum.reduceat(ordered, starts, out=smallest)
            keys[number] = (keys[number] + smallest) * _MULTIPLIER
            keys[number] ^= keys[number] >> np.uint64(31)
    return (keys >> np.uint64(32)).astype(np.uint32)


def parts(total: int) -> Iterator[slice]:
    """Ranges in which texts are best hashed."""
    return (slice(start, start + _TOGETHER) for start in range(0, total, _TOGETHER))
