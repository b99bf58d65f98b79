"""The pass without padding gives what the padded one gives, gradients too, for every family and pooling."""

from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import BertConfig

from polarity.models import MultiTaskClassifier, PretrainedEncoder
from polarity.models.huggingface import unpadded
from polarity.models.huggingface.encoder import HuggingFaceEncoder
from polarity.models.huggingface.families import random_encoder
from polarity.models.huggingface.unpadded import FAMILIES, LengthTable, attention_by_rows, tables_of
from polarity.models.pooling import MeanPooling
from tests.tiny import POOLED, model_of, save_tiny_encoder, tiny_batch, tiny_classifier

LONG = "They hate the awful soup, and the table, and the chair, and all that is in it or was!"
BATCHES: dict[str, dict[str, Any]] = {
    "spread": {"texts": ["war", "Good news for the people.", LONG, "", "soup"]},
    "pairs": {"texts": ["war", LONG, "bread"], "pairs": ["the party", "peace", LONG]},
    "padding as text": {"texts": ["good [PAD] war", LONG, "[PAD]"]},
    "one row": {"texts": ["war"], "padded_to": 9},
    "alike": {"texts": ["war", "bread", "soup"]},
}
ENCODERS = {"camembert": {"type_vocab_size": 1}, "electra": {"embedding_size": 8}}
CASES = [(family, pooling, "spread") for family, pooling in POOLED if family in FAMILIES]
CASES += [(family, "mean", case) for family in FAMILIES for case in BATCHES]


def classifier(
    family: str, pooling: str = "mean", *, rate: float = 0.0
) -> tuple[MultiTaskClassifier, HuggingFaceEncoder]:
    """In training mode, with this rate of dropout."""
    torch.manual_seed(0)
    model = tiny_classifier(family, pooling=pooling, **ENCODERS.get(family, {}))
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = rate
    assert isinstance(model.encoder, HuggingFaceEncoder)
    return model, model.encoder


def tokens_seen(encoder: HuggingFaceEncoder) -> list[int]:
    """Fills with the number of tokens that each pass puts through the first linear layer."""
    seen: list[int] = []
    layer = next(module for module in encoder.backbone.modules() if isinstance(module, torch.nn.Linear))
    layer.register_forward_hook(lambda _, inputs, __: seen.append(inputs[0].shape[:-1].numel()))
    return seen


def losses(model: MultiTaskClassifier, batch: dict[str, Tensor]) -> tuple[list[Tensor], dict[str, Tensor]]:
    """Logits, and the gradients of a loss that weighs all of them differently."""
    model.zero_grad()
    logits = model(**batch)
    weights = [torch.linspace(0.1, 1, values.numel()).view_as(values) for values in logits]
    torch.stack([(v.log_softmax(dim=1) * w).sum() for v, w in zip(logits, weights, strict=True)]).sum().backward()
    gradients = {name: value.grad.clone() for name, value in model.named_parameters() if value.grad is not None}
    return [values.detach() for values in logits], gradients


@pytest.mark.parametrize(("family", "pooling", "case"), dict.fromkeys(CASES))
def test_it_is_equal(family: str, pooling: str, case: str) -> None:
    model, encoder = classifier(family, pooling)
    given = dict(BATCHES[case])
    batch = tiny_batch(*given.pop("texts"), **given)
    expected, slopes = losses(model, batch)
    seen, encoder.unpadded = tokens_seen(encoder), True
    logits, gradients = losses(model, batch)
    assert seen == [int(batch["attention_mask"].sum())]
    torch.testing.assert_close(logits, expected, atol=1e-5, rtol=1e-4)
    assert gradients.keys() == slopes.keys()
    for name, slope in slopes.items():
        torch.testing.assert_close(gradients[name], slope, atol=1e-5, rtol=1e-3, msg=name)


def test_rows_drop_out_as_they_do_with_padding() -> None:
    _, encoder = classifier("bert", rate=0.3)
    batch = tiny_batch(*["war", "good bread", LONG] * 300)
    moments = []
    for encoder.unpadded in (False, True):
        with torch.no_grad():
            vectors = encoder(**batch).unflatten(0, (300, 3))
        moments.append((vectors.mean(dim=0), vectors.std(dim=0)))
    (mean, spread), (own_mean, own_spread) = moments
    assert ((mean - own_mean).abs() < 5 * spread / 300**0.5 * 2**0.5).all()
    torch.testing.assert_close(own_spread, spread, rtol=0.25, atol=0)


def test_it_leaves_no_trace() -> None:
    model, encoder = classifier("bert")
    encoder.unpadded = True
    before = encoder.architecture(), encoder.attention, list(model.state_dict())
    model(**tiny_batch())
    assert (encoder.architecture(), encoder.attention, list(model.state_dict())) == before


