"""Training the vectors of the tokens that occur: as in the whole table, and without touching any other."""

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from polarity.models import MultiTaskClassifier, PretrainedEncoder
from polarity.models.huggingface.encoder import HuggingFaceEncoder
from polarity.models.huggingface.seen_tokens import SeenTokens, train_seen_tokens
from polarity.models.huggingface.tokens import TokenStore
from polarity.models.huggingface.unpadded import FAMILIES
from tests.models.test_tokens import rows
from tests.models.test_unpadded import ENCODERS
from tests.tiny import model_of, save_tiny_encoder, tiny_batch, tiny_classifier, tiny_tokenizer

READ = ["war", "good news for the people"]


def store(texts: list[str]) -> TokenStore:
    return TokenStore.make(rows(*texts), tiny_tokenizer(), 32)


def narrowed(family: str = "bert") -> tuple[MultiTaskClassifier, MultiTaskClassifier, SeenTokens]:
    """A model, the same one that trains only the tokens of two texts, and its table; nothing drops out."""
    torch.manual_seed(0)
    whole = tiny_classifier(family, **ENCODERS.get(family, {}))
    for module in whole.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    part = copy.deepcopy(whole)
    part.encoder.narrow(store(READ))
    return whole.train(), part.train(), table_of(part)


def table_of(model: MultiTaskClassifier) -> Any:
    assert isinstance(model.encoder, HuggingFaceEncoder)
    return model.encoder.backbone.get_input_embeddings()


def gradients(model: MultiTaskClassifier, batch: dict[str, Tensor]) -> dict[str, Tensor]:
    model.zero_grad()
    torch.cat([(logits**2).flatten() for logits in model(**batch)]).sum().backward()
    return {name: value.grad for name, value in model.named_parameters() if value.grad is not None}


def same_state(first: nn.Module, second: nn.Module) -> bool:
    one, other = first.state_dict(), second.state_dict()
    return list(one) == list(other) and all(torch.equal(value, other[name]) for name, value in one.items())


@pytest.mark.parametrize("family", FAMILIES)
def test_logits_gradients_and_state_are_those_of_the_whole_table(family: str) -> None:
    whole, part, table = narrowed(family)
    assert isinstance(table, SeenTokens)
    assert 4 < len(table.weight) < len(table.whole)
    assert same_state(whole, part)
    batch = tiny_batch(*READ)
    expected, own = gradients(whole, batch), gradients(part, batch)
    (name,) = (name for name, value in part.named_parameters() if value is table.weight)
    expected[name] = expected[name][table.tokens]
    torch.testing.assert_close(own, expected, atol=0, rtol=0)
    others = tiny_batch("soup is bread", "war", "")
    with torch.no_grad():
        torch.testing.assert_close(part.eval()(**others), whole.eval()(**others), atol=0, rtol=0)


def test_a_step_moves_what_was_read_as_before_and_nothing_else() -> None:
    whole, part, table = narrowed()
    before = table_of(whole).weight.detach().clone()
    for model in (whole, part):
        optimizer = torch.optim.AdamW(model.parameters(), lr=0.01, weight_decay=0.1)
        for _ in range(3):
            gradients(model, tiny_batch(*READ))
            optimizer.step()
    after = table_of(part).state_dict()["weight"]
    torch.testing.assert_close(after[table.tokens], table_of(whole).weight[table.tokens], atol=1e-6, rtol=0)
    others = table.rows < 0
    assert torch.equal(after[others], before[others])
    assert not torch.equal(table_of(whole).weight[others], before[others]), "weight decay moves all of a whole table"


def test_states_go_from_one_to_the_other() -> None:
    whole, part, _ = narrowed()
    with torch.no_grad():
        for value in whole.parameters():
            value.add_(1)
    part.load_state_dict(whole.state_dict())
    assert same_state(whole, part)
    assert same_state(whole, copy.deepcopy(part))
    again, _, _ = narrowed()
    again.load_state_dict(part.state_dict())
    assert same_state(whole, again)
    larger = {name: torch.cat([value] * 2) for name, value in whole.state_dict().items()}
    with pytest.raises(RuntimeError, match="size mismatch"):
        part.load_state_dict(larger)


def test_it_follows_to_another_kind_of_number() -> None:
    _, part, table = narrowed()
    part.double()
    assert table.whole.dtype == table.weight.dtype == torch.float64
    assert table.rows.dtype == table.tokens.dtype == torch.int64
    part.eval()(**tiny_batch("soup is bread"))


def test_training_reads_no_other_token() -> None:
    _, part, _ = narrowed()
    with pytest.raises(IndexError):
        part(**tiny_batch("soup is bread"))


@pytest.mark.parametrize("settings", [{"freeze": "embeddings"}, {"freeze": "encoder"}, {"lora_rank": 2}])
def test_a_table_that_is_not_trained_stays(tmp_path: Path, settings: dict[str, Any]) -> None:
    model = model_of(PretrainedEncoder(name=str(save_tiny_encoder(tmp_path, "bert")), **settings))
    model.encoder.narrow(store(READ))
    assert type(table_of(model)) is nn.Embedding


def test_a_table_of_which_all_is_read_or_that_serves_twice_stays() -> None:
    whole, _, _ = narrowed()
    backbone: Any = whole.encoder.backbone
    everything = store(READ)
    everything.seen = lambda tokens: np.ones(tokens, dtype=bool)  # type: ignore[method-assign]
    train_seen_tokens(backbone, everything)
    assert type(table_of(whole)) is nn.Embedding
    other, _, _ = narrowed()
    backbone = other.encoder.backbone
    backbone.again = nn.Linear(16, 193, bias=False)
    backbone.again.weight = table_of(other).weight
    train_seen_tokens(backbone, store(READ))
    assert type(table_of(other)) is nn.Embedding


def test_padding_is_read_in_training_too() -> None:
    seen = store(READ).seen(193)
    assert seen[tiny_tokenizer().pad_token_id]
    assert seen.sum() == 1 + len({*tiny_batch(*READ)["input_ids"].flatten().tolist()} - {tiny_tokenizer().pad_token_id})
