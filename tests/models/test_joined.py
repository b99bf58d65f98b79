"""Encoders side by side: every part reads for itself, and the heads see all vectors."""

from pathlib import Path

import numpy as np
import pytest
import torch

from polarity.errors import UserError
from polarity.models import Head, MultiTaskClassifier, PretrainedEncoder, load_model, save_model
from polarity.models.joined import WideDeep
from polarity.models.ngrams.settings import Ngrams
from polarity.optimizers import AdamW
from tests.effects.corpus import TASKS, rows
from tests.tiny import save_tiny_encoder

TEXTS = rows(16)


@pytest.fixture
def wide_deep(tmp_path: Path) -> WideDeep:
    deep = PretrainedEncoder(name=str(save_tiny_encoder(tmp_path / "encoder", width=16)))
    return WideDeep(encoder=deep, ngrams=Ngrams(width=6))


def test_the_vector_is_that_of_all_parts_and_a_saved_model_says_the_same(wide_deep: WideDeep, tmp_path: Path) -> None:
    reader = wide_deep.make_reader(TEXTS)
    encoder = wide_deep.build(reader)
    torch.nn.init.normal_(encoder.encoders["ngrams"].table.weight)
    model = MultiTaskClassifier(tasks=TASKS, encoder=encoder, head=Head()).eval()
    inputs = reader.inputs(TEXTS, 32, cache=tmp_path / "cache")
    batch = inputs.batch(np.arange(16))
    assert encoder.width == 22
    alone = [part(**inputs.parts[name].batch(np.arange(16))) for name, part in encoder.encoders.items()]
    assert torch.equal(encoder(**batch), torch.cat(alone, dim=1))
    encoder.check(reader, inputs)
    save_model(model, reader, tmp_path / "model")
    loaded, again = load_model(tmp_path / "model")
    assert again.same_as(reader)
    assert loaded.architecture() == model.architecture()
    for wanted, found in zip(model(**batch), loaded(**again.inputs(TEXTS, 32).batch(np.arange(16))), strict=True):
        assert torch.equal(wanted, found)


def test_every_parameter_has_one_place_and_each_part_its_own_rates(wide_deep: WideDeep) -> None:
    reader = wide_deep.make_reader(TEXTS)
    model = MultiTaskClassifier(tasks=TASKS, encoder=wide_deep.build(reader), head=Head())
    groups = AdamW(lr=1.0, layer_decay=0.5, head_lr_multiplier=3.0).build(model).param_groups
    grouped = [id(parameter) for group in groups for parameter in group["params"]]
    assert sorted(grouped) == sorted(id(parameter) for parameter in model.parameters())
    rates = {group["name"].removesuffix(".no_decay"): group["lr"] for group in groups}
    assert rates["encoder.embeddings"] == 0.5**4
    assert rates["encoder.layer.3"] == 1.0
    assert rates["ngrams.encoder"] == 0.002
    assert rates["head.sentiment"] == 3.0


def test_what_is_wrong_with_a_part_is_said_of_the_parts_setting(tmp_path: Path) -> None:
    wide_deep = WideDeep(encoder=PretrainedEncoder(name=str(tmp_path)), ngrams=Ngrams(width=6))
    for ask in (wide_deep.locate, wide_deep.longest, wide_deep.make_reader):
        with pytest.raises(UserError, match=r"^model\.encoder\.name: "):
            ask()


def test_settings_are_those_of_both(wide_deep: WideDeep) -> None:
    assert wide_deep.longest() == 64
    assert wide_deep.dropout_rates is None
    assert wide_deep.problems(TASKS) == []
    deep = PretrainedEncoder(name=wide_deep.encoder.name, attention="flash_attention_2")
    (problem,) = WideDeep(encoder=deep, ngrams=Ngrams()).problems(TASKS)
    assert problem.startswith("encoder.attention: ")
    assert "encoder" in wide_deep.title
    assert wide_deep.title.endswith("n-grams")
