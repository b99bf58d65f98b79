"""Continued pretraining: what it learns, from which texts, that it is shared, and whom it refuses."""

import multiprocessing
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from polarity.config.preflight import prepare
from polarity.data.rows import Rows
from polarity.errors import UserError
from polarity.files import read_object
from polarity.models import PretrainedEncoder
from polarity.models.joined import WideDeep
from polarity.models.ngrams.settings import Ngrams
from polarity.models.saving import load_model
from polarity.pretraining import MaskedLanguageModelling
from polarity.pretraining.masked_tokens import Further, MaskedTokens
from polarity.runs.manifest import check_unchanged
from polarity.training.continued_pretraining import put_into
from tests.effects.corpus import rows
from tests.running import composed, overrides, train
from tests.tiny import save_tiny_encoder

CPU = torch.device("cpu")


def further(
    folder: Path, cache: str = "cache", family: str = "bert", encoder_dropout: float | None = None, **settings: Any
) -> Further:
    if not (folder / family).exists():
        save_tiny_encoder(folder / family, family)
    source = PretrainedEncoder(name=str(folder / family), encoder_dropout=encoder_dropout)
    reader, chosen = source.make_reader(), MaskedLanguageModelling(**{"epochs": 2, "lr": 0.01, **settings})
    read = reader.inputs(rows(60), 32)
    return MaskedTokens(chosen, reader.tokenizer, read, folder / cache, CPU, "32-true").train(source)


def same(first: Further, second: Further) -> bool:
    return all(np.array_equal(value, second.weights[name]) for name, value in first.weights.items())


def test_a_child_of_multiprocessing_pretrains_as_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = further(tmp_path, cache="here")
    monkeypatch.setattr(multiprocessing.current_process(), "_name", "Process-1")
    assert same(here, further(tmp_path, cache="child"))


@pytest.mark.parametrize("family", ["bert", "xlm-roberta", "distilbert", "deberta-v2", "modernbert"])
def test_masked_tokens_are_guessed_better_afterwards(family: str, tmp_path: Path) -> None:
    state = torch.get_rng_state()
    found = further(tmp_path, family=family, epochs=6)
    assert found.after < 0.95 * found.before
    assert (found.texts, found.held_out, found.fresh) == (57, 3, True)
    assert torch.equal(state, torch.get_rng_state())
    encoder = PretrainedEncoder(name=str(tmp_path / family)).build()
    before = {name: value.clone() for name, value in encoder.backbone.state_dict().items()}
    put_into(encoder, found)
    after = encoder.backbone.state_dict()
    assert all(torch.equal(after[name], torch.tensor(value)) for name, value in found.weights.items() if name in after)
    assert after.keys() <= found.weights.keys()
    assert sum(not torch.equal(before[name], value) for name, value in after.items()) > len(after) / 2
    still = further(tmp_path, family=family, epochs=1, lr=1e-12).weights
    assert all(np.allclose(still[name], value, atol=1e-6) for name, value in before.items())  # where it begins


