"""An encoder that reads padding, and a pooling that says nothing, are refused before training."""

import re
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from transformers import CONFIG_MAPPING, PreTrainedTokenizerFast

from polarity.data.rows import Rows
from polarity.errors import UserError
from polarity.models.huggingface.encoder import HuggingFaceEncoder
from polarity.models.huggingface.families import random_encoder
from polarity.models.huggingface.prefix import with_prefix
from polarity.models.huggingface.probing import check_reading
from polarity.models.huggingface.tokens import TokenStore
from tests.tiny import POOLED, pooling_of, tiny_classifier, tiny_tokenizer

TEXTS = ["good news for the people", "war", "they hate the awful soup and the table and the chair", "soup"]
READS_PADDING: dict[str, dict[str, Any]] = {
    "fnet": {"tpu_short_seq_length": 32},
    "convbert": {"num_attention_heads": 2, "embedding_size": 16, "conv_kernel_size": 3, "head_ratio": 1},
}


def store(tokenizer: Any, texts: list[str] = TEXTS, context: list[str] | None = None) -> TokenStore:
    """The texts as the run reads them."""
    rows = Rows([str(n) for n in range(len(texts))], texts, context, np.zeros((len(texts), 0), dtype=np.int64))
    return TokenStore.make(rows, tokenizer, 32)


def encoder_of(family: str, pooling: str = "mean", **settings: Any) -> HuggingFaceEncoder:
    """A small encoder of a family that tests/tiny.py does not know."""
    common = {"vocab_size": len(tiny_tokenizer()), "hidden_size": 16, "num_hidden_layers": 2, "intermediate_size": 32}
    config = CONFIG_MAPPING[family](**common, max_position_embeddings=64, pad_token_id=0, **settings)
    torch.manual_seed(0)
    return HuggingFaceEncoder(random_encoder(config, "eager", pooler=False), pooling_of(pooling), 0.1)


@pytest.mark.parametrize("family", READS_PADDING)
def test_an_encoder_that_reads_padding_is_refused(family: str) -> None:
    tokenizer = tiny_tokenizer()
    with pytest.raises(UserError, match=rf"model.name: '{family}' reads padding.*choose an encoder of another family"):
        check_reading(encoder_of(family, **READS_PADDING[family]), store(tokenizer), tokenizer)


@torch.inference_mode()
def test_an_answer_does_not_depend_on_what_was_asked_before() -> None:
    few = {"num_attention_heads": 2, "block_size": 2, "num_random_blocks": 1, "attention_type": "block_sparse"}
    encoder = encoder_of("big_bird", **few).eval()
    long, short = (torch.arange(20, 20 + length)[None] for length in (32, 4))
    first, _, again = (encoder(input_ids=ids, attention_mask=torch.ones_like(ids)) for ids in (long, short, long))
    assert torch.equal(first, again)
    assert HuggingFaceEncoder.from_architecture(encoder.architecture()).backbone.attention_type == "original_full"


def test_an_encoder_that_takes_some_lengths_only_is_refused() -> None:
    tokenizer, few = tiny_tokenizer(), {"num_attention_heads": 2, "num_landmarks": 4, "segment_means_seq_len": 8}
    with pytest.raises(UserError, match=r"'nystromformer' cannot read rows of \d+ or \d+ tokens"):
        check_reading(encoder_of("nystromformer", **few), store(tokenizer), tokenizer)


@pytest.mark.parametrize(("family", "pooling"), POOLED)
def test_others_are_taken_and_left_as_they_were(family: str, pooling: str) -> None:
    tokenizer, model = tiny_tokenizer(), tiny_classifier(family, pooling=pooling).encoder
    before = torch.get_rng_state()
    check_reading(model, store(tokenizer), tokenizer)
    assert model.training
    assert torch.equal(before, torch.get_rng_state())


def test_the_first_token_under_causal_attention_says_nothing() -> None:
    tokenizer = tiny_tokenizer()
    model = encoder_of("gpt2", "cls", n_embd=16, n_layer=2, n_head=2)
    with pytest.raises(UserError, match=re.escape("the same for all rows in 'gpt2'")):
        check_reading(model, store(tokenizer), tokenizer)


@pytest.mark.parametrize("pooling", ["cls", "pooler"])
def test_the_first_token_of_a_tokenizer_without_one_for_the_row_is_only_a_word(pooling: str) -> None:
    tokenizer = tiny_tokenizer()
    tokenizer.backend_tokenizer.post_processor = None
    with pytest.raises(UserError, match="begins no row with a token that stands for all of it"):
        check_reading(tiny_classifier("bert", pooling=pooling).encoder, store(tokenizer), tokenizer)


def undeclared(*, template: bool) -> PreTrainedTokenizerFast:
    """A tokenizer that declares no other special tokens than those for unknown words and padding."""
    backend = tiny_tokenizer().backend_tokenizer
    if not template:
        backend.post_processor = None
    return PreTrainedTokenizerFast(tokenizer_object=backend, unk_token="[UNK]", pad_token="[PAD]")


def test_a_first_token_that_is_not_declared_as_special_stands_for_the_row() -> None:
    tokenizer = undeclared(template=True)
    check_reading(tiny_classifier("bert", pooling="cls").encoder, store(tokenizer), tokenizer)


def test_a_word_that_is_unknown_in_all_rows_does_not_stand_for_them() -> None:
    tokenizer = undeclared(template=False)
    read = store(tokenizer, ["\u0936 good", "\u0936 war", "\u0936"])
    with pytest.raises(UserError, match="begins no row with a token that stands for all of it"):
        check_reading(tiny_classifier("bert", pooling="cls").encoder, read, tokenizer)


@pytest.mark.parametrize("context", [None, ["war", "news"]], ids=["texts", "pairs"])
def test_words_before_every_text_stand_behind_the_first_token(context: list[str] | None) -> None:
    tokenizer = with_prefix(tiny_tokenizer(), "query: ")
    read = store(tokenizer, ["good", "bad news"], context)
    check_reading(tiny_classifier("bert", pooling="cls").encoder, read, tokenizer)


def test_weights_that_are_no_numbers_are_refused() -> None:
    tokenizer, model = tiny_tokenizer(), encoder_of("bert", num_attention_heads=2)
    with torch.no_grad():
        next(model.backbone.encoder.parameters())[0, 0] = float("nan")
    with pytest.raises(UserError, match="'bert' gives values that are no numbers"):
        check_reading(model, store(tokenizer), tokenizer)


def test_vectors_of_another_width_than_promised_are_refused() -> None:
    """Reformer gives twice its hidden size."""
    tokenizer, model = tiny_tokenizer(), encoder_of("bert", num_attention_heads=2)
    model.standard = nn.ConstantPad1d((0, 16), 0.5)
    with pytest.raises(UserError, match="'bert' gives vectors of 32 numbers, where its configuration promises 16"):
        check_reading(model, store(tokenizer), tokenizer)
