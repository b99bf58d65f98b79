"""What the program in a model card reads: tokens of the exported files, by the package ``tokenizers`` alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np

from polarity.data.rows import Rows
from polarity.exporting.folder import ABOUT
from polarity.files import read_object

if TYPE_CHECKING:
    from tokenizers import Encoding

TOKENIZER = "tokenizer.json"


@dataclass(frozen=True)
class CardTokens:
    """Rows as the card's program reads them, which knows nothing of the run but its exported folder.

    :param encodings: one a row, without padding.
    :param pad: by input of the graph, what a shorter row is filled up with.
    """

    encodings: "Sequence[Encoding]"
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
        return cls(tokenizer.encode_batch(read), pad)

    @property
    def lengths(self) -> np.ndarray:
        """Tokens of each row."""
        return np.array([len(one) for one in self.encodings])

    def batch(self, rows: np.ndarray, names: Sequence[str]) -> dict[str, np.ndarray]:
        """Inputs of the graph, int64 ``[B, L]`` by name."""
        chosen = [self.encodings[row] for row in rows]
        own = {"input_ids": "ids", "attention_mask": "attention_mask", "token_type_ids": "type_ids"}
        longest = max(len(one) for one in chosen)
        return {
            name: np.array([
                [*getattr(one, own[name]), *[self.pad[name]] * (longest - len(one))] for one in chosen
            ], dtype=np.int64)
            for name in names
        }  # fmt: skip
