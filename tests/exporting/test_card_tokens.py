"""What the program in a model card reads of a text is what the run has read, whatever the tokenizer's settings."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from polarity.data.contexts import context_room
from polarity.exporting.card_tokens import CardTokens
from polarity.exporting.folder import ABOUT, about
from polarity.files import write_json
from polarity.models.huggingface.tokenising import tokenise
from tests.models.test_tokens import bert_like, roberta_like, rows

TEXTS = ("a b c d e f g h a b c", "b", "a [CLS] b [SEP] c </s> d <s> e", "")
CONTEXTS = ["a", "c d e f g h a b c", "[SEP] <s>", "h"]
LONGEST, SHARE = 8, 0.3


@pytest.mark.parametrize("pairs", [False, True], ids=["texts", "pairs"])
@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("split", [False, True], ids=["whole", "split"])
@pytest.mark.parametrize(("make", "special"), [(bert_like, ("[CLS]", "[SEP]")), (roberta_like, ("<s>", "</s>"))])
def test_its_tokens_are_those_of_training(
    make: Callable[..., Any], special: tuple[str, str], split: bool, side: str, pairs: bool, tmp_path: Path
) -> None:
    first, last = special
    tokenizer = make(truncation_side=side, split_special_tokens=split, cls_token=first, sep_token=last)
    table = rows(*TEXTS, context=CONTEXTS if pairs else None)
    tokenizer.save_pretrained(tmp_path)
    room = context_room(LONGEST, SHARE)
    write_json(tmp_path / ABOUT, about("onnx", {}, tokenizer, LONGEST, room, pairs=pairs))
    read, known = CardTokens.read(tmp_path, table), tokenise(table, tokenizer, LONGEST, SHARE)
    inputs = read.batch(np.arange(4), ["input_ids", "token_type_ids", "attention_mask"])
    ends = known["offsets"]
    for row, (start, end) in enumerate(pairwise(ends)):
        assert inputs["input_ids"][row, : end - start].tolist() == known["ids"][start:end].tolist()
        if "types" in known:
            assert inputs["token_type_ids"][row, : end - start].tolist() == known["types"][start:end].tolist()
        assert inputs["attention_mask"][row].tolist() == [1] * (end - start) + [0] * (max(read.lengths) - end + start)
        assert set(inputs["input_ids"][row, end - start :]) <= {tokenizer.pad_token_id}
