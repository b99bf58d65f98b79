"""Files of an encoder: read without noise, and an error wherever something would be left random or unknown."""

import json
import logging
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModel, AutoModelForMaskedLM, BertForMaskedLM, T5Config

from polarity.errors import UserError
from polarity.models import Head, MultiTaskClassifier, PretrainedEncoder, load_model, save_model
from polarity.models.huggingface import loading
from polarity.models.huggingface.encoder import HuggingFaceEncoder
from polarity.models.huggingface.families import random_encoder
from polarity.models.huggingface.loading import load_tokenizer, quiet_transformers
from polarity.models.huggingface.prefix import with_prefix
from polarity.models.pooling import ClsPooling, MeanPooling, PoolerPooling
from polarity.models.read_together import together
from tests.tiny import FAMILIES, TASKS, model_of, save_tiny_encoder, tiny_config, tiny_reader, tiny_tokenizer

every_family = pytest.mark.parametrize("family", FAMILIES)


@pytest.fixture
def encoder(tmp_path: Path) -> Path:
    return save_tiny_encoder(tmp_path / "encoder")


def test_parts_of_one_model_that_read_equal_files_have_one_tokenizer(encoder: Path, tmp_path: Path) -> None:
    again = save_tiny_encoder(tmp_path / "again")
    one = load_tokenizer(str(encoder), None)
    assert load_tokenizer(str(encoder), None) is not one
    with together():
        one = load_tokenizer(str(encoder), None)
        assert load_tokenizer(str(again), None) is one
        with together():
            assert load_tokenizer(str(again), None) is one
    assert with_prefix(one, "query: ")("peace")["input_ids"] != one("peace")["input_ids"]
    before = one("peace")["input_ids"]
    settings = json.loads((again / "tokenizer.json").read_text())
    settings["model"]["vocab"] |= {
        "peace": settings["model"]["vocab"]["war"],
        "war": settings["model"]["vocab"]["peace"],
    }
    (again / "tokenizer.json").write_text(json.dumps(settings))
    with together():
        load_tokenizer(str(encoder), None)
        assert load_tokenizer(str(again), None)("peace")["input_ids"] != before
    assert one("peace")["input_ids"] == before


@every_family
def test_an_encoder_whose_weights_are_not_drawn_differs_in_them_alone(family: str) -> None:
    made = [random_encoder(tiny_config(family), "eager", pooler=False, drawn=drawn) for drawn in (True, False)]
    for values in zip(*(one.named_buffers() for one in made), strict=True):
        assert values[0][0] == values[1][0]
        assert torch.equal(values[0][1], values[1][1])
    made[1].load_state_dict(made[0].state_dict())


def test_weights_that_a_family_has_twice_are_saved_once_and_read_back(tmp_path: Path) -> None:
    sizes = {"d_model": 16, "d_kv": 4, "d_ff": 32, "num_layers": 2, "num_heads": 2, "vocab_size": len(tiny_tokenizer())}
    made = random_encoder(T5Config(**sizes), "eager", pooler=False)
    model = MultiTaskClassifier(tasks=TASKS, encoder=HuggingFaceEncoder(made, MeanPooling(), 0.1), head=Head())
    save_model(model, tiny_reader(), tmp_path / "model")
    loaded, _ = load_model(tmp_path / "model")
    its, found = model.state_dict(), loaded.state_dict()
    assert its.keys() == found.keys()
    assert all(torch.equal(value, found[name]) for name, value in its.items())


def problems(call: Any) -> list[str]:
    with pytest.raises(UserError) as error:
        call()
    return list(error.value.problems)


def remove_weights(folder: Path, part: str) -> None:
    state = load_file(folder / "model.safetensors")
    kept = {key: value for key, value in state.items() if part not in key}
    assert len(kept) < len(state)
    save_file(kept, folder / "model.safetensors", metadata={"format": "pt"})


