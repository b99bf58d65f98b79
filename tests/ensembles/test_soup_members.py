"""What members of a soup have to share."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from polarity.config.recorded import RunSettings
from polarity.ensembles.soup import soup_problems
from polarity.files import write_json
from polarity.models import Head, MultiTaskClassifier
from polarity.models.huggingface.encoder import HuggingFaceEncoder
from polarity.models.joined import JoinedEncoder
from polarity.models.ngrams.encoder import NgramEncoder
from polarity.models.saving import save_model
from tests.tiny import TASKS, tiny_classifier, tiny_reader

READ = {"batching": {"max_length": 32, "max_context": None}, "trainer": {"precision": "32-true"}}


def run_with(path: Path, vocabulary: str = "a b", **sections: dict[str, Any]) -> Any:
    """A folder in which a part of a joined reader has a folder of its own; settings as :data:`READ` has them."""
    reader = path / "model" / "encoder"
    reader.mkdir(parents=True)
    (reader / "tokenizer.json").write_text(vocabulary)
    write_json(path / "model" / "polarity.json", {"head": {}, "weights_sha256": path.name})
    write_json(path / "model" / "config.json", {})
    save_file({"weight": torch.rand(2)}, path / "model" / "model.safetensors")
    settings = {name: {**usual, **sections.get(name, {})} for name, usual in READ.items()}
    return SimpleNamespace(path=path, model=path / "model", settings=RunSettings(settings))


def test_another_vocabulary_is_found_within_the_folders_of_a_model(tmp_path: Path) -> None:
    first, same = run_with(tmp_path / "first"), run_with(tmp_path / "same")
    other = run_with(tmp_path / "other", "a c")
    assert soup_problems([first, same]) == []
    (problem,) = soup_problems([first, same, other])
    assert "the first difference is model/encoder/tokenizer.json" in problem


@pytest.mark.parametrize(
    ("section", "name", "here", "there"),
    [
        ("batching", "max_length", 32, 8),
        ("batching", "max_context", "null", 0.25),
        ("trainer", "precision", '"32-true"', "bf16-mixed"),
    ],
)
def test_members_that_read_or_answer_otherwise_have_no_soup(
    section: str, name: str, here: Any, there: Any, tmp_path: Path
) -> None:
    """It would be read as one of them is, whatever the others have learnt from."""
    first, other = run_with(tmp_path / "first"), run_with(tmp_path / "other", **{section: {name: there}})
    (problem,) = soup_problems([first, other])
    setting = f"{section}.{name}"
    assert f"{other.path} reads and answers by {setting}={there}, {first.path} by {setting}={here}" in problem
    assert "use method=average" in problem


def test_members_may_be_trained_and_evaluated_in_batches_of_other_sizes(tmp_path: Path) -> None:
    sizes = {"batch_size": 8, "eval_batch_size": 4}
    trainer = {"max_epochs": 1, "gradient_clip_val": 0.5}
    other = run_with(tmp_path / "other", batching=sizes, trainer=trainer)
    assert soup_problems([run_with(tmp_path / "first"), other]) == []


def saved(path: Path, model: MultiTaskClassifier) -> Any:
    """The run of a model that reads with the usual tokenizer."""
    save_model(model, tiny_reader(), path / "model")
    return SimpleNamespace(path=path, model=path / "model", settings=RunSettings(READ))


def with_ngrams(**settings: float) -> MultiTaskClassifier:
    """A joined model, whose parts are described within its own description."""
    own = {"dropout": 0.1, "lr": 2e-3, "weight_decay": 0.0, **settings}
    parts = {"encoder": tiny_classifier().encoder, "ngrams": NgramEncoder(terms=5, width=4, **own)}
    return MultiTaskClassifier(tasks=TASKS, encoder=JoinedEncoder(parts), head=Head())


def test_how_members_were_trained_is_no_matter_of_their_soup(tmp_path: Path) -> None:
    others = [
        tiny_classifier(dropout=0.3),
        tiny_classifier(hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.2),
        tiny_classifier(attention="sdpa"),
        tiny_classifier(head=Head(init="linear_probe")),
    ]
    unpadded = tiny_classifier()
    assert isinstance(unpadded.encoder, HuggingFaceEncoder)
    unpadded.encoder.unpadded = True
    runs = [saved(tmp_path / str(number), model) for number, model in enumerate([tiny_classifier(), *others, unpadded])]
    assert soup_problems(runs) == []


@pytest.mark.parametrize("other", [{"pooling": "max"}, {"head": Head(layers=2)}, {"hidden_act": "relu"}, {"layers": 2}])
def test_members_of_another_form_have_no_soup(other: dict[str, Any], tmp_path: Path) -> None:
    runs = [saved(tmp_path / "first", tiny_classifier()), saved(tmp_path / "other", tiny_classifier(**other))]
    (problem,) = soup_problems(runs)
    assert "is of another architecture or tokenizer" in problem


def test_how_parts_of_members_were_trained_is_no_matter_either(tmp_path: Path) -> None:
    def run(name: str, model: MultiTaskClassifier) -> Any:
        made = run_with(tmp_path / name)
        architecture = model.architecture()
        write_json(made.model / "config.json", architecture.pop("encoder"))
        write_json(made.model / "polarity.json", architecture)
        return made

    first, slow = run("first", with_ngrams()), run("slow", with_ngrams(lr=1e-4, dropout=0.5, weight_decay=0.1))
    assert soup_problems([first, slow]) == []
