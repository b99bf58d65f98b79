"""What an encoder does with a row, found by trying: whether it reads padding, and whether its pooling says anything."""

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from polarity.errors import UserError
from polarity.models.huggingface.tokens import TokenStore
from polarity.wording import times

if TYPE_CHECKING:
    from polarity.models.huggingface.encoder import HuggingFaceEncoder

PADDING = 16
"""Most tokens of padding behind the row that is tried."""

TOLERANCE = 1e-4
"""Largest difference that padding may make, relative to the largest feature.

Tried on 36 families with random weights: 3e-1 for FNet and CANINE, 5e-4 for Nystromformer and ConvBERT, at most 1e-6
for all others.
"""


def check_reading(encoder: "HuggingFaceEncoder", store: TokenStore, tokenizer: Any) -> None:
    """Refuse an encoder whose answer depends on padding, and a pooling that gives all rows the same vector.

    :param store: of the training rows.
    :raises UserError: with what to choose instead.
    """
    if encoder.attention == "flash_attention_2" or not len(store):  # needs 16 bits and a GPU
        return
    batch = store.batch(np.array([int(store.lengths.argmax())]))
    ids = batch["input_ids"]
    padding = min(PADDING, max(1, store.max_length // 2))
    most = max(1, store.max_length - padding)
    row = {name: values[:, :most] for name, values in batch.items()}
    problems, family, name = [], encoder.family, type(encoder.pooling).__name__
    try:
        alone, padded = _features(encoder, row), _features(encoder, _padded(row, tokenizer, padding))
    except (RuntimeError, ValueError, IndexError) as error:  # Nystromformer takes some lengths only
        length = row["input_ids"].shape[1]
        raise UserError(
            f"model.name: {family!r} cannot read rows of {length} or {times(length + padding, 'token')} "
            f"({str(error).splitlines()[0]}); choose an encoder that reads rows of any length"
        ) from error
    if alone.shape[-1] != encoder.width or not bool(alone.isfinite().all()):
        width = alone.shape[-1]
        given = f"vectors of {width} numbers" if width != encoder.width else "values that are no numbers"
        raise UserError(
            f"model.name: {family!r} gives {given}, where its configuration promises {encoder.width} finite ones; "
            "choose another encoder, or make its folder anew"
        )
    scale = max(float(alone.abs().max()), 1e-12)
    if float((alone - padded).abs().max()) > TOLERANCE * scale:
        problems.append(
            f"model.name: {family!r} reads padding, so that scores of a row would depend on the rows beside it; "
            "choose an encoder of another family, such as BERT, XLM-R or ModernBERT"
        )
    if encoder.pooling.needs_first_token:
        firsts = {int(store.batch(np.array([number]))["input_ids"][0, 0]) for number in range(min(len(store), 50))}
        if not firsts <= _put_first(tokenizer):
            problems.append(
                f"model.pooling: {name} reads the first token, but this tokenizer begins no row with a token that "
                "stands for all of it, so only the first word would be read; mean reads all of them"
            )
        elif (other := _another(store, ids)) is not None and int(ids[0, 0]) == int(other["input_ids"][0, 0]):
            difference = float((_features(encoder, other) - _features(encoder, batch)).abs().max())
            if difference <= 1e-6 * scale:
                problems.append(
                    f"model.pooling: {name} reads the first token, which is the same for all rows in {family!r}, "
                    "where no token sees what follows; mean reads all of them"
                )
    if problems:
        raise UserError(problems)


def _put_first(tokenizer: Any) -> set[int]:
    """The tokens that it puts before a text, and before a pair, whatever it declares as special."""
    texts = (["a"], ["a", "a"])
    read = [tokenizer(*each, return_special_tokens_mask=True, verbose=False) for each in texts]
    return {each["input_ids"][0] for each in read if any(each["special_tokens_mask"][:1])}


def _another(store: TokenStore, ids: Tensor) -> dict[str, Tensor] | None:
    """The first row with other tokens, if there is one."""
    for number in range(len(store)):
        batch = store.batch(np.array([number]))
        if batch["input_ids"].shape != ids.shape or not torch.equal(batch["input_ids"], ids):
            return batch
    return None


def _features(encoder: "HuggingFaceEncoder", batch: dict[str, Tensor]) -> Tensor:
    """The pooled vector of the padded pass, without dropout; the encoder is left as it was."""
    training, unpadded = encoder.training, encoder.unpadded
    encoder.eval()
    encoder.unpadded = False
    try:
        with torch.no_grad():
            vectors: Tensor = encoder(**batch)
            return vectors.float()
    finally:
        encoder.train(training)
        encoder.unpadded = unpadded


def _padded(row: dict[str, Tensor], tokenizer: Any, padding: int) -> dict[str, Tensor]:
    fill = {"input_ids": tokenizer.pad_token_id, "attention_mask": 0, "token_type_ids": tokenizer.pad_token_type_id}
    return {name: F.pad(values, (0, padding), value=int(fill[name])) for name, values in row.items()}
