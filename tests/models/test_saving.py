"""A saved model is read back exactly, by this project and by plain transformers, or not at all."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModel, AutoTokenizer

from polarity.errors import UserError
from polarity.models import Head, MultiTaskClassifier, PretrainedEncoder, load_model, save_model, saving
from polarity.models.huggingface.loading import quiet_transformers
from tests.tiny import (
    FAMILIES,
    POOLED,
    TASKS,
    model_of,
    save_tiny_encoder,
    tiny_batch,
    tiny_classifier,
    tiny_reader,
    tiny_tokenizer,
)

HEAD = Head(layers=3, width=8, dropout=0.1, residual=True, trunk_width=8, trunk_dropout=0.1)
FILES = ["config.json", "model.safetensors", "polarity.json", "tokenizer.json", "tokenizer_config.json"]


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    save_model(tiny_classifier(head=HEAD), tiny_reader(), tmp_path / "model")
    return tmp_path / "model"


def problem(folder: Path) -> str:
    with pytest.raises(UserError) as error:
        load_model(folder)
    (only,) = error.value.problems
    assert only.startswith(f"{folder}") or "model.name" in only
    return only


def edit(path: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    content = json.loads(path.read_text(encoding="utf-8"))
    change(content)
    path.write_text(json.dumps(content), encoding="utf-8")


def rewrite(folder: Path, change: Callable[[dict[str, torch.Tensor]], Any]) -> None:
    state = load_file(folder / "model.safetensors")
    change(state)
    save_file(state, folder / "model.safetensors", metadata={"format": "pt"})


@pytest.mark.parametrize(("family", "pooling"), POOLED)
def test_a_saved_model_comes_back_exactly(family: str, pooling: str, tmp_path: Path) -> None:
    model, texts = tiny_classifier(family, pooling=pooling, head=HEAD).eval(), ["Good news!", "the awful soup"]
    save_model(model, tiny_reader(), tmp_path / "model")
    assert sorted(path.name for path in (tmp_path / "model").iterdir()) == FILES
    loaded, reader = load_model(tmp_path / "model")
    assert not loaded.training
    assert loaded.architecture() == model.architecture()
    assert loaded.state_dict().keys() == model.state_dict().keys()
    with torch.inference_mode():
        pairs = zip(model(**tiny_batch()), loaded(**tiny_batch()), strict=True)
        assert all(torch.equal(*pair) for pair in pairs)
    assert reader.tokenizer(texts, padding=True).data == tiny_tokenizer()(texts, padding=True).data


@pytest.mark.parametrize(("family", "pooling"), [(family, "attention") for family in FAMILIES] + [("bert", "pooler")])
def test_plain_transformers_reads_the_encoder(family: str, pooling: str, tmp_path: Path) -> None:
    model = tiny_classifier(family, pooling=pooling, head=HEAD)
    save_model(model, tiny_reader(), tmp_path / "model")
    with quiet_transformers():
        encoder, info = AutoModel.from_pretrained(tmp_path / "model", output_loading_info=True)
        tokenizer = AutoTokenizer.from_pretrained(tmp_path / "model")
    assert type(encoder) is type(model.encoder.backbone)
    assert {key for key in info["missing_keys"] if not key.startswith("pooler.")} == set()
    assert (not info["missing_keys"]) or pooling != "pooler"
    assert all(key.startswith("polarity.") for key in info["unexpected_keys"])
    state = encoder.state_dict()
    assert all(torch.equal(value, state[key]) for key, value in model.encoder.backbone.state_dict().items())
    assert tokenizer("good news").data == tiny_tokenizer()("good news").data


@pytest.mark.parametrize("family", FAMILIES)
def test_a_saved_model_is_an_encoder_to_start_from(family: str, tmp_path: Path) -> None:
    first = model_of(PretrainedEncoder(name=str(save_tiny_encoder(tmp_path / "encoder", family))), head=HEAD)
    save_model(first, tiny_reader(), tmp_path / "model")
    second = model_of(PretrainedEncoder(name=str(tmp_path / "model")), TASKS[:1])
    state = second.encoder.backbone.state_dict()
    assert all(torch.equal(value, state[key]) for key, value in first.encoder.backbone.state_dict().items())


def test_the_folder_says_all_that_the_model_is(saved: Path) -> None:
    card = json.loads((saved / "polarity.json").read_text(encoding="utf-8"))
    assert card["format"] == 1
    assert card["tasks"][0] == {"name": "tone", "classes": ["none", "yes", "no"], "column": "tone"}
    assert card["head"] == HEAD.settings
    assert json.loads((saved / "config.json").read_text(encoding="utf-8"))["architectures"] == ["BertModel"]
    keys = load_file(saved / "model.safetensors").keys()
    assert {key.split(".")[0] for key in keys} == {"bert", "polarity"}


@pytest.mark.parametrize("name", FILES[:3])
def test_a_missing_file(name: str, saved: Path) -> None:
    (saved / name).unlink()
    said = problem(saved)
    assert name in said
    assert "there is no such file" in said


def test_a_missing_tokenizer(saved: Path) -> None:
    (saved / "tokenizer.json").unlink()
    assert "tokenizer" in problem(saved)


@pytest.mark.parametrize("name", FILES[:3])
@pytest.mark.parametrize("share", [0.0, 0.5, 0.95])
def test_a_file_that_is_cut_off(name: str, share: float, saved: Path) -> None:
    content = (saved / name).read_bytes()
    (saved / name).write_bytes(content[: int(share * len(content))])
    assert "damaged" in problem(saved)


def test_weights_that_are_missing_are_named(saved: Path) -> None:
    rewrite(saved, lambda state: state.pop("polarity.heads.tone.out.weight"))
    assert "missing: polarity.heads.tone.out.weight" in problem(saved)
    rewrite(saved, lambda state: [state.pop(key) for key in list(state) if key.startswith("bert.encoder.")])
    assert ", ... (" in problem(saved)


def test_weights_that_are_unknown_are_named(saved: Path) -> None:
    rewrite(saved, lambda state: state.update({"polarity.heads.mood.out.weight": torch.zeros(3)}))
    assert "unknown: polarity.heads.mood.out.weight" in problem(saved)


def test_weights_of_another_shape_are_named(saved: Path) -> None:
    edit(saved / "polarity.json", lambda card: card["tasks"][0]["classes"].append("maybe"))
    assert "of another shape: polarity.heads.tone.out.weight, polarity.heads.tone.out.bias" in problem(saved)


def test_weights_of_another_model_of_the_same_shape_are_refused(saved: Path, tmp_path: Path) -> None:
    save_model(tiny_classifier(head=HEAD), tiny_reader(), tmp_path / "other")
    shutil.copy(tmp_path / "other" / "model.safetensors", saved)
    assert "is not the file that was saved with polarity.json" in problem(saved)


def test_a_plain_encoder_is_no_model(tmp_path: Path) -> None:
    assert "polarity.json: there is no such file" in problem(save_tiny_encoder(tmp_path / "encoder"))
    assert "there is no such file" in problem(tmp_path / "nowhere")


def test_another_format_is_refused(saved: Path) -> None:
    edit(saved / "polarity.json", lambda card: card.update(format=2))
    assert "format 2 is unknown" in problem(saved)
    edit(saved / "polarity.json", lambda card: [card.update(format=1), card.pop("pooling")])
    assert "describe no model (KeyError: 'pooling')" in problem(saved)
    edit(saved / "polarity.json", lambda card: [card.pop("tasks"), card.pop("head")])
    assert "lacks tasks, head" in problem(saved)
    (saved / "polarity.json").write_text("[]")
    assert "is damaged" in problem(saved)


def test_saving_replaces_a_model_and_nothing_else(saved: Path, tmp_path: Path) -> None:
    model = tiny_classifier("distilbert", head=HEAD)
    save_model(model, tiny_reader(), saved)
    assert load_model(saved)[0].architecture() == model.architecture()
    (tmp_path / "empty").mkdir()
    save_model(model, tiny_reader(), tmp_path / "empty")
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "diary.txt").write_text("mine")
    with pytest.raises(UserError, match="holds other files"):
        save_model(model, tiny_reader(), tmp_path / "notes")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty", "model", "notes"]


def test_a_failed_save_leaves_nothing_new(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = {path.name: path.read_bytes() for path in saved.iterdir()}

    def fails(path: Path, content: object) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(saving, "write_json", fails)
    for folder in (saved, saved.with_name("another")):
        with pytest.raises(OSError, match="No space"):
            save_model(tiny_classifier(), tiny_reader(), folder)
    assert {path.name: path.read_bytes() for path in saved.iterdir()} == before
    assert [path.name for path in saved.parent.iterdir()] == ["model"]


def test_loading_draws_no_random_numbers(saved: Path) -> None:
    torch.manual_seed(4)
    expected = torch.rand(3)
    torch.manual_seed(4)
    load_model(saved)
    assert torch.equal(torch.rand(3), expected)


def test_flash_attention_is_replaced_where_it_cannot_run(saved: Path) -> None:
    edit(saved / "polarity.json", lambda card: card.update(attention="flash_attention_2"))
    assert load_model(saved)[0].encoder.backbone.config._attn_implementation == "sdpa"


def test_a_model_that_went_through_bf16_is_saved_as_it_is(tmp_path: Path) -> None:
    model = tiny_classifier(head=HEAD).to(torch.bfloat16)
    save_model(model, tiny_reader(), tmp_path / "model")
    loaded: MultiTaskClassifier = load_model(tmp_path / "model")[0]
    for name, value in loaded.state_dict().items():
        torch.testing.assert_close(value, model.state_dict()[name].float())
