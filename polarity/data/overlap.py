"""Which rows share a text, exactly or nearly: what the check for leakage, evaluation and inspection all ask."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from polarity.data.duplicates import NearDuplicates, numbered
from polarity.data.rows import Rows


@dataclass(frozen=True)
class TextIndex:
    """The texts of several splits, one after the other; all arrays int64 ``[rows]``.

    :param split: number of the split of each row.
    :param text: number of its exact text, apart from white space; of pairs, of both texts.
    :param group: number of its group of nearly the same texts.
    """

    split: np.ndarray
    text: np.ndarray
    group: np.ndarray

    @classmethod
    def over(cls, splits: Sequence[Rows], near_duplicates: NearDuplicates) -> "TextIndex":
        """Look which texts are the same.

        :param near_duplicates: what counts as nearly the same.
        """
        texts = [text for rows in splits for text in rows.text]
        contexts = [context for rows in splits for context in rows.contexts]
        pairs = zip(contexts, texts, strict=True)
        marks = (hash((" ".join(context.split()), " ".join(text.split()))) for context, text in pairs)
        return TextIndex(
            np.repeat(np.arange(len(splits)), [len(rows) for rows in splits]),
            numbered(np.fromiter(marks, dtype=np.int64, count=len(texts))),  # as of `duplicate_groups`
            near_duplicates.groups(texts, contexts if any(contexts) else None),
        )

    def __len__(self) -> int:
        return len(self.split)

    def counterparts(self, rows: np.ndarray, others: np.ndarray, *, near: bool) -> np.ndarray:
        """Which of ``rows`` have the same text as one of ``others``, bool ``[rows]``; a row is not its own counterpart.

        :param rows: row numbers, as ``others``.
        :param near: look for texts that are nearly the same, and not the same.
        """
        times = np.bincount(self.text[others], minlength=self.text.max(initial=0) + 1)[self.text[rows]]
        if not near:
            among = np.zeros(len(self), dtype=bool)
            among[others] = True
            return np.asarray(times > among[rows])
        _, first = np.unique(self.text[others], return_index=True)
        texts = np.bincount(self.group[others[first]], minlength=self.group.max(initial=0) + 1)[self.group[rows]]
        return np.asarray(texts > (times > 0))
