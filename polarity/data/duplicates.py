"""Which texts are the same, or nearly so: groups that no split may cut through."""

import html
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import compress
from string import punctuation
from typing import Annotated

import numpy as np
from pydantic import Field

from polarity.data.components import ConnectedComponents
from polarity.data.memory import check_memory
from polarity.data.minhash import band_keys, bands_for, parts, shingle_hashes
from polarity.progress import progress
from polarity.settings import PositiveInt

Similarity = Annotated[float, Field(ge=0.5, le=1)]
"""A Jaccard similarity. Below 0.5 two texts of one topic are alike already, and nearly all pairs would be compared."""

_LINK = re.compile(r"https?://\S+|www\.\S+|\bhttps?\b")
_MENTION = re.compile(r"@\w+")
_AT_ONCE = 64  # bands: their keys need memory
_PARTS = 20  # between two looks whether there is memory left
_COMPARED = 256  # candidates compared in one go: they need memory, and the first may make the others needless
_RAW = "\0"  # begins a text that has not been simplified; a simplified one has no such character


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
        return numbered(self._groups(context) * len(numbers) + numbers)

    def _groups(self, texts: Sequence[str]) -> np.ndarray:
        return duplicate_groups(texts, threshold=self.threshold, shingle=self.shingle, min_length=self.min_length)


def duplicate_groups(
    texts: Sequence[str], *, threshold: float = 0.8, shingle: int = 5, min_length: int = 25
) -> np.ndarray:
    """Group number of each text, int64 ``[texts]``; see :class:`NearDuplicates`.

    Candidates come from MinHash with locality-sensitive hashing (:mod:`polarity.data.minhash`); each is then compared
    exactly, so that the groups do not depend on the order of the texts or on hash values.

    Beside the texts this needs some 300 bytes for each at the usual threshold, and time that grows a little faster than
    their number, the more rows a band needs.
    """
    marks = np.fromiter(map(hash, texts), dtype=np.int64, count=len(texts))
    unique, first = np.unique(marks, return_index=True)
    key = (hash(unique.tobytes()), threshold, shingle, min_length)
    if key not in _KNOWN:
        while len(_KNOWN) >= _REMEMBERED:
            _KNOWN.pop(next(iter(_KNOWN)))
        order = np.argsort(first)
        found = _Search([texts[place] for place in first[order].tolist()], threshold, shingle, min_length).groups()
        groups = np.empty_like(found)
        groups[order] = found
        _KNOWN[key] = unique, groups
    unique, groups = _KNOWN[key]
    return numbered(groups[np.searchsorted(unique, marks)])


_REMEMBERED = 2
_KNOWN: dict[tuple[int, float, int, int], tuple[np.ndarray, np.ndarray]] = {}
"""Marks and groups of texts; the check after a split asks about the same ones, in another order.

Marks are what ``hash`` says in this process, 64 bits: in ten million texts two share one with a probability of 3e-6.
"""


class _Search:
    """Looks for groups among different texts."""

    def __init__(self, texts: Sequence[str], threshold: float, shingle: int, min_length: int) -> None:
        self.texts, self.threshold, self.shingle = texts, threshold, shingle
        self.shortest = max(min_length, shingle)  # two that are shorter than an n-gram have one each: themselves
        self.forms = np.empty(len(texts), dtype=np.int64)
        self.long = np.empty(len(texts), dtype=bool)
        self.components = ConnectedComponents(len(texts))
        self._shingles = lru_cache(maxsize=1 << 12)(self._shingles_of)  # of several megabytes

    def groups(self) -> np.ndarray:
        """Group number of each text, int64 ``[texts]``."""
        multipliers = bands_for(self.threshold, len(self.texts)).multipliers()
        for first in range(0, len(multipliers), _AT_ONCE):
            keys = self._keys(multipliers[first : first + _AT_ONCE])
            if first == 0:
                _, place, same = np.unique(self.forms, return_index=True, return_inverse=True)
                self.compared = place[self.long[place]]
            with progress("near-duplicates: comparing", len(keys), "band") as advance:
                for key in keys:
                    self._link(key)
                    advance(1)
        return self.components.of(place[same])

    def _keys(self, multipliers: np.ndarray) -> np.ndarray:
        """Keys of some bands, uint32 ``[bands, texts]``; those of short texts say nothing."""
        keys = np.empty((len(multipliers), len(self.texts)), dtype=np.uint32)
        with progress("near-duplicates: reading", len(self.texts), "text") as advance:
            for number, part in enumerate(parts(len(self.texts))):
                if number % _PARTS == 0:
                    check_memory("near-duplicates", part.start)
                forms = [comparable(text) for text in self.texts[part]]
                self.forms[part] = [hash(form) for form in forms]
                long = [len(form) >= self.shortest and not form.startswith(_RAW) for form in forms]
                self.long[part] = long
                if any(long):
                    hashes, starts = shingle_hashes(list(compress(forms, long)), self.shingle)
                    keys[:, part][:, long] = band_keys(hashes, starts, multipliers)
                advance(len(forms))
        return keys

    def _link(self, key: np.ndarray) -> None:
        """Compare all texts that are alike in one band."""
        if not len(self.compared):
            return
        members = self.compared[np.argsort(key[self.compared])]
        keys = key[members]
        begins = np.flatnonzero(np.append([True], keys[1:] != keys[:-1]))
        ends = np.append(begins[1:], len(members))
        roots = self.components.of(members)
        apart = np.flatnonzero(np.minimum.reduceat(roots, begins) != np.maximum.reduceat(roots, begins))
        for begin, end in zip(begins[apart].tolist(), ends[apart].tolist(), strict=True):
            self._compare(members[begin:end])

    def _compare(self, members: np.ndarray) -> None:
        """Join the components of all that are similar; what is in one component already needs no comparison.

        Members outside of the largest component are compared with those of all others, so that many copies of one form
        letter are compared with the first of them alone.
        """
        waiting = np.ones(len(members), dtype=bool)
        while True:
            _, places, counts = np.unique(self.components.of(members), return_inverse=True, return_counts=True)
            outside = np.flatnonzero(waiting & (places != counts.argmax()))
            if not len(outside):
                return
            one = outside[0]
            waiting[one] = False
            others = members[waiting & (places != places[one])]
            while len(others):
                compared, others = others[:_COMPARED], others[_COMPARED:]
                self._join(members[one], compared)
                others = others[self.components.of(others) != self.components.of(members[[one]])]

    def _join(self, one: int, others: np.ndarray) -> None:
        """Join one with those of the others that are similar: ``|A & B| / |A | B|`` is compared exactly."""
        own = self._shingles(one)
        for other in others.tolist():
            its = self._shingles(other)
            common = len(own & its)
            if common / (len(own) + len(its) - common) >= self.threshold:
                self.components.join(np.array([one, other]))

    def _shingles_of(self, number: int) -> frozenset[str]:
        form = comparable(self.texts[number])
        return frozenset(form[at : at + self.shingle] for at in range(len(form) - self.shingle + 1))


def comparable(text: str) -> str:
    """The text without what does not tell two texts apart; a text of which nothing is left stands for itself."""
    form = unicodedata.normalize("NFKC", html.unescape(text)).casefold()
    if "http" in form or "www." in form:
        form = _LINK.sub(" ", form)
    if "@" in form:
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


def numbered(groups: np.ndarray) -> np.ndarray:
    """The same groups, numbered from 0 in the order of their first members."""
    _, first, inverse = np.unique(groups, return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    return rank[inverse]