@pytest.mark.parametrize("family", FAMILIES)
def test_answers_go_without_padding_too_and_are_the_same(family: str) -> None:
    model, encoder = classifier(family)
    batch = tiny_batch(*BATCHES["spread"]["texts"])
    encoder.unpadded = True
    rebuilt = MultiTaskClassifier.from_architecture(model.architecture()).eval()
    rebuilt.load_state_dict(model.state_dict())
    assert isinstance(rebuilt.encoder, HuggingFaceEncoder)
    seen, length = tokens_seen(rebuilt.encoder), int(batch["attention_mask"][1].sum())
    padded = rebuilt(**batch)  # as an export traces it
    with torch.inference_mode():
        answers = rebuilt(**batch)
        with torch.autocast("cpu", torch.bfloat16):
            rounded = rebuilt(**batch)
            alone = rebuilt(**{name: values[1:2, :length] for name, values in batch.items()})
    places, tokens = batch["input_ids"].numel(), int(batch["attention_mask"].sum())
    assert seen == [places, tokens, tokens, length]
    torch.testing.assert_close(answers, [values.detach() for values in padded], atol=1e-6, rtol=1e-5)
    for half, whole, own in zip(rounded, answers, alone, strict=True):
        torch.testing.assert_close(half.float(), whole, atol=0.02, rtol=0)
        torch.testing.assert_close(half[1:2], own, atol=0.01, rtol=0)  # whichever rows are beside it


@pytest.mark.parametrize(
    ("family", "settings", "goes"),
    [
        ("bert", {}, True),
        ("bert", {"attention": "eager"}, False),
        ("bert", {"gradient_checkpointing": True}, False),
        ("deberta-v2", {}, False),
    ],
)
def test_who_goes_without(tmp_path: Any, family: str, settings: dict[str, Any], *, goes: bool) -> None:
    folder = str(save_tiny_encoder(tmp_path, family))
    encoder = model_of(PretrainedEncoder(name=folder, **settings)).train().encoder
    assert isinstance(encoder, HuggingFaceEncoder)
    seen, batch = tokens_seen(encoder), tiny_batch()
    encoder(**batch).sum().backward()
    expected = int(batch["attention_mask"].sum()) if goes else batch["input_ids"].numel()
    assert seen[0] == expected


def test_tables_hold_rows_of_like_lengths_and_every_token_once() -> None:
    lengths = torch.tensor([40, 3, 9, 1, 10, 3])
    tables = tables_of(lengths)
    assert [table.shape for table in tables] == [(1, 1), (2, 3), (2, 10), (1, 40)]
    assert torch.cat([table.tokens for table in tables]).sort().values.tolist() == list(range(66))
    third = tables[2]
    assert third.mask.sum(dim=1).tolist() == [9, 10]
    assert third.tokens.tolist() == [*range(43, 52), *range(53, 63)]
    assert isinstance(third, LengthTable)


@pytest.mark.parametrize("fused", [True, False])
def test_gradients_of_attention_are_right(monkeypatch: pytest.MonkeyPatch, *, fused: bool) -> None:
    monkeypatch.setattr(unpadded, "fused_pays", lambda _: fused)
    states = [torch.randn(1, 2, 6, 3, dtype=torch.float64, requires_grad=True) for _ in range(3)]
    tables, module = tables_of(torch.tensor([1, 3, 2])), torch.nn.Identity()
    for window in (None, 2):

        def attend(q: Tensor, k: Tensor, v: Tensor, window: int | None = window) -> Tensor:
            return attention_by_rows(module, q, k, v, None, tables=tables, scaling=0.5, sliding_window=window)[0]

        assert torch.autograd.gradcheck(attend, states)
        q, k, v = (state[0] for state in states)
        last = attend(*states)[0, 4:].transpose(0, 1)  # of two tokens, which see each other in any window
        expected = (q[:, 4:] @ k[:, 4:].transpose(1, 2) * 0.5).softmax(dim=-1) @ v[:, 4:]
        torch.testing.assert_close(last, expected)


def test_a_decoder_keeps_the_padded_pass() -> None:
    """Its tokens do not see what follows, which the pass by rows does not know."""
    for decoder in (False, True):
        config = BertConfig(hidden_size=16, num_hidden_layers=1, num_attention_heads=2, is_decoder=decoder)
        backbone = random_encoder(config, "eager", pooler=False)
        assert HuggingFaceEncoder(backbone, MeanPooling(), 0.1, unpadded=True).unpadded != decoder
