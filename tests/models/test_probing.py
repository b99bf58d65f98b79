"""An encoder that reads padding, and a pooling that says nothing, are refused before training."""

import re
from typing import Any

import numpy as np
import pytest
import torch
from transformers import CONFIG_MAPPING

from polarity.data.rows import Rows
from polarity.data.tokenising import tokenise
from polarity.data.tokens import TokenStore
from polarity.errors import UserError
from polarity.models.classifier import MultiTaskClassifier
from polarity.models.encoder import random_encoder
from polarity.models.heads import Head
from polarity.models.probing import check_reading
from tests.tiny import TASKS, pooling_of, tiny_classifier, tiny_tokenizer

TEXTS = ["good news for the people", "war", "they hate the awful soup and the table and the chair", "soup"]
READS_PADDING: dict[str, dict[str, Any]] = {
    "fnet": {"tpu_short_seq_length": 32},
    "convbert": {"num_attention_heads": 2, "embedding_size": 16, "conv_kernel_size": 3, "head_ratio": 1},
}


def store(tokenizer: Any) -> TokenStore:
    """The texts as the run reads them."""
    rows = Rows([str(n) for n in range(len(TEXTS))], TEXTS, None, np.zeros((len(TEXTS), 0), dtype=np.int64))
    return TokenStore(tokenise(rows, tokenizer, 32), pad_id=tokenizer.pad_token_id, pad_type=0, max_length=32)


def classifier(family: str, pooling: str = "mean", **settings: Any) -> MultiTaskClassifier:
    """A small classifier of a family that tests/tiny.py does not know."""
    common = {"vocab_size": len(tiny_tokenizer()), "hidden_size": 16, "num_hidden_layers": 2, "intermediate_size": 32}
    config = CONFIG_MAPPING[family](**common, max_position_embeddings=64, pad_token_id=0, **settings)
    torch.manual_seed(0)
    encoder = random_encoder(config, "eager", pooler=False)
    return MultiTaskClassifier(tasks=TASKS, encoder=encoder, pooling=pooling_of(pooling), dropout=0.1, head=Head())


@pytest.mark.parametrize("family", READS_PADDING)
def test_an_encoder_that_reads_padding_is_refused(family: str) -> None:
    tokenizer = tiny_tokenizer()
    with pytest.raises(UserError, match=rf"model.name: '{family}' reads padding.*choose an encoder of another family"):
        check_reading(classifier(family, **READS_PADDING[family]), store(tokenizer), tokenizer)


def test_an_encoder_that_takes_some_lengths_only_is_refused() -> None:
    tokenizer, few = tiny_tokenizer(), {"num_attention_heads": 2, "num_landmarks": 4, "segment_means_seq_len": 8}
    with pytest.raises(UserError, match=r"'nystromformer' cannot read rows of \d+ or \d+ tokens"):
        check_reading(classifier("nystromformer", **few), store(tokenizer), tokenizer)


@pytest.mark.parametrize("family", ["bert", "roberta", "xlm-roberta", "distilbert", "deberta-v2", "modernbert"])
@pytest.mark.parametrize("pooling", ["mean", "cls", "max"])
def test_others_are_taken_and_left_as_they_were(family: str, pooling: str) -> None:
    tokenizer, model = tiny_tokenizer(), tiny_classifier(family, pooling=pooling)
    before = torch.get_rng_state()
    check_reading(model, store(tokenizer), tokenizer)
    assert model.training
    assert torch.equal(before, torch.get_rng_state())


def test_the_first_token_under_causal_attention_says_nothing() -> None:
    tokenizer = tiny_tokenizer()
    model = classifier("gpt2", "cls", n_embd=16, n_layer=2, n_head=2)
    with pytest.raises(UserError, match=re.escape("the same for all rows in 'gpt2'")):
        check_reading(model, store(tokenizer), tokenizer)


def test_the_first_token_of_a_tokenizer_without_one_for_the_row_is_only_a_word() -> None:
    tokenizer = tiny_tokenizer()
    tokenizer.backend_tokenizer.post_processor = None
    with pytest.raises(UserError, match="begins no row with a token that stands for all of it"):
        check_reading(tiny_classifier("bert", pooling="cls"), store(tokenizer), tokenizer)
