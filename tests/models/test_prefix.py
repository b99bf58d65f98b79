"""A prefix stands before every text, as if it had been typed there, and goes with the model wherever it goes."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tokenizers import Tokenizer
from transformers import AutoTokenizer, DebertaV2Tokenizer, MPNetTokenizer, RobertaTokenizer, XLMRobertaTokenizer

import polarity
from polarity.data.rows import Rows
from polarity.models import PretrainedEncoder
from polarity.models.huggingface.loading import load_tokenizer
from polarity.models.huggingface.prefix import with_prefix
from polarity.models.huggingface.reader import TokenReader
from polarity.runs.rebuild import run_splits
from polarity.runs.saved import saved_predictions
from tests.effects.corpus import rows
from tests.running import train
from tests.tiny import save_tiny_encoder, tiny_tokenizer

LETTERS = "abcdefghijklmnopqrstuvwxyz:"


def unigram(kind: Callable[..., Any], *first: str) -> Any:
    return kind(vocab=[*((piece, 0.0) for piece in first), *((piece, -3.0) for piece in ("▁", *LETTERS))])


def mpnet() -> Any:
    return MPNetTokenizer(vocab={piece: n for n, piece in enumerate(["<s>", "<pad>", "</s>", "[UNK]", *_pieces()])})


def _pieces() -> list[str]:
    return [*LETTERS, *(f"##{letter}" for letter in LETTERS), "<mask>"]


def roberta() -> Any:
    pieces = ["<s>", "<pad>", "</s>", "<unk>", "<mask>", "Ġ", *LETTERS]
    return RobertaTokenizer(vocab={piece: number for number, piece in enumerate(pieces)}, merges=[])


MAKE = {
    "bert": tiny_tokenizer,
    "mpnet": mpnet,
    "roberta": roberta,
    "xlm-roberta": lambda: unigram(XLMRobertaTokenizer, "<s>", "<pad>", "</s>", "<unk>"),
    "deberta-v2": lambda: unigram(DebertaV2Tokenizer, "[PAD]", "[CLS]", "[SEP]", "[UNK]"),
}


@pytest.mark.parametrize("family", sorted(MAKE))
def test_every_way_to_read_it_back_keeps_it(family: str, tmp_path: Path) -> None:
    """Tokenizers of most families make their normalisation anew when transformers reads them."""
    MAKE[family]().save_pretrained(tmp_path / "own")
    plain = load_tokenizer(str(tmp_path / "own"), None)
    wanted = {text: plain(f"news: {text}")["input_ids"] for text in ("peace", "war war")}
    assert plain.unk_token_id not in wanted["peace"], "else nothing is tried"
    made = with_prefix(plain, "news: ")
    made.save_pretrained(tmp_path / "saved")
    again = AutoTokenizer.from_pretrained(tmp_path / "saved")
    raw = Tokenizer.from_file(str(tmp_path / "saved" / "tokenizer.json"))
    for text, ids in wanted.items():
        assert made(text)["input_ids"] == again(text)["input_ids"] == raw.encode(text).ids == ids
    for name in ("model_input_names", "special_tokens_map", "model_max_length", "padding_side"):
        assert getattr(again, name) == getattr(made, name) == getattr(plain, name)


@pytest.mark.parametrize("pairs", [False, True])
def test_it_reads_what_texts_with_the_words_before_them_would_give(pairs: bool, tmp_path: Path) -> None:
    folder = str(save_tiny_encoder(tmp_path / "encoder"))
    texts = rows(12)
    texts = replace(texts, context=texts.text[::-1]) if pairs else texts
    typed = replace(texts, text=before(texts.text), context=before(texts.context) if texts.context else None)
    reader = PretrainedEncoder(name=folder, prefix="news: ").make_reader()
    wanted = PretrainedEncoder(name=folder).make_reader().inputs(typed, 64)
    (tmp_path / "saved").mkdir()
    reader.save(tmp_path / "saved")
    for one in (reader, TokenReader.load(tmp_path / "saved")):
        assert_alike(one.inputs(texts, 64), wanted, texts)
    assert not reader.same_as(PretrainedEncoder(name=folder).make_reader())
    assert reader.same_as(TokenReader.load(tmp_path / "saved"))


def before(texts: list[str]) -> list[str]:
    return [f"news: {text}" for text in texts]


def assert_alike(found: object, wanted: object, texts: Rows) -> None:
    everything = np.arange(len(texts))
    for name, value in wanted.batch(everything).items():  # type: ignore[attr-defined]
        assert value.tolist() == found.batch(everything)[name].tolist()  # type: ignore[attr-defined]


def test_a_run_answers_with_it(tmp_path: Path) -> None:
    run = train(tmp_path, "model.prefix='news: '", "trainer.max_epochs=1", "reporting.baselines=false")
    stored, val = saved_predictions(run, "val"), run_splits(run).val
    answers = polarity.load(run.path, accelerator="cpu").predict(val.text)
    for item in stored.tasks:
        assert item.probabilities is not None
        said = [list(answer[item.task.name].probabilities.values()) for answer in answers]
        np.testing.assert_allclose(said, item.probabilities, atol=1e-5)
