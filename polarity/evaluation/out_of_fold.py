"""The predictions file of a cross-validation: every row by models that have not seen it, once in each repeat."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from polarity.errors import UserError
from polarity.evaluation.predictions import FOLD, REPEAT, Predictions, predictions_in, predictions_table, read_columns
from polarity.files import whole_file

OUT_OF_FOLD = "out_of_fold"
"""Name of the rows among the splits of a run."""


@dataclass(frozen=True)
class HeldOut:
    """The rows that a fold holds out.

    :param fold: its number, from 1 through all repeats.
    :param repeat: from 1.
    """

    fold: int
    repeat: int
    predictions: Predictions


def joined(folds: Sequence[HeldOut]) -> Predictions:
    """The rows of several folds at once, in the order of the folds."""
    parts = [item.predictions for item in folds]
    first, names = parts[0], ("labels", "predicted", "logits", "probabilities", "crossfit")

    def together(values: list[np.ndarray | None]) -> np.ndarray | None:
        known = [value for value in values if value is not None]
        return np.concatenate(known) if len(known) == len(values) else None

    tasks = tuple(
        replace(of_task[0], **{name: together([getattr(item, name) for item in of_task]) for name in names})
        for of_task in zip(*(part.tasks for part in parts), strict=True)
    )
    return replace(
        first,
        ids=[name for part in parts for name in part.ids],
        tasks=tasks,
        metadata={name: [value for part in parts for value in part.metadata[name]] for name in first.metadata},
        tokens=together([part.tokens for part in parts]),
    )


def write_out_of_fold(path: Path, folds: Sequence[HeldOut], ids: Sequence[str]) -> None:
    """Write one file, whole or not at all: the columns of predictions, and for each row its fold and repeat.

    :param ids: of all rows, in the order that they have in the file; they stand there once for each repeat.
    :raises ValueError: if a row is not in exactly one fold of each repeat.
    """
    repeats = sorted({item.repeat for item in folds})
    for repeat in repeats:
        found = [name for item in folds if item.repeat == repeat for name in item.predictions.ids]
        if len(found) != len(ids) or set(found) != set(ids):
            raise ValueError(f"{path}: the folds of repeat {repeat} do not hold out every row exactly once")
    place = {name: number for number, name in enumerate(ids)}
    table = pa.concat_tables(_with_fold(item) for item in folds)
    order = [place[name] for name in table["id"].to_pylist()]
    with whole_file(path) as part:
        pq.write_table(table.take(np.lexsort((order, table[REPEAT].to_numpy()))), part)


def read_out_of_fold(path: Path) -> list[HeldOut]:
    """The folds of all repeats, in their order.

    :raises UserError: if the file is missing, cut off, or not that of a cross-validation.
    """
    table = read_columns(path)
    if missing := [name for name in (FOLD, REPEAT) if name not in table.column_names]:
        raise UserError(f"{path}: has no column {missing[0]!r}, so it is not that of a cross-validation")
    found = []
    for fold in sorted(set(table[FOLD].to_pylist())):
        rows = table.filter(pc.field(FOLD) == fold)
        found.append(HeldOut(fold, rows[REPEAT][0].as_py(), predictions_in(rows, path)))
    return found


def read_repeats(path: Path) -> list[Predictions]:
    """All rows as each repeat has decided them.

    :raises UserError: as above.
    """
    table = read_columns(path)
    return [
        predictions_in(table.filter(pc.field(REPEAT) == repeat), path)
        for repeat in sorted(set(table[REPEAT].to_pylist()))
    ]


def _with_fold(item: HeldOut) -> pa.Table:
    table = predictions_table(item.predictions)
    for name, value in ((FOLD, item.fold), (REPEAT, item.repeat)):
        table = table.append_column(name, pa.array([value] * len(table), pa.int32()))
    return table
