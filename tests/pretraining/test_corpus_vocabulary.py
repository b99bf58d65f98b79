"""A model that reads and guesses among some tokens alone says of these what the whole one says."""

import copy

import numpy as np
import pytest
import torch
from transformers import AutoModelForMaskedLM, PreTrainedModel

from polarity.pretraining.corpus_vocabulary import CorpusVocabulary
from tests.tiny import tiny_config

FAMILIES = ["bert", "xlm-roberta", "roberta", "distilbert", "electra", "modernbert", "deberta-v2", "mpnet"]
SEEN = (2, 3, 5, 8, 9, 13)


def made(family: str, *, tied: bool) -> tuple[PreTrainedModel, PreTrainedModel, CorpusVocabulary]:
    """The whole model, the other one, and what stands between them."""
    torch.manual_seed(0)
    config = tiny_config(family)
    config.tie_word_embeddings = tied
    whole: PreTrainedModel = AutoModelForMaskedLM.from_config(config).eval()
    for weight in whole.parameters():
        torch.nn.init.normal_(weight, std=0.2)
    seen = np.zeros(config.vocab_size, dtype=bool)
    seen[list(SEEN)] = True
    model = copy.deepcopy(whole)
    return whole, model, CorpusVocabulary(model, seen)


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("family", FAMILIES)
def test_it_says_of_its_tokens_what_the_whole_one_says(family: str, tied: bool) -> None:
    whole, model, vocabulary = made(family, tied=tied)
    pad = whole.get_input_embeddings().padding_idx or 0
    ids = torch.tensor([[2, 5, 9, 13, 8], [3, 8, 2, pad, pad]])
    mask = (ids != pad).long()
    table = model.get_input_embeddings().weight
    assert len(SEEN) <= len(table) < len(whole.get_input_embeddings().weight)
    kept = vocabulary._tokens
    assert set(SEEN) <= set(kept.tolist())
    with torch.no_grad():
        ours = model(input_ids=vocabulary.rows(ids), attention_mask=mask).logits
        theirs = whole(input_ids=ids, attention_mask=mask).logits[..., kept]
    torch.testing.assert_close(ours[mask.bool()], theirs[mask.bool()])
    assert (model.get_output_embeddings().weight is table) == (
        whole.get_output_embeddings().weight is whole.get_input_embeddings().weight
    )


@pytest.mark.parametrize("family", FAMILIES)
def test_what_it_learns_is_in_the_whole_table_and_other_tokens_keep_their_vectors(family: str) -> None:
    whole, model, vocabulary = made(family, tied=True)
    before = whole.base_model.state_dict()
    for name, value in vocabulary.state(model.base_model).items():
        assert torch.equal(value, before[name]), name
    table = model.get_input_embeddings().weight
    with torch.no_grad():
        table += 1
    after, changed = vocabulary.state(model.base_model), whole.get_input_embeddings().weight.detach().clone()
    changed[vocabulary._tokens] += 1
    (name,) = [name for name, value in before.items() if not torch.equal(value, after[name])]
    assert torch.equal(after[name], changed)


def test_a_token_that_the_corpus_lacks_becomes_another_one() -> None:
    """The random ones that stand for masked tokens are drawn from all."""
    _, model, vocabulary = made("bert", tied=True)
    rows = vocabulary.rows(torch.arange(20))
    assert int(rows.max()) < len(model.get_input_embeddings().weight)
    assert rows[vocabulary._tokens[vocabulary._tokens < 20]].tolist() == list(range((vocabulary._tokens < 20).sum()))
