"""A smaller copy of a corpus, for a quick start or a look whether everything works."""

from collections.abc import Sequence

import numpy as np

from polarity.component import Component
from polarity.data.rows import Rows, Splits
from polarity.errors import UserError
from polarity.settings import PositiveInt, Seed
from polarity.tasks import Task
from polarity.wording import times


class Limit(Component):
    """Keeps at most so many rows of each split: a seeded random subset that holds every class of every task.

    There are more rows where there are more classes.

    :param train: rows of the training split kept; null for all. Likewise ``val`` and ``test``.
    :param seed: of the subset; it is independent of the run's seed, so that seeds compare on the same rows.
    """

    def __init__(
        self, *, train: PositiveInt | None, val: PositiveInt | None, test: PositiveInt | None, seed: Seed = 0
    ) -> None:
        self.train, self.val, self.test, self.seed = train, val, test, seed
        if seed != 0 and not any((train, val, test)):
            raise UserError("seed: has no effect while all rows are kept; set it to 0, or limit train, val or test")

    def apply(self, splits: Splits) -> Splits:
        """The smaller splits, with a note for each that lost rows."""
        kept, notes = {}, list(splits.notes)
        for name, rows in splits.items():
            most: int | None = getattr(self, name)
            kept[name] = rows if most is None or most >= len(rows) else self._subset(rows, splits.tasks, most)
            if len(kept[name]) < len(rows):
                classes = f"; fewer would not hold every class, as limit.{name}={most} has to"
                why = f", as limit.{name}={most} asks" if len(kept[name]) == most else classes
                notes.append(f"{name}: {len(kept[name])} of {times(len(rows), 'row')}{why}")
        return Splits(splits.tasks, kept["train"], kept["val"], kept.get("test"), notes)

    def _subset(self, rows: Rows, tasks: Sequence[Task], most: int) -> Rows:
        order = np.random.default_rng(self.seed).permutation(len(rows))
        labels = rows.labels[order]
        first = []  # the first row of each class comes in front, so that no class is lost
        for number, task in enumerate(tasks):
            for label in range(len(task.classes)):
                found = np.flatnonzero(labels[:, number] == label)
                first += found[:1].tolist()
        rest = np.setdiff1d(np.arange(len(order)), first)
        chosen = [*dict.fromkeys(first), *rest.tolist()][: max(most, len(set(first)))]
        return rows.select(np.sort(order[chosen]))
