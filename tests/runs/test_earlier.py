"""Runs that an earlier version made are evaluated and resumed by what their settings meant then."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from polarity.config.earlier import ADDED, MOVED, as_now
from polarity.config.structure import structure_problems
from polarity.config.trust import check_trusted
from polarity.errors import UserError
from polarity.files import write_json
from polarity.models.components import name_of
from polarity.models.late_fusion import LateFusion
from polarity.run import RunDirectory
from polarity.runs.manifest import check_unchanged, seal
from polarity.signature import TARGET
from polarity.training.manifest import Manifest
from polarity.training.run import resume_run, start_run
from tests.misfortune import misfortune
from tests.running import composed, overrides, train
from tests.sameness import assert_same_runs
from tests.verbs import said_by

WRITTEN = Path(__file__).with_name("earlier.yaml")
"""``config.yaml`` as the first version wrote it whose runs can be resumed. It stays as it is."""
SHORT = ("trainer.max_epochs=1", "reporting.baselines=false", "reporting.resamples=100", "callbacks.resume.minutes=0")


def first_version() -> dict[str, Any]:
    return dict(yaml.safe_load(WRITTEN.read_text(encoding="utf-8")))


def aged(run: RunDirectory) -> RunDirectory:
    """The run as that version would have written it."""
    config = run.written_config
    for key in ADDED:
        section, _, name = key.rpartition(".")
        del (config[section] if section else config)[name]
    del config["batching"]["micro_batch_size"]
    config["reporting"][TARGET] = next(iter(MOVED))
    (run.path / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")
    noted = Manifest(run)
    write_json(noted.path, {**noted.read(), "configuration": run.written_config})
    return run


def test_the_first_configuration_that_can_be_resumed_is_still_read() -> None:
    config = as_now(first_version())
    assert structure_problems(config) == []
    check_trusted(config, "config.yaml")
    assert structure_problems(first_version()) != []
    assert as_now(config) == config


def test_what_was_not_there_means_what_was_done_then() -> None:
    config = as_now(first_version())
    assert config["test"] is True  # every run scored test
    assert config["batching"]["max_context"] is None  # contexts were never cut
    assert config["batching"]["micro_batch_size"] == config["batching"]["batch_size"]  # batches were never cut
    assert config["from"] is None
    assert [config[key] for key in ("folds", "repeats", "fold")] == [None, 1, None]
    assert config["pretraining"]["_target_"] == "polarity.pretraining.none.NoPretraining"
    given = {"test": False, "from": "a", "trust": "b", "batching": {"max_context": 0.25, "micro_batch_size": 4}}
    given |= {"folds": 5, "repeats": 2, "fold": 3, "sweep": {"name": "c", "retry": None}, "pretraining": {}}
    assert as_now(given) == given
    fused = as_now({"model": {TARGET: name_of(LateFusion)}})["model"]
    assert fused["width"] == 32  # whatever number of classes the probe had


@pytest.mark.slow
def test_a_finished_run_of_an_earlier_version_is_evaluated(tmp_path: Path) -> None:
    run = aged(train(tmp_path, *SHORT))
    seal(run)
    for verb, more in (("evaluate", ["split=val"]), ("export", ["format=hf"]), ("report", [])):
        said_by(verb, f"run={run.path}", *more)
    scores = [json.loads(path.read_text())["val"] for path in (run.metrics, run.evaluation("val") / "metrics.json")]
    assert scores[0] == scores[1]
    (run.path / "config.yaml").write_text((run.path / "config.yaml").read_text() + "from: null\n")
    with pytest.raises(UserError, match="from: was changed after the run wrote it"):
        check_unchanged(run)


@pytest.mark.slow
def test_a_stopped_run_of_an_earlier_version_goes_on(tmp_path: Path) -> None:
    (tmp_path / "whole").mkdir()
    whole = train(tmp_path / "whole", *SHORT)
    arguments = overrides(tmp_path, *SHORT, misfortune(tmp_path, batch=5))
    with pytest.raises(SystemExit):
        start_run(composed(*arguments), arguments, keep_going=False)
    (path,) = (tmp_path / "outputs").glob("2*")
    resume_run(str(aged(RunDirectory(path)).path), trust="tests.misfortune")
    assert_same_runs(whole, RunDirectory(path))
