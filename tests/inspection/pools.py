"""Pools of generated rows with copies, missing labels and metadata."""

from random import Random

import numpy as np

from polarity.data.duplicates import NearDuplicates
from polarity.data.rows import Rows, Splits
from polarity.inspection.pool import Pool
from polarity.tasks import IGNORE_INDEX, Task

TASKS = (Task("tone", ("bad", "good", "odd"), "tone"), Task("topic", ("war", "food"), "topic"))
NAMES = ("train", "val", "test")


def rows(seed: int, count: int, *, pair: bool = False) -> Rows:
    generator = Random(seed)
    texts, contexts = [], []
    for _ in range(count):
        number = generator.randrange(2 * count + 1)
        text = f"{'abcdefghijklmnop'[number % 16] * 3} the committee has approved plan {chr(65 + number % 26)} today"
        texts.append(generator.choice([text, text, f"{text} ", f"{text}!!", text.upper()]))
        contexts.append(generator.choice(["First title", "Second one", ""]))
    labels = np.array(
        [[generator.choice([0, 1, 2, IGNORE_INDEX]), generator.choice([0, 1, IGNORE_INDEX])] for _ in range(count)],
        dtype=np.int64,
    ).reshape(count, 2)
    metadata = {"post": [f"p{generator.randrange(max(1, count // 2))}" for _ in range(count)]}
    metadata["Lang"] = [generator.choice(["de", "fr", ""]) for _ in range(count)]
    return Rows([f"{seed}-{n}" for n in range(count)], texts, contexts if pair else None, labels, metadata)


def pool(seed: int = 0, count: int = 30, *, pair: bool = False, test: bool = True, show_texts: bool = True) -> Pool:
    parts = [rows(10 * seed + place, count, pair=pair) for place in range(3)]
    splits = Splits(TASKS, parts[0], parts[1], parts[2] if test else None)
    return Pool.of(splits, NearDuplicates(), show_texts=show_texts)
