"""What a call hides stays hidden until it ends, and no other call inherits it."""

from pathlib import Path
from typing import Any

import pytest

import polarity
from polarity.config.build import load_corpus
from polarity.errors import UserError
from polarity.privacy import show_texts, texts_are_shown
from tests.running import train
from tests.verbs import said_by


def config(folder: Path, *, texts: bool) -> dict[str, Any]:
    (folder / "rows.csv").write_text("text,label\nsecret words,ye\nother words,no\n", encoding="utf-8")
    part = "polarity.data."
    data = {"path": str(folder / "rows.csv"), "text": "text", "tasks": {"label": ["no", "yes"]}, "split": None}
    leakage = {"_target_": f"{part}leakage.Leakage"}
    return {"data": {"_target_": f"{part}files.FileCorpus", "leakage": leakage, **data}, "reporting": {"texts": texts}}


@pytest.mark.parametrize("texts", [True, False])
def test_reading_data_undoes_nothing_that_the_call_hides(texts: bool, tmp_path: Path) -> None:
    """As `evaluate texts=false` of a run whose own reports show texts."""
    for hidden in (False, True):
        show_texts(not hidden)
        with pytest.raises(UserError) as refused:
            load_corpus(config(tmp_path, texts=texts))
        assert ("'ye'" in str(refused.value)) == (texts and not hidden)


def test_another_call_begins_anew(tmp_path: Path) -> None:
    show_texts(False)
    with pytest.raises(UserError):
        polarity.load(tmp_path)
    assert texts_are_shown()


def test_private_texts_are_not_cached_as_tokens_either(tmp_path: Path) -> None:
    """Whoever has the tokenizer reads them back."""
    kept = {}
    for reporting in ("default", "private"):
        cache = tmp_path / reporting
        run = train(tmp_path, f"reporting={reporting}", f"cache_dir={cache}", "trainer.max_epochs=1")
        said_by("evaluate", f"run={run.path}", "split=val", "accelerator=cpu")
        kept[reporting] = {path.parent for path in cache.rglob("ids.npy")}
    assert len(kept["default"]) == 3, "else this would look for the wrong thing"
    assert kept["private"] == set()
