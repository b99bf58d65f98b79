"""Rows by language, where a column tells it."""

from collections import Counter

from polarity.inspection.pool import Pool
from polarity.inspection.result import Languages
from polarity.tasks import IGNORE_INDEX

NAMES = ("lang", "language", "locale", "lang_code", "language_code")
"""Columns that tell the language, without regard to case."""

NONE = "(none)"


def languages(pool: Pool, column: str | None) -> Languages | None:
    """Rows and classes of each language.

    :param column: the column that tells it; None to look for one by its usual names.
    """
    metadata = pool.rows.metadata
    column = column or next((name for name in metadata if name.casefold() in NAMES), None)
    if column is None:
        return None
    cells = [cell.strip() or NONE for cell in metadata[column]]
    order = [name for name, _ in Counter(cells).most_common()]
    rows = {name: dict.fromkeys(pool.names, 0) for name in order}
    classes = {task.name: {name: dict.fromkeys(task.classes, 0) for name in order} for task in pool.tasks}
    for number, cell in enumerate(cells):
        rows[cell][pool.names[pool.split[number]]] += 1
        for task, label in zip(pool.tasks, pool.rows.labels[number].tolist(), strict=True):
            if label != IGNORE_INDEX:
                classes[task.name][cell][task.classes[label]] += 1
    return Languages(column, rows, classes)
