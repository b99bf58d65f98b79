"""What a model can read: a text in each row, and what else it was trained with."""

from collections.abc import Sequence

from polarity.data.cells import context_refusal, metadata_refusal, metadata_text, text_refusal
from polarity.data.rows import Rows
from polarity.tables.chunk import Chunk
from polarity.tables.problems import Refusal


def checked_rows(
    chunk: Chunk, text: str, context: str | None, metadata: Sequence[str] = ()
) -> tuple[Rows, list[Refusal | None]]:
    """The rows, and why each cannot be used, None where it can.

    The same cells are refused as in training. Rows that are refused have empty texts.

    :param text: column of the text.
    :param context: column of the first text of a pair.
    :param metadata: further columns, read as text, empty where missing.
    """
    texts, refusals = chunk.column(text), list(chunk.refusals)
    first = [None] * len(chunk) if context is None else chunk.column(context)
    for row, (cell, other) in enumerate(zip(texts, first, strict=True)):
        refusals[row] = (
            refusals[row] or text_refusal(f"column {text!r}", cell) or context_refusal(f"column {context!r}", other)
        )
    columns = {name: chunk.column(name) for name in metadata}
    for name, cells in columns.items():
        for row, cell in enumerate(cells):
            refusals[row] = refusals[row] or metadata_refusal(f"column {name!r}", cell)
    good = [refusal is None for refusal in refusals]
    texts = [cell if usable else "" for cell, usable in zip(texts, good, strict=True)]
    contexts = [cell or "" if usable else "" for cell, usable in zip(first, good, strict=True)]
    further = {
        name: [metadata_text(cell) if usable else "" for cell, usable in zip(cells, good, strict=True)]
        for name, cells in columns.items()
    }
    return Rows.unlabelled(texts, None if context is None else contexts, further), refusals
