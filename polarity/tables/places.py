"""Where rows stand in their file, as numbers: the words for them are made when somebody asks."""

from array import array
from collections.abc import Iterator, Sequence


class Places:
    """``row 12 (line 14)`` of each row, in 16 bytes: numbers of rows, and of lines."""

    def __init__(self) -> None:
        self.rows, self.lines = array("q"), array("q")

    def add(self, row: int, line: int = 0) -> None:
        """One more row.

        :param line: 0 in a file without lines.
        """
        self.rows.append(row)
        self.lines.append(line)

    def extend(self, other: "Places", chosen: Sequence[int]) -> None:
        """Some rows of others, by their numbers there."""
        self.rows.extend(other.rows[number] for number in chosen)
        self.lines.extend(other.lines[number] for number in chosen)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, number: int) -> str:
        line = self.lines[number]
        return f"row {self.rows[number]} (line {line})" if line else f"row {self.rows[number]}"

    def __iter__(self) -> Iterator[str]:
        return (self[number] for number in range(len(self)))