@pytest.mark.parametrize("part", ["layer.2.", "embeddings.word_embeddings", "LayerNorm"])
def test_missing_weights_are_an_error(part: str, encoder: Path) -> None:
    remove_weights(encoder, part)
    (problem,) = problems(lambda: model_of(PretrainedEncoder(name=str(encoder))))
    assert problem.startswith(f"model.name: the weights in {encoder} do not fit its configuration: missing: ")
    assert part in problem


def test_weights_of_another_shape_are_an_error(encoder: Path, tmp_path: Path) -> None:
    wide = save_tiny_encoder(tmp_path / "wide", width=32)
    (encoder / "model.safetensors").write_bytes((wide / "model.safetensors").read_bytes())
    (problem,) = problems(lambda: model_of(PretrainedEncoder(name=str(encoder))))
    assert "of another shape: embeddings.LayerNorm.bias (32,), not (16,)" in problem


def test_weights_of_another_family_are_an_error(encoder: Path, tmp_path: Path) -> None:
    other = save_tiny_encoder(tmp_path / "other", "modernbert")
    (encoder / "model.safetensors").write_bytes((other / "model.safetensors").read_bytes())
    (problem,) = problems(lambda: model_of(PretrainedEncoder(name=str(encoder))))
    assert "missing: " in problem
    assert "in all" in problem


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("hidden_size", "16"),
        ("hidden_size", None),
        ("num_attention_heads", 0),
        ("num_attention_heads", 3),
        ("num_hidden_layers", "two"),
        ("num_hidden_layers", 0),
        ("num_hidden_layers", -1),
        ("hidden_act", "nope"),
        ("hidden_dropout_prob", 3),
        ("vocab_size", -4),
        ("max_position_embeddings", "many"),
        ("pad_token_id", 9000),
        ("dtype", "float3"),
        ("id2label", [1]),
        ("model_type", ["bert"]),
    ],
)
def test_whatever_a_damaged_configuration_says_is_told_in_a_line(key: str, value: object, encoder: Path) -> None:
    config = json.loads((encoder / "config.json").read_text(encoding="utf-8"))
    (encoder / "config.json").write_text(json.dumps({**config, key: value}), encoding="utf-8")
    settings = PretrainedEncoder(name=str(encoder))
    wrong = settings.problems(TASKS)

    def begin() -> None:  # in the order of a run
        settings.locate()
        settings.longest()
        settings.build()

    (problem,) = [f"model.{text}" for text in wrong] or problems(begin)
    assert problem.startswith(("model.name: the configuration in", "model.name: the configuration of this 'bert'"))
    assert " " in problem.split(": ", 2)[-1]


@pytest.mark.parametrize("whole", [False, True], ids=["encoder", "masked-lm"])
@pytest.mark.parametrize("family", [family for family in FAMILIES if family != "modernbert"])  # which counts itself
def test_layers_that_the_configuration_leaves_out_are_an_error(family: str, whole: bool, tmp_path: Path) -> None:
    folder = save_tiny_encoder(tmp_path / "encoder", family)
    if whole:
        with quiet_transformers():
            AutoModelForMaskedLM.from_config(tiny_config(family)).save_pretrained(folder)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    count = next(name for name in ("num_hidden_layers", "n_layers") if name in config)
    (folder / "config.json").write_text(json.dumps({**config, count: 2}), encoding="utf-8")
    (problem,) = problems(lambda: PretrainedEncoder(name=str(folder)).build())
    assert "layers of which its configuration knows nothing" in problem
    assert [f"layer{s}.{number}" in problem for s in ("", "s") for number in (2, 3)].count(True) == 2


def test_a_missing_pooler_is_an_error_only_if_it_is_used(encoder: Path) -> None:
    remove_weights(encoder, "pooler")
    model_of(PretrainedEncoder(name=str(encoder), pooling=ClsPooling()))
    (problem,) = problems(lambda: model_of(PretrainedEncoder(name=str(encoder), pooling=PoolerPooling())))
    assert problem.startswith("model.pooling: the weights")
    assert "would be random" in problem


def test_weights_of_a_whole_pretraining_model_are_fine(encoder: Path) -> None:
    with quiet_transformers():
        BertForMaskedLM(tiny_config("bert")).save_pretrained(encoder)
    model_of(PretrainedEncoder(name=str(encoder)))


