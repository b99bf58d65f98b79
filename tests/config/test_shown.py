"""Settings as people are shown them: places by the last of their names, and words as they are."""

from pathlib import Path

import pytest

from polarity.config.compose import CompositionError, compose_jobs
from polarity.config.shown import on_hub, settings_table

LONG = "Instruct: which side does this text take? Text: " * 20
NO_MORE = {"batching": {}, "trainer": {}}


def test_texts_of_any_length_are_shown(tmp_path: Path) -> None:
    model = {"_target_": "my.Encoder", "name": str(tmp_path), "prefix": LONG, "other": LONG, "part": {"prefix": "/a/b"}}
    assert settings_table({"model": model, **NO_MORE}) == {
        "model": "Encoder",
        "model.name": tmp_path.name,
        "model.prefix": LONG,
        "model.other": LONG,
        "model.part.prefix": "/a/b",
    }
    assert on_hub(f"me/{LONG}")


def test_a_long_word_is_a_problem_like_any_other() -> None:
    with pytest.raises(CompositionError) as raised:
        compose_jobs("train", [LONG, "nonsense=1"], config_dir=None, multirun=False)
    assert ["NAME=VALUE" in problem for problem in raised.value.problems] == [True, False]
