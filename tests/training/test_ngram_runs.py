"""Runs whose model reads n-grams, alone and beside an encoder, from training to prediction."""

from pathlib import Path

import pytest

from polarity.config import preflight
from polarity.config.preflight import prepare
from polarity.errors import UserError
from polarity.files import read_object
from polarity.train import check
from polarity.training.assembled import Stages, assemble
from polarity.training.run import resume_run
from tests.running import composed, overrides, train, write_corpus
from tests.tiny import save_tiny_encoder
from tests.verbs import said_by


@pytest.mark.parametrize("model", ["ngrams", pytest.param("wide_deep", marks=pytest.mark.slow)])
def test_a_run_learns_and_its_folder_says_the_same_again(model: str, tmp_path: Path) -> None:
    more = [f"model={model}", "trainer.max_epochs=4", "regularizer=rdrop", "optimizer.lr=0.01"]
    more += [f"model.{'ngrams.' if model == 'wide_deep' else ''}lr=0.01"]
    if model == "wide_deep":
        more += ["model.encoder=local", f"model.encoder.name={save_tiny_encoder(tmp_path / 'encoder')}"]
    length = ("batching.max_length=",) if model == "ngrams" else ()
    run = train(tmp_path, *more, without=("model=local", "model.name=", *length))
    assert read_object(run.metrics)["val"]["overall"] > 0.8
    assert run.settings.encoder == {"ngrams": "Ngrams", "wide_deep": "WideDeep (encoder, Ngrams)"}[model]
    asked = (f"run={run.path}", "accelerator=cpu")
    assert "are reproduced: " in said_by("evaluate", *asked)
    said_by("predict", *asked, f"input={tmp_path / 'corpus.csv'}", f"output={tmp_path / 'predicted.csv'}")
    assert len((tmp_path / "predicted.csv").read_text(encoding="utf-8").splitlines()) == 241


@pytest.mark.parametrize(
    ("chosen", "reason"),
    [
        (
            ("model=ngrams", "pooling=cls"),
            "the model that is chosen has no pooling of its own.*as model.encoder",
        ),
        (("model=minilm", "model.encoder=mbert"), "the model that is chosen has no encoder of its own"),
    ],
)
def test_a_part_that_a_model_does_not_have_is_explained(chosen: tuple[str, str], reason: str, tmp_path: Path) -> None:
    words = [word for word in overrides(tmp_path) if not word.startswith("model")]
    with pytest.raises(UserError, match=reason):
        check([*words, *chosen])


def test_a_length_that_plays_no_part_is_refused(tmp_path: Path) -> None:
    words = [word for word in overrides(tmp_path) if not word.startswith(("model", "batching.max_length"))]
    with pytest.raises(UserError, match="max_length: has no effect, since this model reads texts whole"):
        check([*words, "model=ngrams", "batching.max_length=64"])


@pytest.mark.parametrize("model", [("model=ngrams",), ("model=minilm", "model.freeze=encoder")])
def test_a_rate_by_layer_is_refused_where_no_layers_are_trained(model: tuple[str, ...], tmp_path: Path) -> None:
    """The default has one, and plays no part there."""
    words = [word for word in overrides(tmp_path) if not word.startswith(("model", "batching.max_length"))]
    check([*words, *model])
    check([*words, *model, "optimizer.layer_decay=1"])
    with pytest.raises(UserError, match="layer_decay: has no effect, since no layers of this model are trained"):
        check([*words, *model, "optimizer.layer_decay=0.5"])


def test_other_ngrams_are_another_vocabulary(tmp_path: Path) -> None:
    first = train(tmp_path, "model=ngrams", "trainer.max_epochs=1", without=("model", "batching.max_length"))
    words = [word for word in overrides(tmp_path) if not word.startswith(("model", "batching.max_length"))]
    with pytest.raises(UserError, match=r"^from: the model of .* has another vocabulary"):
        assemble(prepare(composed(*words, "model=ngrams", f"from={first.path}", "data.split.seed=5")), Stages())


def test_data_that_changed_are_refused_before_a_vocabulary_is_learnt_of_them(tmp_path: Path) -> None:
    run = train(tmp_path, "model=ngrams", "trainer.max_epochs=1", without=("model", "batching.max_length"))
    run.set_status("failed", error="power failure")
    write_corpus(tmp_path / "corpus.csv", rows=239)
    preflight._load_once.cache_clear()  # another process would read them again
    with pytest.raises(UserError, match=r"resume: data: the train split is not the one"):
        resume_run(str(run.path))