def test_old_pickled_weights_are_read(encoder: Path) -> None:
    state = AutoModel.from_pretrained(encoder).state_dict()
    (encoder / "model.safetensors").unlink()
    torch.save({f"bert.{key}": value for key, value in state.items()}, encoder / "pytorch_model.bin")
    model = model_of(PretrainedEncoder(name=str(encoder)))
    assert all(torch.equal(value, state[key]) for key, value in model.encoder.backbone.state_dict().items())
    (encoder / "pytorch_model.bin").write_bytes((encoder / "pytorch_model.bin").read_bytes()[:5000])
    (problem,) = problems(lambda: model_of(PretrainedEncoder(name=str(encoder))))
    assert problem.startswith(f"model.name: the weights in {encoder} cannot be read: ")


@pytest.mark.parametrize("size", [0, 100, 5000])
def test_weights_that_are_cut_off_are_an_error(size: int, encoder: Path) -> None:
    weights = encoder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:size])
    (problem,) = problems(lambda: model_of(PretrainedEncoder(name=str(encoder))))
    assert problem.startswith(f"model.name: the weights in {encoder} cannot be read: ")


def test_no_weights_are_an_error(encoder: Path) -> None:
    (encoder / "model.safetensors").unlink()
    (problem,) = problems(lambda: model_of(PretrainedEncoder(name=str(encoder))))
    assert problem.startswith(f"model.name: the weights in {encoder} cannot be read: ")
    assert "model.safetensors" in problem


@every_family
@pytest.mark.parametrize("missing", [["tokenizer.json"], ["tokenizer.json", "tokenizer_config.json"]])
def test_a_missing_tokenizer_is_an_error(family: str, missing: list[str], tmp_path: Path) -> None:
    folder = save_tiny_encoder(tmp_path / "encoder", family)
    for name in missing:
        (folder / name).unlink()
    (problem,) = problems(PretrainedEncoder(name=str(folder)).make_reader)
    assert problem.startswith("model.name: ")
    assert "tokenizer" in problem


def test_a_tokenizer_with_words_that_the_encoder_does_not_know_is_an_error(tmp_path: Path) -> None:
    folder = save_tiny_encoder(tmp_path / "encoder", vocab_size=100)
    (problem,) = problems(PretrainedEncoder(name=str(folder)).make_reader)
    assert problem.endswith(f"has {len(tiny_tokenizer())} tokens, its encoder 100")


def test_a_tokenizer_in_a_format_without_its_package(encoder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (encoder / "tokenizer.json").unlink()
    (encoder / "tokenizer_config.json").unlink()
    edited = {**json.loads((encoder / "config.json").read_text()), "model_type": "deberta-v2"}
    (encoder / "config.json").write_text(json.dumps(edited))
    (encoder / "spm.model").write_bytes(b"no model of sentencepiece")
    monkeypatch.setattr(loading, "find_spec", lambda _: None)
    (problem,) = problems(PretrainedEncoder(name=str(encoder)).make_reader)
    assert problem.endswith("run: pip install sentencepiece protobuf")


def test_a_tokenizer_without_padding_is_an_error(encoder: Path) -> None:
    tokenizer = tiny_tokenizer()
    tokenizer.pad_token = None
    tokenizer.save_pretrained(encoder)
    (problem,) = problems(PretrainedEncoder(name=str(encoder)).make_reader)
    assert "has no padding token" in problem


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"model_type": "bertt"}'])
def test_a_configuration_that_cannot_be_read(content: str, encoder: Path) -> None:
    (encoder / "config.json").write_text(content)
    source = PretrainedEncoder(name=str(encoder))
    (problem,) = problems(source.locate)
    assert problem.startswith(f"model.name: the configuration in {encoder} cannot be read: ")
    assert source.problems(TASKS) == []  # said once


def test_loading_is_silent(encoder: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> None:
    source = PretrainedEncoder(name=str(encoder))
    source.make_reader()
    model_of(source)
    assert capfd.readouterr() == ("", "")
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []
