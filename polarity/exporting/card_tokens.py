"""What the program in a model card reads: tokens of the exported files, by the package ``tokenizers`` alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

from polarity.data.rows import Rows
from polarity.exporting.folder import ABOUT
from polarity.files import read_object

TOKENIZER = "tokenizer.json"
CHUNK = 2_000


@dataclass(frozen=True)
class CardTokens:
    """Rows as the card's program reads them, which knows nothing of the run but its exported folder.

    :param ids: of the tokens of each row, without padding; ``types`` are their segments.
    :param pad: by input of the graph, what a shorter row is filled up with.
    """

    ids: list[np.ndarray]
    types: list[np.ndarray]
    pad: dict[str, int]

    @classmethod
    def read(cls, folder: Path, rows: Rows) -> Self:
        """The same lines as in ``card.md.jinja``."""
        from tokenizers import Tokenizer

        about = read_object(folder / ABOUT)
        tokenizer, plain = (Tokenizer.from_file(str(folder / TOKENIZER)) for _ in range(2))
        for one in (tokenizer, plain):
            one.encode_special_tokens = about["split_special_tokens"]
            one.no_padding()
        strategy = "only_second" if about["pairs"] else "only_first"
        tokenizer.enable_truncation(about["max_length"], strategy=strategy, direction=about["truncation_side"])
        plain.no_truncation()
        room, contexts = about["max_context"], rows.context or []

        def shortened(context: str) -> str:
            spans = plain.encode(context, add_special_tokens=False).offsets
            return context[: spans[room - 1][1]] if len(spans) > room else context

        first = contexts if room is None else [shortened(context) for context in contexts]
        read = list(zip(first, rows.text, strict=True)) if about["pairs"] else rows.text
        pad = {"input_ids": about["pad_id"], "attention_mask": 0, "token_type_ids": about["pad_type_id"]}
        ids, types = list[np.ndarray](), list[np.ndarray]()
        for start in range(0, len(read), CHUNK):  # what the package makes of a text takes a hundred times its tokens
            for row in tokenizer.encode_batch(read[start : start + CHUNK]):
                ids.append(np.array(row.ids, dtype=np.int64))
                types.append(np.array(row.type_ids, dtype=np.int64))
        return cls(ids, types, pad)

    @property
    def lengths(self) -> np.ndarray:
        """Tokens of each row."""
        return np.array([len(row) for row in self.ids])

    def batch(self, rows: np.ndarray, names: Sequence[str]) -> dict[str, np.ndarray]:
        """Inputs of the graph, int64 ``[B, L]`` by name."""
        longest = int(self.lengths[rows].max())
        filled = {name: np.full((len(rows), longest), self.pad[name]) for name in names}
        for place, row in enumerate(rows):
            length = len(self.ids[row])
            own = {"input_ids": self.ids[row], "token_type_ids": self.types[row], "attention_mask": 1}
            for name, whole in filled.items():
                whole[place, :length] = own[name]
        return filled
