"""The padded pass attends as that of transformers does, but for the numbers that dropout draws in training."""

import pytest
import torch
from torch import Tensor, nn

from polarity.models.huggingface.attention import CHEAP, ON_GPU, attending, attention
from polarity.models.huggingface.encoder import HuggingFaceEncoder
from polarity.models.huggingface.unpadded import FAMILIES, NAME
from tests.models.test_unpadded import ENCODERS
from tests.tiny import tiny_batch, tiny_classifier


def encoder_of(family: str) -> HuggingFaceEncoder:
    """In training mode, where nothing drops out."""
    torch.manual_seed(0)
    encoder = tiny_classifier(family, **ENCODERS.get(family, {})).encoder
    assert isinstance(encoder, HuggingFaceEncoder)
    for module in encoder.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
        if hasattr(module, "attention_dropout"):  # ModernBERT's
            module.attention_dropout = 0.0
    return encoder.train()


def passes(encoder: HuggingFaceEncoder, batch: dict[str, Tensor], name: str) -> tuple[Tensor, list[Tensor]]:
    """Vectors of real tokens, and gradients."""
    encoder.zero_grad()
    with attending(encoder.backbone.config, name):
        hidden = encoder.backbone(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"])
    real = hidden.last_hidden_state[batch["attention_mask"].bool()]
    (real * torch.linspace(0.1, 1, real.numel()).view_as(real)).sum().backward()
    return real.detach(), [one.grad.clone() for one in encoder.parameters() if one.grad is not None]


@pytest.mark.parametrize("texts", [("war", "Good news for the people."), ("war", "soup")], ids=["padded", "alike"])
@pytest.mark.parametrize("family", FAMILIES)
def test_that_of_a_gpu_is_sdpa(family: str, texts: tuple[str, ...]) -> None:
    encoder, batch = encoder_of(family), tiny_batch(*texts)
    expected, slopes = passes(encoder, batch, "sdpa")
    found, own = passes(encoder, batch, ON_GPU)
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(own, slopes, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("family", FAMILIES)
def test_it_is_the_eager_one(family: str) -> None:
    encoder, batch = encoder_of(family), tiny_batch("war", "Good news for the people.", "soup is bread")
    expected, slopes = passes(encoder, batch, "eager")
    own, gradients = passes(encoder, batch, CHEAP)
    torch.testing.assert_close(own, expected, atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(gradients, slopes, atol=1e-6, rtol=1e-4)


def test_its_weights_drop_out_at_the_rate() -> None:
    module, rows = nn.Identity().train(), 2000
    query = torch.zeros(rows, 1, 3, 4)
    answers, _ = attention(module, query, query, torch.ones_like(query), None, scaling=1.0, dropout=0.3)
    kept = (answers[..., 0] * 3 * 0.7).round()  # of three equal weights, in thirds
    torch.testing.assert_close(kept.mean() / 3, torch.tensor(0.7), atol=0.02, rtol=0)
    assert kept.unique().tolist() == [0, 1, 2, 3]
    answers, _ = attention(module.eval(), query, query, torch.ones_like(query), None, dropout=0.3)
    assert answers.unique().tolist() == [1.0]


LONG = "good news " * 17
"""36 tokens with those around it."""


@pytest.mark.parametrize(("family", "texts", "mode", "precision", "expected"), [
    ("bert", ("war", "soup"), "train", "32", CHEAP),
    ("bert", ("war", "soup"), "eval", "32", "sdpa"),
    ("bert", ("war", "soup"), "eval", "16", "eager"),
    ("bert", (LONG, LONG), "eval", "16", "sdpa"),
    ("bert", ("war", LONG), "train", "32", NAME),
    ("bert", ("war", LONG), "eval", "16", NAME),
    ("deberta-v2", ("war", "soup"), "train", "32", "eager"),
    ("deberta-v2", ("war", "soup"), "eval", "32", "eager"),
])  # fmt: skip
def test_who_attends_how(family: str, texts: tuple[str, ...], mode: str, precision: str, expected: str) -> None:
    training = mode == "train"
    encoder = encoder_of(family).train(training)
    encoder.unpadded, encoder.backbone.config._attn_implementation = family in FAMILIES, "eager"
    batch, seen = tiny_batch(*texts), []
    with torch.inference_mode():
        plain = encoder.pooling(encoder.backbone(**batch), batch["attention_mask"])
    encoder.backbone.register_forward_pre_hook(lambda *_: seen.append(encoder.attention))
    with torch.set_grad_enabled(training), torch.autocast("cpu", torch.bfloat16, enabled=precision == "16"):
        vectors = encoder(**batch)
    assert seen == [expected]
    assert encoder.attention == "eager"
    torch.testing.assert_close(vectors.float(), plain, atol=0.02 if precision == "16" else 1e-5, rtol=0)
