"""What members of a soup have to share."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from polarity.config.recorded import RunSettings
from polarity.ensembles.soup import soup_problems

READ = {"batching": {"max_length": 32, "max_context": None}, "trainer": {"precision": "32-true"}}


def run_with(path: Path, vocabulary: str = "a b", **sections: dict[str, Any]) -> Any:
    """A folder in which a part of a joined reader has a folder of its own; settings as :data:`READ` has them."""
    reader = path / "model" / "encoder"
    reader.mkdir(parents=True)
    (reader / "tokenizer.json").write_text(vocabulary)
    (path / "model" / "polarity.json").write_text('{"head": {}, "weights_sha256": "of its own"}')
    (path / "model" / "model.safetensors").write_text(path.name)
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
