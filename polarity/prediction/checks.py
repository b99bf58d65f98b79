"""What a model can read: a text in each row, and a context where it was trained with one."""

from polarity.data.cells import context_refusal, text_refusal
from polarity.tables.chunk import Chunk
from polarity.tables.problems import Refusal


def checked_texts(
    chunk: Chunk, text: str, context: str | None
) -> tuple[list[str], list[str] | None, list[Refusal | None]]:
    """Texts, contexts (None without that column) and why each row cannot be used, None where it can.

    The same cells are refused as in training. Rows that are refused have empty texts.

    :param text: column of the text.
    :param context: column of the first text of a pair.
    """
    texts, refusals = chunk.column(text), list(chunk.refusals)
    first = [None] * len(chunk) if context is None else chunk.column(context)
    for row, (cell, other) in enumerate(zip(texts, first, strict=True)):
        refusals[row] = (
            refusals[row] or text_refusal(f"column {text!r}", cell) or context_refusal(f"column {context!r}", other)
        )
    good = [refusal is None for refusal in refusals]
    texts = [cell if usable else "" for cell, usable in zip(texts, good, strict=True)]
    contexts = [cell or "" if usable else "" for cell, usable in zip(first, good, strict=True)]
    return texts, None if context is None else contexts, refusals
