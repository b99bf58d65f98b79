"""Which texts are the same, or nearly so: groups that no split may cut through."""

import html
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from string import punctuation
from typing import Annotated

import numpy as np
from pydantic import Field
from rensa import RMinHash, RMinHashLSH

from polarity.settings import PositiveInt

Similarity = Annotated[float, Field(ge=0.5, le=1)]
"""A Jaccard similarity. Below 0.5 two texts of one topic are alike already, and nearly all pairs would be compared."""

_LINK = re.compile(r"https?://\S+|www\.\S+|\bhttps?\b")
_MENTION = re.compile(r"@\w+")
_PERMUTATIONS = 128
_COMPARED = 256  # candidates compared in one go: they need memory, and the first may make the others needless
_RAW = "\0"  # begins a text that has not been simplified; a simplified one has no such character
_MISSED = 1e-6  # a pair exactly at the threshold is overlooked with this probability at most; others with less


@dataclass(frozen=True, kw_only=True)
class NearDuplicates:
    """What counts as nearly the same text.

    Two texts are alike if they are equal without case, links, mentions and punctuation and whatever their digits are,
    or, if both have at least ``min_length`` characters then, if their sets of character n-grams overlap:
    ``|A & B| / |A | B| >= threshold``. Groups are the connected components of that relation. Two pairs of texts are
    alike if both their contexts and their texts are.

    :param threshold: least Jaccard similarity; 1 finds only equal sets of n-grams.
    :param shingle: characters of an n-gram.
    :param min_length: shorter texts have too few n-grams to compare, and must be equal.
    """

    threshold: Similarity = 0.8
    shingle: PositiveInt = 5
    min_length: PositiveInt = 25

    def groups(self, text: Sequence[str], context: Sequence[str] | None = None) -> np.ndarray:
        """Group number of each text, or of each pair of texts, int64 ``[texts]``."""
        numbers = self._groups(text)
        if context is None:
            return numbers
        # Were both joined to one text, all short comments under one long title would be alike.
        return _numbered(self._groups(context) * len(numbers) + numbers)

    def _groups(self, texts: Sequence[str]) -> np.ndarray:
        return duplicate_groups(texts, threshold=self.threshold, shingle=self.shingle, min_length=self.min_length)


def duplicate_groups(
    texts: Sequence[str], *, threshold: float = 0.8, shingle: int = 5, min_length: int = 25
) -> np.ndarray:
    """Group number of each text, int64 ``[texts]``; see :class:`NearDuplicates`.

    Candidates come from MinHash (Broder, 1997) with locality-sensitive hashing; each is then compared exactly, so that
    the groups do not depend on the order of the texts or on hash values.
    """
    group_of = _groups_by_text(frozenset(texts), threshold, shingle, min_length)
    return _numbered(np.array([group_of[text] for text in texts], dtype=np.int64))


@lru_cache(maxsize=2)  # the check after a split asks about the same texts, in another order
def _groups_by_text(texts: frozenset[str], threshold: float, shingle: int, min_length: int) -> dict[str, int]:
    form_of = {text: comparable(text) for text in sorted(texts)}
    number = {form: place for place, form in enumerate(dict.fromkeys(form_of.values()))}
    long = [form for form in number if len(form) >= min_length and not form.startswith(_RAW)]
    group = dict(number)
    for form, first in zip(long, _similar(long, threshold, shingle).tolist(), strict=True):
        group[form] = number[long[first]]
    return {text: group[form] for text, form in form_of.items()}


def comparable(text: str) -> str:
    """The text without what does not tell two texts apart; a text of which nothing is left stands for itself."""
    form = unicodedata.normalize("NFKC", html.unescape(text)).casefold()
    form = _LINK.sub(" ", form)
    form = _MENTION.sub(" ", form)
    form = " ".join(form.translate(_PLAIN).split())
    return form if form.strip("0 ") else _RAW + " ".join(text.split())


class _Plain(dict[int, str]):
    """Table for ``str.translate``, filled as characters occur: no punctuation, one digit; emoji and letters stay."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        category = unicodedata.category(character)
        if category == "Cf":
            plain = ""  # joiners and marks of direction, which nobody sees
        elif category[0] in "PCZ" or character in punctuation:
            plain = " "
        else:
            plain = "0" if category[0] == "N" else character
        self[code] = plain
        return plain


_PLAIN = _Plain()


def _similar(forms: Sequence[str], threshold: float, shingle: int) -> np.ndarray:
    """For each form the number of a form that stands for its component."""

    @lru_cache(maxsize=1 << 14)
    def hashes(number: int) -> np.ndarray:
        return np.unique(np.array(RMinHash.hash_token_sets([_shingles(forms[number], shingle)])[0], dtype=np.uint64))

    component = np.arange(len(forms))
    index = RMinHashLSH(threshold, _PERMUTATIONS, _bands(threshold))
    sketches = RMinHash.from_token_sets((_shingles(form, shingle) for form in forms), _PERMUTATIONS, seed=0)
    for number, sketch in enumerate(sketches):
        found = np.array(index.query(sketch), dtype=np.int64)
        index.insert(number, sketch)
        while len(found := found[component[found] != component[number]]):
            compared, found = found[:_COMPARED], found[_COMPARED:]
            similar = _jaccard(hashes(number), [hashes(other) for other in compared.tolist()]) >= threshold
            if similar.any():
                component[np.isin(component, component[compared[similar]])] = component[number]
    return component


def _shingles(form: str, size: int) -> list[str]:
    return [form[start : start + size] for start in range(max(1, len(form) - size + 1))]


def _jaccard(one: np.ndarray, others: Sequence[np.ndarray]) -> np.ndarray:
    """Similarity of a set to each of the others; sets are sorted arrays."""
    sizes = np.array([len(other) for other in others])
    joined = np.concatenate(others)
    place = np.minimum(np.searchsorted(one, joined), len(one) - 1)
    common = np.add.reduceat(one[place] == joined, np.cumsum(sizes) - sizes, dtype=np.int64)
    similarity: np.ndarray = common / (len(one) + sizes - common)
    return similarity


def _bands(threshold: float) -> int:
    """Fewest bands that find a pair at the threshold: it shares a band of r values with probability threshold^r."""
    missed = {bands: (1 - threshold ** (_PERMUTATIONS // bands)) ** bands for bands in (8, 16, 32, 64, _PERMUTATIONS)}
    return next(bands for bands, probability in missed.items() if probability <= _MISSED)


def _numbered(groups: np.ndarray) -> np.ndarray:
    """The same groups, numbered from 0 in the order of their first members."""
    _, first, inverse = np.unique(groups, return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    return rank[inverse]
