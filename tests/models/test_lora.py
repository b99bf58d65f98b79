"""Low-rank adapters: what is trained, that the merged model says what they do, and that nothing of them is left."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from polarity import api
from polarity.config.preflight import prepare
from polarity.errors import UserError
from polarity.models import MultiTaskClassifier, PretrainedEncoder
from polarity.models.saving import load_model
from polarity.training.assembled import Stages, assemble
from tests.running import composed, overrides, train
from tests.sameness import assert_same_runs
from tests.tiny import TASKS, model_of, pooling_of, save_tiny_encoder, tiny_batch
from tests.training.test_resume import interrupted

TABLE = "embeddings.word_embeddings.weight"
FAMILIES = {"bert": "auto", "deberta-v2": "auto", "modernbert": ["Wqkv", "Wo"], "gpt2": "auto"}


def adapted(folder: Path, family: str = "bert", **settings: Any) -> MultiTaskClassifier:
    """A model whose adapters have learnt something."""
    name = str(save_tiny_encoder(folder / family, family))
    targets = FAMILIES.get(family, "auto")
    source = PretrainedEncoder(name=name, lora_rank=3, **{"dropout": 0.0, "lora_targets": targets, **settings})
    torch.manual_seed(0)
    model = model_of(source)
    with torch.no_grad():
        for key, value in model.named_parameters():
            if "lora_B" in key:
                value.normal_()
    return model


def trainable(model: nn.Module) -> set[str]:
    return {name for name, value in model.named_parameters() if value.requires_grad}


@pytest.mark.parametrize("family", FAMILIES)
def test_a_merged_model_says_to_the_last_bit_what_the_adapted_one_does(family: str, tmp_path: Path) -> None:
    model, batch = adapted(tmp_path, family, encoder_dropout=0.0).eval(), tiny_batch()
    with torch.no_grad():
        for precision in (torch.float32, torch.bfloat16):
            with torch.autocast("cpu", precision, enabled=precision == torch.bfloat16):
                before = model(**batch)
                copy = MultiTaskClassifier.from_architecture(json.loads(json.dumps(model.architecture())))
                copy.load_state_dict(model.state_dict())
                copy.encoder.merge()
                assert all(torch.equal(one, other) for one, other in zip(before, copy.eval()(**batch), strict=True))
        beside = model.train()(**batch)
    assert all(torch.allclose(one, other, atol=1e-4) for one, other in zip(model.eval()(**batch), beside, strict=True))
    assert not any("lora" in name or "base_layer" in name for name in copy.state_dict())
    assert "lora" not in copy.architecture()
    plain = model_of(PretrainedEncoder(name=str(tmp_path / family), dropout=0.0))
    assert copy.state_dict().keys() == plain.state_dict().keys()
    assert any(not torch.equal(one, other) for one, other in zip(beside, plain.eval()(**batch), strict=True))


def test_adapters_heads_and_pooling_are_trained_alone(tmp_path: Path) -> None:
    model = adapted(tmp_path)
    of_encoder = {name for name in trainable(model) if name.startswith("encoder.")}
    assert of_encoder == {
        f"encoder.backbone.encoder.layer.{layer}.attention.self.{part}.lora_{matrix}.default.weight"
        for layer in range(4)
        for part in ("query", "value")
        for matrix in "AB"
    }
    assert {name.partition(".")[0] for name in trainable(model)} == {"encoder", "heads"}
    places = [place.name for place in model.encoder.places() if any(one.requires_grad for one in place.parameters)]
    assert places == [f"layer.{layer}" for layer in range(4)]  # so that their rates go by depth
    attention = adapted(tmp_path, pooling=pooling_of("attention"))
    assert any("pooling" in name for name in trainable(attention))


def test_alpha_dropout_and_targets_are_what_is_asked_for(tmp_path: Path) -> None:
    model, scaled = adapted(tmp_path), adapted(tmp_path, lora_alpha=6)
    batch, part = tiny_batch(), "encoder.backbone.encoder.layer.0.attention.self.query"
    weights = {name: value.clone() for name, value in model.named_parameters()}
    for one, scale in ((model, 1.0), (scaled, 2.0)):
        one.encoder.merge()
        query = one.get_parameter(f"{part}.weight") - weights[f"{part}.base_layer.weight"]
        product = weights[f"{part}.lora_B.default.weight"] @ weights[f"{part}.lora_A.default.weight"]
        torch.testing.assert_close(query, scale * product, atol=1e-6, rtol=1e-5)
    dropping = adapted(tmp_path, lora_dropout=0.5, encoder_dropout=0.0)
    assert {part.p for name, part in dropping.named_modules() if name.endswith("lora_dropout.default")} == {0.5}
    assert not torch.equal(dropping(**batch)[0], dropping(**batch)[0])
    everywhere = adapted(tmp_path, lora_targets="all-linear")
    adapters = {name.partition(".lora_A")[0] for name in trainable(everywhere) if "lora_A" in name}
    assert len(adapters) == 4 * 6
    assert {name for name in trainable(adapted(tmp_path, lora_targets=["dense"])) if "self" in name} == set()


def test_checkpointed_layers_give_the_same_gradients(tmp_path: Path) -> None:
    found = []
    for checkpointing in (False, True):
        model = adapted(tmp_path, gradient_checkpointing=checkpointing, encoder_dropout=0.0)
        sum(values.square().sum() for values in model(**tiny_batch())).backward()
        found.append([value.grad for value in model.parameters() if value.requires_grad])
    assert all(torch.allclose(one, other, atol=1e-6) for one, other in zip(*found, strict=True))
    assert all(gradient.any() for gradient in found[0])


@pytest.mark.parametrize(
    ("family", "settings", "said"),
    [
        ("bert", {"lora_rank": 2, "freeze": "embeddings"}, r"freeze: has no effect with lora_rank"),
        ("bert", {"lora_alpha": 2}, r"lora_alpha: has no effect without lora_rank; set it to null"),
        ("bert", {"lora_targets": ["query"]}, r"lora_targets: has no effect without lora_rank; set it to auto"),
        ("bert", {"lora_rank": 2, "lora_targets": ["querry"]}, r"no linear layer 'querry'.*query"),
        ("bert", {"lora_rank": 2, "lora_targets": []}, r"lora_targets: names no layer"),
        ("modernbert", {"lora_rank": 2}, r"peft has no choice for 'modernbert'; name some of Wqkv, Wo, Wi"),
    ],
)
def test_what_has_no_effect_or_no_place_is_refused(family: str, settings: Any, said: str, tmp_path: Path) -> None:
    name = str(save_tiny_encoder(tmp_path / "encoder", family))
    with pytest.raises(UserError, match=said):
        raise UserError(PretrainedEncoder(name=name, **settings).problems(TASKS) or ["none"])


def test_without_the_package_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("polarity.models.huggingface.lora.find_spec", lambda _: None)
    name = str(save_tiny_encoder(tmp_path / "encoder"))
    said = PretrainedEncoder(name=name, lora_rank=2).problems(TASKS)
    assert said == ["lora_rank: needs the package peft, which is not installed; pip install 'polarity[lora]'"]


def test_weights_in_parts_have_no_adapters(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"model\.lora_rank: adapters need whole weights"):
        prepare(composed(*overrides(tmp_path, "model.lora_rank=2", "trainer=fsdp", "trainer.devices=1")))


@pytest.mark.slow
def test_what_a_run_leaves_is_a_plain_model_that_others_go_on_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = train(tmp_path, "model.lora_rank=2", "trainer.max_epochs=1", "reporting.baselines=false")
    kept, text = json.loads(run.metrics.read_text())["best"], "good fine army w7"
    saved = torch.load(run.path / kept["checkpoint"], weights_only=True)
    assert saved["architecture"]["lora"] == {"rank": 2, "alpha": 2, "dropout": 0.0, "targets": "auto"}
    first = {name.removeprefix("model."): value for name, value in saved["state_dict"].items()}
    model, _ = load_model(run.model)
    own = model.state_dict()
    words, query = (f"encoder.backbone.{name}" for name in (TABLE, "encoder.layer.0.attention.self.query"))
    assert torch.equal(own[words], first[words])
    assert not torch.equal(own[f"{query}.weight"], first[f"{query}.base_layer.weight"])
    branched = assemble(prepare(composed(*overrides(tmp_path, "model.lora_rank=3", f"from={run.path}"))), Stages())
    ours = branched.module.model.state_dict()
    assert torch.equal(ours[f"{query}.base_layer.weight"], own[f"{query}.weight"])
    assert not ours[f"{query}.lora_B.default.weight"].any()
    monkeypatch.setitem(sys.modules, "peft", None)
    assert set(api.load(run.path).predict([text])[0]) >= {"tone", "topic"}


@pytest.mark.slow
def test_a_run_that_was_cut_off_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = ("model.lora_rank=2", "model.lora_dropout=0.2", "callbacks=ema", "callbacks.resume.minutes=0")
    for name in ("straight", "stopped"):
        (tmp_path / name).mkdir()
    straight = train(tmp_path / "straight", *settings)
    assert_same_runs(straight, interrupted(tmp_path / "stopped", (1, 3), monkeypatch, *settings))
