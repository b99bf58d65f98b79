"""Texts are read once where all of them can be read."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from polarity.data.reading import Inputs, Reader
from polarity.data.rows import Rows
from polarity.errors import UserError
from polarity.evaluation.inference import collect
from polarity.posthoc import Decider
from polarity.prediction.predictor import Predictor


class Letters(Inputs):
    """The lengths of texts."""

    def batch(self, rows: np.ndarray) -> dict[str, Tensor]:
        return {"lengths": torch.from_numpy(self.lengths[rows])}


class Counting(Reader):
    """Refuses texts that begin with "?", and counts the texts that it reads."""

    def __init__(self) -> None:
        self.read = 0

    def inputs(
        self, rows: Rows, max_length: int, max_context: float | None = None, cache: Path | None = None
    ) -> Letters:
        self.read += len(rows)
        broken = [row_id for row_id, text in zip(rows.ids, rows.text, strict=True) if text.startswith("?")]
        if broken:
            raise UserError(f"text: a question: ids {', '.join(broken)}")
        return Letters(np.array([len(text) for text in rows.text], dtype=np.int32))


class Echo(Predictor):
    """Answers with the lengths."""

    def _ask(self, inputs: Inputs, total: int) -> list[np.ndarray]:
        return collect([torch.arange(total)], [[torch.from_numpy(inputs.lengths)[:, None]]], total)


def echo() -> tuple[Echo, Counting]:
    reader, unused = Counting(), Decider.plain({})
    nothing: Any = None
    device = torch.device("cpu")
    made = Echo(
        nothing, reader, unused, max_length=9, max_context=None, batch_size=2, device=device, precision="32-true"
    )
    return made, reader


def test_texts_are_read_once() -> None:
    predictor, reader = echo()
    logits, good, problems = predictor.logits(Rows.unlabelled(["a", "bb", "ccc"]))
    assert (logits[0].ravel().tolist(), good.tolist(), problems) == ([1, 2, 3], [0, 1, 2], {})
    assert reader.read == 3


def test_those_that_cannot_be_read_change_nothing_for_the_others() -> None:
    predictor, _ = echo()
    logits, good, problems = predictor.logits(Rows.unlabelled(["a", "?", "ccc", "?!"]))
    assert (logits[0].ravel().tolist(), good.tolist()) == ([1, 3], [0, 2])
    assert problems == {1: "text: a question", 3: "text: a question"}
