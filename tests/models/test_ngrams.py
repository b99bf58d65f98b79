"""The encoder of n-grams: its vectors are those of its TF-IDF, whatever stands beside a row, and come back exactly."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from polarity.data.ngrams import TextFeatures
from polarity.data.reading import Unknown
from polarity.data.rows import Rows
from polarity.errors import UserError
from polarity.models import Head, MultiTaskClassifier, load_model, save_model
from polarity.models.ngrams.encoder import NgramEncoder
from polarity.models.ngrams.reader import NgramReader
from polarity.models.ngrams.settings import Ngrams
from polarity.optimizers import AdamW
from polarity.posthoc import Decider
from polarity.prediction.predictor import Predictor
from polarity.verbs.predict import mostly_unknown
from tests.effects.corpus import TASKS, rows

TEXTS = rows(30)


def made(**settings: float) -> tuple[NgramReader, NgramEncoder]:
    source = Ngrams(**{"width": 5, **settings})
    reader = source.make_reader(TEXTS)
    encoder = source.build(reader)
    torch.nn.init.normal_(encoder.table.weight)
    return reader, encoder.eval()


def test_a_vector_is_the_weighted_sum_of_those_of_its_terms() -> None:
    reader, encoder = made()
    features = TextFeatures()
    expected = features.fit(TEXTS) @ encoder.table.weight.detach().numpy()
    vectors = encoder(**reader.inputs(TEXTS, 4).batch(np.arange(30)))
    np.testing.assert_allclose(vectors.detach().numpy(), expected, atol=1e-5)


def test_a_row_has_the_same_vector_alone_and_beside_others_and_unknown_words_have_none() -> None:
    reader, encoder = made()
    strange = rows(12)
    strange.text[1] = "žžž"
    inputs = reader.inputs(strange, 4)
    together = encoder(**inputs.batch(np.arange(12)))
    for row in range(12):
        torch.testing.assert_close(encoder(**inputs.batch(np.array([row])))[0], together[row])
    assert not together[1].any()
    assert [(one.total, one.unknown, one.share) for one in inputs.unknown()] == [(12, 1, 1 / 12)]
    assert inputs.lengths[1] == 1


def test_vectors_begin_at_zero_and_learn_at_their_own_rate() -> None:
    source = Ngrams(lr=0.5, weight_decay=0.25)
    reader = source.make_reader(TEXTS)
    model = MultiTaskClassifier(tasks=TASKS, encoder=source.build(reader), head=Head())
    assert not model.encoder.table.weight.any()
    groups = {group["name"]: group for group in AdamW(lr=1e-3, head_lr_multiplier=2.0).build(model).param_groups}
    assert (groups["encoder"]["lr"], groups["encoder"]["weight_decay"]) == (0.5, 0.25)
    assert groups["head.sentiment"]["lr"] == 2e-3


def test_dropout_leaves_out_terms_in_training_alone() -> None:
    reader, encoder = made(dropout=0.5)
    batch = reader.inputs(TEXTS, 4).batch(np.arange(30))
    assert torch.equal(encoder(**batch), encoder(**batch))
    encoder.train()
    mean = torch.stack([encoder(**batch) for _ in range(400)]).mean(dim=0)
    torch.testing.assert_close(mean, encoder.eval()(**batch), atol=0.5, rtol=0)


def test_a_saved_model_reads_and_says_the_same(tmp_path: Path) -> None:
    reader, encoder = made()
    model = MultiTaskClassifier(tasks=TASKS, encoder=encoder, head=Head()).eval()
    save_model(model, reader, tmp_path / "model")
    loaded, again = load_model(tmp_path / "model")
    assert again.same_as(reader)
    assert not again.same_as(NgramReader(TextFeatures()))
    rarer = [replace(block, rarity=block.rarity + 1) for block in reader.features.learnt]
    assert not again.same_as(NgramReader(TextFeatures.of(rarer)))
    new = rows(20, seed=5)
    batches = [one.inputs(new, 4).batch(np.arange(20)) for one in (reader, again)]
    for wanted, found in zip(model(**batches[0]), loaded(**batches[1]), strict=True):
        assert torch.equal(wanted, found)
    (tmp_path / "model" / "ngrams.safetensors").write_bytes(b"cut")
    with pytest.raises(UserError, match=r"ngrams.safetensors, or ngrams.json beside it: is damaged"):
        load_model(tmp_path / "model")
    reader.save(tmp_path / "model")
    (tmp_path / "model" / "ngrams.json").write_text("{}")
    with pytest.raises(UserError, match=r"is damaged or cut off \('blocks'\)"):
        load_model(tmp_path / "model")


def test_texts_without_any_ngram_that_is_known_are_told() -> None:
    reader, encoder = made()
    model = MultiTaskClassifier(tasks=TASKS, encoder=encoder, head=Head()).eval()
    settings = {"max_length": 4, "max_context": None, "batch_size": 2, "device": torch.device("cpu")}
    decider = Decider.plain({task.name: task.classes for task in TASKS})
    predictor = Predictor(model, reader, decider, precision="32-true", **settings)
    for texts in (["žžž", TEXTS.text[0]], ["ööö"]):
        predictor.logits(Rows.unlabelled(texts))
    (found,) = predictor.unknown
    assert (found.total, found.unknown) == (3, 2)
    told = ["67% of the texts have none of its n-grams: these predictions say little about the texts"]
    assert mostly_unknown([found]) == told
    assert mostly_unknown([found, Unknown("of the tokens", 2, 1)]) == ["67% of the texts have none of its n-grams"]


def test_there_is_no_vocabulary_without_rows() -> None:
    with pytest.raises(UserError, match="learnt from training rows"):
        Ngrams().make_reader()


def test_texts_that_could_not_be_stored_are_refused_before_training() -> None:
    broken = rows(12)
    broken.text[4] = "half a pair \ud800"
    for read in (Ngrams().make_reader, lambda texts: made()[0].inputs(texts, 4)):
        with pytest.raises(UserError, match=r"1 row without valid Unicode .*ids 0-4"):
            read(broken)