def test_it_is_done_once_and_again_where_anything_differs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, other = further(tmp_path), further(tmp_path, "elsewhere")
    assert same(first, other)
    assert not same(first, further(tmp_path, encoder_dropout=0.5)), "the encoder's own dropout takes part, too"
    assert not same(first, further(tmp_path, rate=0.3))
    with monkeypatch.context() as patch:
        patch.setattr(MaskedTokens, "_trained", lambda *_: pytest.fail("it is there already"))
        again = further(tmp_path)
    assert same(first, again)
    assert (again.before, again.after) == (first.before, first.after)

    def killed(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(torch.optim.AdamW, "step", killed)
        with pytest.raises(KeyboardInterrupt):
            further(tmp_path, seed=7)
    assert same(further(tmp_path, seed=7), further(tmp_path, "elsewhere", seed=7))


def test_adapters_and_poolers_keep_what_they_have(tmp_path: Path) -> None:
    found = further(tmp_path)
    encoder = PretrainedEncoder(name=str(tmp_path / "bert"), lora_rank=2).build()
    kept = {name: value.clone() for name, value in encoder.backbone.state_dict().items() if "lora" in name}
    put_into(encoder, found)
    state, query = encoder.backbone.state_dict(), "encoder.layer.0.attention.self.query"
    assert torch.equal(state[f"{query}.base_layer.weight"], torch.tensor(found.weights[f"{query}.weight"]))
    assert all(torch.equal(state[name], value) for name, value in kept.items())


def test_a_text_is_trained_on_or_held_out_whatever_copies_it_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = PretrainedEncoder(name=str(save_tiny_encoder(tmp_path / "encoder")))
    reader, once = source.make_reader(), rows(60)
    read = reader.inputs(Rows.joined([once, once, once]), 32)
    seen: list[set[int]] = []

    def fit(_: object, __: object, ___: object, texts: np.ndarray) -> float:
        seen.append(set(texts.tolist()))
        return 1.0

    monkeypatch.setattr(MaskedTokens, "_fit", fit)
    monkeypatch.setattr(MaskedTokens, "_loss", fit)
    chosen = MaskedLanguageModelling(epochs=1)
    found = MaskedTokens(chosen, reader.tokenizer, read, tmp_path / "cache", CPU, "32-true").train(source)
    assert (found.texts, found.held_out) == (57, 3)
    held_out, trained = seen[0], seen[1]
    assert not {number % 60 for number in held_out} & {number % 60 for number in trained}


def test_further_texts_are_none_of_those_that_are_evaluated(tmp_path: Path) -> None:
    path = tmp_path / "more.txt"
    path.write_text("A new one\n\nHeld out!\nanother\nanother\n", encoding="utf-8")
    assert MaskedLanguageModelling(texts=str(path)).further(["held OUT!"]) == ["A new one", "another"]
    with pytest.raises(UserError, match="has no text that is not evaluated"):
        MaskedLanguageModelling(texts=str(path)).further(["a new one", "held out!", "Another"])
    assert "cannot be read" in MaskedLanguageModelling(texts=str(tmp_path / "none.txt")).problems(())[0]


@pytest.mark.slow
def test_a_run_begins_with_it_and_so_do_its_seeds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "more.txt").write_text("bread soup apple\narmy tank soldier\n", encoding="utf-8")
    settings = ["pretraining=mlm", "pretraining.lr=1e-2", f"pretraining.texts={tmp_path / 'more.txt'}"]
    settings += ["model.freeze=encoder", "trainer.max_epochs=1", "reporting.baselines=false"]
    run = train(tmp_path, *settings)
    said = " ".join(run.log.read_text().split())
    assert re.search(r"loss of masked tokens [\d.]+ before, [\d.]+ after, on 9 texts held out of 171", said)
    (sentence,) = read_object(run.pretraining)["encoders"]
    assert f"pretraining: {sentence}" in said
    assert f"the encoder was pretrained on the texts: {sentence}." in run.report.read_text(encoding="utf-8")
    check_unchanged(run)
    monkeypatch.setattr(MaskedTokens, "_trained", lambda *_: pytest.fail("it is there already"))
    second = train(tmp_path, *settings, "seed=2", "loss=ce")
    published = PretrainedEncoder(name=run.config["model"]["name"]).build().backbone.state_dict()
    states = [load_model(one.model)[0].encoder.backbone.state_dict() for one in (run, second)]
    assert all(torch.equal(value, states[1][name]) for name, value in states[0].items())
    dense = "encoder.layer.0.output.dense.weight"
    assert not torch.equal(states[0][dense], published[dense])


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (["model=ngrams"], "pretraining: mlm trains an encoder that reads tokens, and "),
        (["from=nowhere"], "pretraining: has no effect with from=, whose weights take the place of"),
        (["folds=3", f"pretraining.texts={__file__}"], "pretraining.texts: with folds it is not known"),
        (["pretraining.texts=nowhere.txt"], "pretraining.texts: nowhere.txt cannot be read"),
    ],
)
def test_what_would_have_no_effect_is_refused(settings: list[str], said: str, tmp_path: Path) -> None:
    arguments = [text for text in overrides(tmp_path) if settings != ["model=ngrams"] or not text.startswith("model")]
    with pytest.raises(UserError) as error:
        prepare(composed(*arguments, "pretraining=mlm", *settings))
    assert any(problem.startswith(said) for problem in error.value.problems)


def test_only_families_with_a_head_for_masked_tokens(tmp_path: Path) -> None:
    causal = PretrainedEncoder(name=str(save_tiny_encoder(tmp_path / "gpt2", "gpt2")))
    assert "no head for masked tokens for 'gpt2'" in MaskedLanguageModelling().misfits(causal)[0]
    bert = PretrainedEncoder(name=str(save_tiny_encoder(tmp_path / "bert")))
    assert MaskedLanguageModelling().misfits(WideDeep(encoder=bert, ngrams=Ngrams())) == []
