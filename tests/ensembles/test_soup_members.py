"""What members of a soup have to share."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from polarity.ensembles.soup import soup_problems


def run_with(path: Path, vocabulary: str) -> Any:
    """A folder in which a part of a joined reader has a folder of its own."""
    reader = path / "model" / "encoder"
    reader.mkdir(parents=True)
    (reader / "tokenizer.json").write_text(vocabulary)
    (path / "model" / "polarity.json").write_text('{"head": {}, "weights_sha256": "of its own"}')
    (path / "model" / "model.safetensors").write_text(path.name)
    return SimpleNamespace(path=path, model=path / "model")


def test_another_vocabulary_is_found_within_the_folders_of_a_model(tmp_path: Path) -> None:
    first, same = run_with(tmp_path / "first", "a b"), run_with(tmp_path / "same", "a b")
    other = run_with(tmp_path / "other", "a c")
    assert soup_problems([first, same]) == []
    (problem,) = soup_problems([first, same, other])
    assert "the first difference is model/encoder/tokenizer.json" in problem
