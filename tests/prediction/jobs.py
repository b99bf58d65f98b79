"""Prediction jobs without a model, and readers that share no code with those under test."""

import csv
import gzip
import json
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from polarity.config.verb import read_settings
from polarity.data.rows import Rows
from polarity.posthoc import Decider
from polarity.prediction.columns import AddedColumns
from polarity.prediction.job import PredictionJob, PredictionOutcome
from polarity.prediction.streams import Input, Output, format_of
from polarity.run import RunDirectory
from polarity.tables.dialect import Dialect
from polarity.tasks import Task
from polarity.verbs.predict import predict as predict_verb

TASKS = (Task("tone", ("none", "yes", "no"), "tone"), Task("topic", ("1", "2"), "topic"))
FORMATS = ("csv", "tsv", "jsonl", "parquet", "csv.gz", "jsonl.gz")


class Lengths:
    """Says something that depends on the text alone; texts that begin with "?" cannot be used."""

    def __init__(self) -> None:
        self.sizes: list[int] = []

    def refused(self, rows: Rows) -> dict[int, str]:
        return {}

    def logits(self, rows: Rows) -> tuple[list[np.ndarray], np.ndarray, dict[int, str]]:
        texts = rows.text
        self.sizes.append(len(texts))
        problems = {row: "is a question" for row, text in enumerate(texts) if text.startswith("?")}
        good = np.array([row for row in range(len(texts)) if row not in problems], dtype=np.int64)
        sizes = np.array([len(texts[row]) for row in good], dtype=float)
        return (
            [np.stack([np.sin(sizes + c) for c in range(len(task.classes))], axis=1) for task in TASKS],
            good,
            problems,
        )


def added_columns(**settings: Any) -> AddedColumns:
    plain = Decider.plain({task.name: task.classes for task in TASKS})
    return AddedColumns(TASKS, plain, **settings)


def job(
    source: Path | str, output: Path | str, *, keep: bool = False, chunk_rows: int = 3, **settings: Any
) -> PredictionJob:
    read, written = Input(str(source)), Output(str(output), overwrite=False)
    problems: list[str] = []
    kinds = [
        format_of("input", read.path, settings.pop("input_format", None), problems),
        format_of("output", written.path, settings.pop("output_format", None), problems),
    ]
    assert problems == []
    dialect, text, context = (
        Dialect(**settings.pop("dialect", {}), setting=""),
        settings.pop("text", "text"),
        settings.pop("context", None),
    )
    assert not settings
    return PredictionJob(read, kinds[0], written, kinds[1], dialect, text, context, keep, chunk_rows)  # type: ignore[arg-type]


def predict(made: PredictionJob, classifier: Any = None, **settings: Any) -> PredictionOutcome:
    """Do a job from its survey to its end."""
    added = added_columns(**({"error_column": "error"} if made.keep else {}), **settings)
    classifier = classifier or Lengths()
    _, keys = made.survey(classifier, added)
    return made.run(classifier, added, keys, lambda _: None)


def opened(path: Path, mode: Literal["rt", "wt"]) -> IO[str]:
    """A text file, compressed or not; its ends of lines stay as they are."""
    if path.suffix == ".gz":
        return gzip.open(path, mode, encoding="utf-8", newline="")
    return path.open(mode, encoding="utf-8", newline="")


def do(run: RunDirectory, source: Path | str, output: Path | str, *more: str) -> PredictionOutcome:
    """What the verb does with a finished run."""
    arguments = [f"run={run.path}", f"input={source}", f"output={output}", "accelerator=cpu", *more]
    settings = read_settings("predict", arguments)
    assert settings is not None
    return predict_verb(settings)


def corpus(run: RunDirectory) -> Path:
    """The file that a run was trained on."""
    return Path(run.config["data"]["path"])


def write(path: Path, rows: Sequence[dict[str, Any]]) -> Path:
    """A file of texts in the format of its ending."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    if path.name.endswith("parquet"):
        pq.write_table(pa.table({name: [row.get(name) for row in rows] for name in names}), path)
        return path
    with opened(path, "wt") as file:
        if "jsonl" in path.name:
            file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        else:
            writer = csv.writer(file, delimiter="\t" if ".tsv" in path.name else ",")
            writer.writerow(names)
            writer.writerows([row[name] for name in names] for row in rows)
    return path


def read(path: Path) -> list[dict[str, Any]]:
    """The rows of a file; in CSV all of them texts."""
    if path.name.endswith("parquet"):
        rows: list[dict[str, Any]] = pq.read_table(path).to_pylist()
        return rows
    with opened(path, "rt") as file:
        if "jsonl" in path.name:
            return [json.loads(line) for line in file.read().split("\n") if line]
        return list(csv.DictReader(file, delimiter="\t" if ".tsv" in path.name else ","))
