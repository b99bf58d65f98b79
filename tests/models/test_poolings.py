"""Properties of every pooling with every family: padding changes nothing, each is its formula."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from transformers.modeling_outputs import BaseModelOutputWithPooling

from polarity.models.pooling import Last4MeanPooling, MeanPooling, Pooling
from tests.tiny import FAMILIES, FAMILIES_WITH_POOLER, POOLED, POOLINGS, pooling_of, tiny_batch, tiny_classifier

every_family_and_pooling = pytest.mark.parametrize(("family", "pooling"), POOLED)
every_pooling = pytest.mark.parametrize("name", POOLINGS)


def output(hidden: Tensor) -> BaseModelOutputWithPooling:
    layers = tuple(hidden + number for number in range(5))
    return BaseModelOutputWithPooling(last_hidden_state=layers[-1], hidden_states=layers, pooler_output=hidden[:, 0])


@every_family_and_pooling
@pytest.mark.parametrize("attention", ["eager", "sdpa"])
def test_padding_changes_nothing(family: str, pooling: str, attention: str) -> None:
    if family == "deberta-v2" and attention == "sdpa":
        attention = "eager"
    model = tiny_classifier(family, pooling=pooling, attention=attention).eval()
    with torch.no_grad():
        short, long = model(**tiny_batch()), model(**tiny_batch(padded_to=60))
        alone = [model(**tiny_batch(text)) for text in ("Good news for the people.", "war")]
    for task in range(2):
        torch.testing.assert_close(short[task], long[task], atol=1e-5, rtol=1e-4)
        for row, logits in enumerate(alone):
            torch.testing.assert_close(short[task][row], logits[task][0], atol=1e-5, rtol=1e-4)


@every_pooling
@given(data=st.data())
@settings(max_examples=25, deadline=None)
def test_what_stands_behind_a_row_is_never_read(name: str, data: st.DataObject) -> None:
    lengths = data.draw(st.lists(st.integers(1, 7), min_size=1, max_size=4))
    torch.manual_seed(data.draw(st.integers(0, 99)))
    hidden, pooling = torch.randn(len(lengths), 7, 6), pooling_of(name, 6)
    mask = (torch.arange(7) < torch.tensor(lengths)[:, None]).long()
    left = data.draw(st.sampled_from([1e4, torch.inf, -torch.inf, torch.nan]))
    noise = hidden.where(mask.bool()[..., None], left * torch.randn_like(hidden))
    torch.testing.assert_close(pooling(output(hidden), mask), pooling(output(noise), mask))
    longest = max(lengths)
    cut = pooling(output(hidden[:, :longest]), mask[:, :longest])
    torch.testing.assert_close(pooling(output(hidden), mask), cut)


@every_pooling
def test_a_row_of_one_token_is_that_token(name: str) -> None:
    hidden, mask = torch.randn(2, 3, 6), torch.tensor([[1, 0, 0], [1, 1, 1]])
    pooled = pooling_of(name, 6)(output(hidden), mask)
    shift = {"pooler": 0.0, "last4_mean": 2.5}.get(name, 4.0)  # the layers that it reads were shifted by 1 each
    torch.testing.assert_close(pooled[0], hidden[0, 0] + shift)


@every_pooling
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_the_dtype_of_the_hidden_states_is_kept(name: str, dtype: torch.dtype) -> None:
    pooling, mask = pooling_of(name, 6).to(dtype), torch.ones(2, 3, dtype=torch.long)
    assert pooling(output(torch.randn(2, 3, 6, dtype=dtype)), mask).dtype == dtype


@pytest.mark.parametrize("kind", [MeanPooling, Last4MeanPooling])
def test_means_are_summed_in_float32_under_autocast(kind: type[Pooling]) -> None:
    hidden = torch.randn(2, 4001, 3, dtype=torch.bfloat16)
    mask = torch.ones(2, 4001, dtype=torch.long)
    with torch.autocast("cpu", torch.bfloat16):
        pooled = kind()(BaseModelOutputWithPooling(last_hidden_state=hidden, hidden_states=(hidden,) * 5), mask)
    torch.testing.assert_close(pooled.double(), hidden.double().mean(dim=1), atol=1e-4, rtol=1e-2)


@every_pooling
@pytest.mark.parametrize("left", [1.0, torch.inf, torch.nan])
def test_gradients_are_finite_and_reach_no_padding(name: str, left: float) -> None:
    hidden, mask = torch.randn(2, 4, 6), torch.tensor([[1, 1, 0, 0], [1, 1, 1, 1]])
    hidden[0, 2:] *= left
    hidden.requires_grad_()
    pooling = pooling_of(name, 6)
    pooling(output(hidden), mask).square().sum().backward()
    assert hidden.grad is not None
    assert hidden.grad.isfinite().all()
    assert hidden.grad[0, 2:].eq(0).all()
    assert hidden.grad[:, 0].ne(0).any()
    assert all(parameter.grad is not None and parameter.grad.ne(0).any() for parameter in pooling.parameters())


@every_pooling
def test_representation_names_the_method(name: str) -> None:
    assert repr(pooling_of(name, 6)).startswith(type(pooling_of(name)).__name__)


def test_formulas() -> None:
    hidden, mask = torch.randn(2, 3, 6), torch.tensor([[1, 1, 0], [1, 1, 1]])
    given_output = output(hidden)
    pooled = {name: pooling_of(name, 6)(given_output, mask) for name in POOLINGS if name != "attention"}
    last = hidden + 4
    torch.testing.assert_close(pooled["cls"], last[:, 0])
    torch.testing.assert_close(pooled["pooler"], hidden[:, 0])
    torch.testing.assert_close(pooled["mean"], torch.stack([last[0, :2].mean(dim=0), last[1].mean(dim=0)]))
    torch.testing.assert_close(pooled["max"], torch.stack([last[0, :2].amax(dim=0), last[1].amax(dim=0)]))
    torch.testing.assert_close(pooled["last4_mean"], pooled["mean"] - 1.5)


def test_attention_is_a_weighted_mean_of_the_real_tokens() -> None:
    hidden, mask, pooling = torch.randn(1, 3, 6), torch.tensor([[1, 1, 0]]), pooling_of("attention", 6)
    scores = [pooling.query(torch.tanh(pooling.project(hidden[0, token] + 4))).exp() for token in range(2)]
    expected = sum(score * (hidden[0, token] + 4) for token, score in enumerate(scores)) / sum(scores)
    torch.testing.assert_close(pooling(output(hidden), mask)[0], expected)


@pytest.mark.parametrize("family", FAMILIES)
def test_last4_mean_reads_the_layers_of_the_encoder(family: str) -> None:
    model, batch = tiny_classifier(family, pooling="last4_mean", layers=5).eval(), tiny_batch()
    encoder_inputs = {name: batch[name] for name in ("input_ids", "attention_mask")}
    with torch.no_grad():
        states = model.encoder.backbone(**encoder_inputs, output_hidden_states=True)
        features = model.features(**encoder_inputs)
    assert len(states.hidden_states) == 6
    torch.testing.assert_close(states.hidden_states[-1], states.last_hidden_state)
    mean, mask = torch.stack(states.hidden_states[2:]).mean(dim=0), batch["attention_mask"][..., None]
    torch.testing.assert_close(features, (mean * mask).sum(dim=1) / mask.sum(dim=1), atol=1e-6, rtol=1e-4)


@pytest.mark.parametrize("family", FAMILIES_WITH_POOLER)
def test_only_pooler_pooling_keeps_the_pooler(family: str) -> None:
    model, batch = tiny_classifier(family, pooling="pooler").eval(), tiny_batch()
    inputs = {name: batch[name] for name in ("input_ids", "attention_mask")}
    torch.testing.assert_close(model.features(**inputs), model.encoder.backbone(**inputs).pooler_output)
    assert not any("pooler" in name for name, _ in tiny_classifier(family, pooling="cls").named_parameters())
