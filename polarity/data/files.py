"""The user's own files: CSV, TSV, JSON lines or Parquet; one file to be split, or one for each split."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Unpack

from polarity.data.columns import TableSettings, unused_split
from polarity.data.locate import Files, existing_file, files_of, locate
from polarity.data.split_names import SplitName
from polarity.data.splitting import Split
from polarity.data.table import Table, read_table
from polarity.data.table_corpus import TableCorpus, Tables
from polarity.errors import UserError
from polarity.tables.dialect import Dialect, dialect_problems
from polarity.tables.formats import unused_dialect
from polarity.tables.problems import Problems

NO_SOURCE = "path: give a file or a folder, as data.path=FILE, or data.train=FILE data.val=FILE data.test=FILE"
TEXT = "text"
"""The column that the preset takes the text from."""


class FileCorpus(TableCorpus):
    """Rows from files. The format follows from the extension: ``.csv``, ``.tsv``, ``.jsonl``, ``.parquet``.

    Splits come from ``train``, ``val`` and ``test``; from a folder ``path`` with files of such names; from the column
    ``split_column`` of the one file ``path``; or ``split`` makes them. A row needs a text, and may lack any label.
    Labels and class names are compared as text, without blanks around them and in Unicode's composed form (NFC);
    only an empty cell, or null in JSON and Parquet, is a missing label: ``none``, ``NA`` and ``NaN`` are names.
    Integers and integral floats of JSON and Parquet read as ``1``, booleans as ``true`` and ``false``.

    :param path: one file, or a folder with one file for each split; relative to the current directory.
    :param train: file of the training split, in the place of ``path``.
    :param val: file of the validation split. If it is missing, ``split.test=0`` cuts it from the training rows.
    :param test: file of the test split; null: there is none.
    :param split_column: column that names the split of each row.
    :param encoding: of text files; a mark of UTF-8 at the beginning is skipped.
    :param delimiter: between the cells of a CSV or TSV file; null: by extension; ``tab`` for a tab.
    :param quote: around cells of a CSV or TSV file; null or "": quotes are ordinary characters.
    :param header: whether the first line of a CSV or TSV file names the columns; false: they are called 1, 2, ...
    :param shared: see :class:`polarity.data.columns.TableSettings`.
    """

    GIVEN_AS: ClassVar[dict[str, str]] = {
        "path": "a file, or a folder that holds train.csv, val.csv and perhaps test.csv",
        "tasks": "for instance 'data.tasks={stance:[none,yes,no]}'; data.tasks=[COLUMN] lists the values of a column",
    }
    """How to give a setting that the preset leaves open."""

    @classmethod
    def also_open(cls, node: Mapping[str, Any]) -> list[str]:
        """What else has to be given by whom has not named the tasks, so that all of it is told at once."""
        if any(node.get(key) is not None for key in ("path", "train", "val", "test")):
            return []
        problems = [NO_SOURCE]
        if node.get("text") == TEXT:
            problems.append(f"text: is the column {TEXT!r}, unless data.text=COLUMN names another one")
        return problems

    def __init__(
        self,
        *,
        path: str | None = None,
        train: str | None = None,
        val: str | None = None,
        test: str | None = None,
        split_column: str | None = None,
        encoding: str = "utf-8",
        delimiter: str | None = None,
        quote: str | None = '"',
        header: bool = True,
        **shared: Unpack[TableSettings],
    ) -> None:
        self.path = path
        self.files: dict[SplitName, str | None] = {"train": train, "val": val, "test": test}
        problems = self._source_problems(split_column, shared.get("split"))
        self.dialect = Dialect(encoding, delimiter, quote, header)
        given = [file for file in (path, *self.files.values()) if file is not None]
        problems += dialect_problems(self.dialect) or unused_dialect(self.dialect, [locate(file) for file in given])
        super().__init__(problems, split_column=split_column, **shared)

    def __repr__(self) -> str:
        named = {"path": self.path} | self.files
        source = ", ".join(f"{name}={path!r}" for name, path in named.items() if path is not None)
        return f"FileCorpus({source}, {self.described()})"

    def sources(self) -> list[Path]:
        problems = Problems()
        files, _ = self._locate(problems)
        return [] if problems or type(self) is not FileCorpus else list(files.values())

    def tables(self, problems: Problems) -> Tables:
        """Read all files."""
        files, lost = self._locate(problems)
        tables: dict[SplitName | None, Table | None] = dict.fromkeys(lost)
        tables |= {name: read_table(path, self.dialect, problems) for name, path in files.items()}
        if self.path is not None and None not in files and files:
            problems.extend(f"data.{text}" for text in unused_dialect(self.dialect, list(files.values())))
            if self.columns.split is not None:
                problems.add(f"data.split_column: has no effect, since {self.path} has one file for each split")
                raise UserError(problems.lines())
        return tables

    def _locate(self, problems: Problems) -> tuple[Files, list[SplitName | None]]:
        """The files that exist, by split, and the splits of those that do not."""
        if self.path is not None:
            return files_of("data.path", locate(self.path), problems), []
        files: Files = {name: locate(path) for name, path in self.files.items() if path is not None}
        good = {name: path for name, path in files.items() if existing_file(f"data.{name}", path, problems)}
        return good, [name for name in files if name not in good]

    def _source_problems(self, split_column: str | None, split: Split | None) -> list[str]:
        given = [name for name, path in self.files.items() if path is not None]
        if self.path is None and not given:
            return [NO_SOURCE]
        if not given:
            return []
        problems = []
        if self.path is not None:
            names = " and ".join(f"data.{name}" for name in given)
            problems.append(f"path: {names} given, too; give either one path, or one file for each split")
        if split_column is not None:
            problems.append("split_column: has no effect with data.train; the files are the splits")
        if self.path is not None or split_column is not None:
            return problems
        if "train" not in given:
            problems.append("train: no file to train on; give data.train=FILE")
        elif given == ["train"]:
            problems.append(f"train: one file alone; to have it split, give data.path={self.files['train']}")
        elif "val" in given:
            problems += unused_split(split, "data.train and data.val")
        elif split is None or split.test > 0:
            advice = "give data.val=FILE, or let data.split.test=0 cut the part data.split.val from data.train"
            problems.append(f"val: no file for validation, which chooses the checkpoint; {advice}")
        return problems
