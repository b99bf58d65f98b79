"""A prefix stands before every text, as if it had been typed there, and goes with the model wherever it goes."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from polarity.data.rows import Rows
from polarity.models import PretrainedEncoder
from polarity.models.huggingface.reader import TokenReader
from tests.effects.corpus import rows
from tests.tiny import save_tiny_encoder


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
