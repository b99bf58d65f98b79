"""What a model can read: a text in each row, and a context where it was trained with one."""

from polarity.data.cells import is_blank, unreadable
from polarity.prediction.chunk import Chunk


def readable(chunk: Chunk, text: str, context: str | None) -> tuple[list[str], list[str] | None, list[str | None]]:
    """Texts, contexts (None without that column) and what is wrong with each row, None where nothing is.

    The same cells are refused as in training. Rows with a problem have empty texts.

    :param text: column of the text.
    :param context: column of the first text of a pair.
    """
    texts, first, problems = chunk.column(text), None if context is None else chunk.column(context), []
    for row, known in enumerate(chunk.problems):
        problem = known or _text_problem(text, texts[row])
        if first is not None:
            problem = problem or (None if first[row] is None else _cell_problem(str(context), first[row]))
            first[row] = first[row] if problem is None else None
        texts[row] = texts[row] if problem is None else ""
        problems.append(problem)
    return texts, None if first is None else [cell or "" for cell in first], problems


def _text_problem(column: str, cell: object) -> str | None:
    if cell is None or (isinstance(cell, str) and is_blank(cell)):
        return f"column {column!r} is empty"
    return _cell_problem(column, cell)


def _cell_problem(column: str, cell: object) -> str | None:
    if not isinstance(cell, str):
        shown = repr(cell) if len(repr(cell)) <= 60 else f"{repr(cell)[:60]}..."
        return f"column {column!r} holds no text but {shown} ({type(cell).__name__})"
    reason = unreadable(cell)
    return None if reason is None else f"column {column!r} {reason}"
