"""One file predicted: looked through where that is possible, then classified part by part."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import pyarrow as pa

from polarity.data.rows import Rows
from polarity.errors import UserError
from polarity.prediction.checks import checked_rows
from polarity.prediction.columns import AddedColumns, column_problems
from polarity.prediction.streams import Input, Output
from polarity.tables.chunk import Chunk
from polarity.tables.dialect import Dialect
from polarity.tables.formats import Format, open_reader, open_writer
from polarity.tables.problems import Problems, Refusal
from polarity.tables.reader import TableReader

MOST_KINDS = 20
"""When so many different things are wrong with an input, the rest of it is no longer looked at."""


class Classifier(Protocol):
    """What says something about texts."""

    def refused(self, rows: Rows) -> dict[int, str]:
        """As :meth:`polarity.prediction.predictor.Predictor.refused`."""
        ...

    def logits(self, rows: Rows) -> tuple[list[np.ndarray], np.ndarray, dict[int, str]]:
        """As :meth:`polarity.prediction.predictor.Predictor.logits`."""
        ...


@dataclass
class PredictionOutcome:
    """What a job did.

    :param broken: rows that could not be classified.
    :param abstained: by task, rows that the model abstained from.
    :param seconds: spent reading, classifying and writing; not loading the model.
    :param notes: what to tell of the input.
    """

    rows: int = 0
    broken: int = 0
    abstained: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    notes: list[str] = field(default_factory=list)

    @property
    def rows_per_second(self) -> float:
        """Speed over the whole job."""
        return self.rows / max(self.seconds, 1e-9)


@dataclass(frozen=True)
class PredictionJob:
    """What is read, and where it goes.

    :param text: column of the text.
    :param context: column of the first text of a pair; None for single texts.
    :param keep: whether a broken row is kept with a message; else the job stops.
    :param chunk_rows: rows held at once.
    :param metadata: further columns that are read.
    :param spreadsheet: whether text cells of CSV and TSV are kept from being read as formulas.
    """

    source: Input
    source_format: Format
    output: Output
    output_format: Format
    dialect: Dialect
    text: str
    context: str | None
    keep: bool
    chunk_rows: int
    spreadsheet: bool = False
    metadata: tuple[str, ...] = ()

    def survey(self, classifier: Classifier, added: AddedColumns) -> tuple[int | None, list[str] | None]:
        """Look through an input that can be read twice: its number of rows (None if it cannot) and its keys.

        Pipes are copied to a temporary file where the format asks for it.

        :raises UserError: with everything that is wrong with its columns and, unless broken rows are kept, its rows.
        """
        wants_keys = self.source_format == "jsonl" and self.output_format != "jsonl"
        if self.source_format == "parquet" or wants_keys:
            self.source.spool()
        if not self.source.rereadable:
            return None, None
        rows, problems = 0, Problems()
        with self._open(None) as source:
            self._check_columns(source, added)
            for chunk in self._chunks(source):
                rows += len(chunk)
                if not self.keep and len(problems) < MOST_KINDS:
                    self._note(chunk, self._refusals(chunk, classifier), problems)
            keys = source.columns if self.source_format == "jsonl" else None
        if keys is not None:
            problems.extend(self._key_problems(keys, added) if rows else [])
        if problems:
            raise UserError(problems.lines())
        return rows, keys

    def run(
        self, classifier: Classifier, added: AddedColumns, keys: list[str] | None, advance: Callable[[int], None]
    ) -> PredictionOutcome:
        """Classify all rows and write them.

        :param keys: from :meth:`survey`.
        :param advance: called with the number of rows that were written.
        :raises UserError: if the input breaks off, or a row is broken and shall not be kept; then nothing is written.
        """
        outcome, started = PredictionOutcome(), time.monotonic()
        with self._open(keys) as source:
            self._check_columns(source, added)
            delimiter = self.dialect.delimiter if self.source_format == self.output_format else None
            with (
                self.output.open(whole=self.output_format == "parquet") as stream,
                open_writer(
                    stream, self.output_format, source.fields, added.fields, delimiter, spreadsheet=self.spreadsheet
                ) as writer,
            ):
                for chunk in self._chunks(source):
                    if clashes := added.clashes(source.columns):  # keys of JSON come to light as it is read
                        raise UserError(clashes)
                    writer.write(chunk, self._classify(chunk, classifier, added, outcome))
                    advance(len(chunk))
            outcome.notes = source.notes()
        outcome.seconds = time.monotonic() - started
        return outcome

    def _open(self, keys: list[str] | None) -> TableReader:
        return open_reader(self.source.name, self.source.open(), self.source_format, self.dialect, keys)

    def _chunks(self, source: TableReader) -> Iterator[Chunk]:
        for chunk in source.chunks(self.chunk_rows):
            if hidden := source.hidden():
                raise UserError(hidden)
            yield chunk

    def _classify(
        self, chunk: Chunk, classifier: Classifier, added: AddedColumns, outcome: PredictionOutcome
    ) -> list[pa.Array]:
        rows, problems = self._read(chunk)
        numbers = np.array([row for row, problem in enumerate(problems) if problem is None], dtype=np.int64)
        logits, good, unusable = classifier.logits(rows.select(numbers))
        for row, problem in unusable.items():
            problems[numbers[row]] = Refusal(problem)
        if not self.keep and any(problems):
            collected = Problems()
            self._note(chunk, problems, collected)
            raise UserError(collected.lines())
        shown = [None if what is None else what.at(where) for where, what in zip(chunk.where, problems, strict=True)]
        arrays, abstained = added.values(logits, numbers[good], shown)
        outcome.rows += len(chunk)
        outcome.broken += sum(problem is not None for problem in problems)
        outcome.abstained.update(abstained)
        return arrays

    def _read(self, chunk: Chunk) -> tuple[Rows, list[Refusal | None]]:
        return checked_rows(chunk, self.text, self.context, self.metadata)

    def _refusals(self, chunk: Chunk, classifier: Classifier) -> list[Refusal | None]:
        """Also of what stands beside the texts."""
        rows, refusals = self._read(chunk)
        for row, why in classifier.refused(rows).items():
            refusals[row] = refusals[row] or Refusal(why)
        return refusals

    def _note(self, chunk: Chunk, refusals: Sequence[Refusal | None], collected: Problems) -> None:
        for where, refusal in zip(chunk.where, refusals, strict=True):
            if refusal is not None:
                collected.refuse(self.source.name, where, refusal, "on_error=keep keeps such rows")

    @property
    def _named(self) -> list[tuple[str, str | None]]:
        """Columns that have to be there, each after what asks for it."""
        features = [(f"data.features.{name}", name) for name in self.metadata]
        return [("text", self.text), ("context", self.context), *features]

    def _check_columns(self, source: TableReader, added: AddedColumns) -> None:
        if self.source_format == "jsonl":  # keys are known when the lines have been read
            return
        columns, problems = source.columns, []
        for setting, name in self._named:
            problems += [] if name is None else column_problems(setting, name, columns, source.name, source.setting)
        problems += added.clashes(columns)
        if self.output_format in ("jsonl", "parquet"):
            twice = sorted({name for name in columns if columns.count(name) > 1})
            problems += [
                f"input: has the column {name!r} twice, for which {self.output_format} has no room" for name in twice
            ]
        if problems:
            raise UserError(problems)

    def _key_problems(self, keys: list[str], added: AddedColumns) -> list[str]:
        problems = added.clashes(keys)
        for setting, name in self._named:
            if name is not None and name not in keys:
                problems += column_problems(setting, name, keys, self.source.name, None)
        return problems
