"""What was changed in a run's folder after the run is refused by every verb that reads it, with the same words."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from polarity.evaluation.predictions import read_predictions, write_predictions
from polarity.run import RunDirectory
from polarity.runs.manifest import check_unchanged
from tests.command import run as command
from tests.running import write_corpus
from tests.security.tampering import VERBS, edit_config
from tests.verbs import said_by


def edit_json(path: Path, edit: Callable[[Any], object]) -> None:
    content = json.loads(path.read_text(encoding="utf-8"))
    edit(content)
    path.write_text(json.dumps(content), encoding="utf-8")


def bias(run: RunDirectory) -> str:
    edit_json(run.model / "decision.json", lambda rule: rule["tasks"]["tone"]["calibration"].update(scale=[2.0] * 4))
    return "model/decision.json: was changed"


def lower_case(run: RunDirectory) -> str:
    edit_json(run.model / "tokenizer.json", lambda content: content["normalizer"].update(lowercase=False))
    return "model/tokenizer.json: was changed"


def special_token(run: RunDirectory) -> str:
    edit_json(run.model / "tokenizer_config.json", lambda content: content.update(model_max_length=7))
    return "model/tokenizer_config.json: was changed"


def extra_file(run: RunDirectory) -> str:
    (run.model / "added_tokens.json").write_text("{}")
    return "model/added_tokens.json: was added"


def layers(run: RunDirectory) -> str:
    edit_json(run.model / "config.json", lambda content: content.update(layer_norm_eps=0.5))
    return "model/config.json: was changed"


def max_length(run: RunDirectory) -> str:
    edit_config(run, lambda config: config["batching"].update(max_length=8))
    return "config.yaml: batching: was changed"


def class_order(run: RunDirectory) -> str:
    edit_config(run, lambda config: config["data"]["tasks"]["tone"].reverse())
    return "config.yaml: data: was changed"


def task_order(run: RunDirectory) -> str:
    edit_config(run, lambda config: config["data"].update(tasks=dict(reversed(config["data"]["tasks"].items()))))
    return "config.yaml: data: was changed"


def classes_of_model(run: RunDirectory) -> str:
    edit_json(run.model / "polarity.json", lambda card: card["tasks"][1]["classes"].reverse())
    return "model/polarity.json: was changed"


def weights(run: RunDirectory) -> str:
    content = bytearray((run.model / "model.safetensors").read_bytes())
    content[-1] ^= 1
    (run.model / "model.safetensors").write_bytes(bytes(content))
    return "model/model.safetensors: was changed"


def baseline(run: RunDirectory) -> str:
    path = run.baseline("linear", "val")
    result = read_predictions(path)
    result.tasks[0].predicted[:] = 0
    write_predictions(path, result)
    return "baselines/linear/val.parquet: was changed"


def missing_baseline(run: RunDirectory) -> str:
    run.baseline("majority", "test").unlink()
    return "baselines/majority/test.parquet: there is no such file"


def predictions(run: RunDirectory) -> str:
    path = run.predictions("test")
    path.write_bytes(path.read_bytes() + b" ")
    return "predictions/test.parquet: was changed"


def scores(run: RunDirectory) -> str:
    edit_json(run.metrics, lambda metrics: metrics["best"].update(value=0.99))
    return "metrics.json: was changed"


def no_manifest(run: RunDirectory) -> str:
    run.manifest.unlink()
    return "manifest.json: there is no such file"


EDITS = [
    bias, lower_case, special_token, extra_file, layers, max_length, class_order, task_order, classes_of_model, weights,
    baseline, missing_baseline, predictions, scores, no_manifest,
]  # fmt: skip
OF_MODEL = (bias, lower_case, special_token, extra_file, layers, classes_of_model, weights)


@pytest.mark.parametrize("edit", EDITS)
def test_all_verbs_refuse_it_and_write_nothing(
    moved: RunDirectory, tmp_path: Path, edit: Callable[[RunDirectory], str]
) -> None:
    write_corpus(tmp_path / "new.csv", rows=5)
    expected = edit(moved)
    before = sorted(path for path in tmp_path.rglob("*"))
    for verb, more in VERBS.items():
        assert expected in said_by(verb, f"run={moved.path}", *more, code=2), verb
    if edit not in OF_MODEL:
        assert expected in said_by("report", f"run={moved.path}", code=2)
    assert sorted(path for path in tmp_path.rglob("*")) == before


def test_baselines_of_runs_that_are_compared_have_to_be_theirs(moved: RunDirectory, tmp_path: Path) -> None:
    expected = baseline(moved)
    assert expected in said_by("compare", str(moved.path), str(moved.path), code=2)


def test_places_may_change_with_the_folder(moved: RunDirectory, tmp_path: Path) -> None:
    edit_config(moved, lambda config: config.update(output_dir="elsewhere", cache_dir=str(tmp_path / "cache")))
    edit_config(moved, lambda config: config["reporting"].update(texts=False))
    (moved.model / ".DS_Store").write_text("left by a system")
    check_unchanged(moved)
    said = command("evaluate", f"run={moved.path}", "resamples=100", folder=tmp_path)
    assert "the run's own predictions are reproduced" in said


def test_all_that_is_wrong_is_reported_at_once(moved: RunDirectory) -> None:
    expected = [edit(moved) for edit in (bias, lower_case, max_length, baseline)]
    said = said_by("evaluate", f"run={moved.path}", code=2)
    assert "4 problems" in said
    assert all(one in said for one in expected)
