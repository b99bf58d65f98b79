"""Connected components of things that are linked one pair after the other."""

import numpy as np


class ConnectedComponents:
    """At first each of ``number`` things is a component of its own (Tarjan's union-find, over arrays)."""

    def __init__(self, number: int) -> None:
        self._parent = np.arange(number)

    def of(self, things: np.ndarray) -> np.ndarray:
        """The thing that stands for the component of each of these, int64 ``[things]``."""
        found = self._parent[things]
        while not np.array_equal(found, further := self._parent[found]):
            found = further
        self._parent[things] = found
        return np.asarray(found)

    def join(self, things: np.ndarray) -> None:
        """Make one component of those that these are in."""
        roots = self.of(things)
        self._parent[roots] = roots.min()
