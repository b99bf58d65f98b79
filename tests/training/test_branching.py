"""A run that begins with another one's weights: what is taken over, what is not, and what is refused."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from polarity.config.preflight import prepare
from polarity.errors import UserError
from polarity.models.saving import load_model
from polarity.run import RunDirectory
from polarity.training.assembled import Assembled, Stages, assemble
from tests.running import composed, overrides, train, write_corpus
from tests.sameness import assert_same_runs, history
from tests.training.test_resume import interrupted


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    return train(tmp_path_factory.mktemp("origin"), "trainer.max_epochs=1", "reporting.baselines=false")


def branched(origin: RunDirectory, *more: str, **settings: Any) -> Assembled:
    arguments = overrides(origin.path.parents[1], f"from={origin.path}", *more, **settings)
    return assemble(prepare(composed(*arguments)), Stages())


def same(first: torch.nn.Module, second: torch.nn.Module) -> bool:
    pairs = zip(first.parameters(), second.parameters(), strict=True)
    return all(torch.equal(one, other) for one, other in pairs)


def test_encoder_and_heads_are_those_of_the_other_run(origin: RunDirectory) -> None:
    assembled, (model, _) = branched(origin, "seed=3"), load_model(origin.model)
    assert same(assembled.module.model, model)
    assert "encoder and heads of tone, topic" in assembled.prepared.splits.notes[-1]
    assert not same(assembled.module.model, branched(origin, "from=null").module.model)


def test_a_task_with_other_classes_begins_anew(origin: RunDirectory) -> None:
    assembled = branched(origin, "data.tasks={tone:[no,yes,none,1],topic:[war,food]}")
    model, _ = load_model(origin.model)
    assert same(assembled.module.model.encoder, model.encoder)
    assert same(assembled.module.model.heads["topic"], model.heads["topic"])
    assert not same(assembled.module.model.heads["tone"], model.heads["tone"])
    assert not assembled.branched  # so that its state is not validated before training
    assert "heads of topic; tone: begins anew" in assembled.prepared.splits.notes[-1]


def test_a_task_that_is_new_leaves_the_heads_of_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("polarity.training.branching.check_seen_rows", lambda *_: [])  # a task more, other splits
    only = "~data.tasks.topic"
    origin = train(tmp_path, "trainer.max_epochs=1", "reporting.baselines=false", only, rows=120)
    assembled = branched(origin)
    assert "encoder and heads of tone; topic: begins anew" in assembled.prepared.splits.notes[-1]
    assert same(assembled.module.model.heads["tone"], load_model(origin.model)[0].heads["tone"])


def test_another_encoder_is_refused_with_the_settings_of_the_run(origin: RunDirectory) -> None:
    with pytest.raises(UserError, match=r"^from: the model of .* has another encoder.*model\.name="):
        branched(origin, "model.pooling=attention")


def test_rows_that_it_was_trained_on_are_not_evaluated(origin: RunDirectory, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"^from: val: .* stand in the train split"):
        branched(origin, "data.split.seed=5")
    notes = branched(origin, "data.split.seed=5", "data.leakage.exact=allow").prepared.splits.notes
    assert any(note.startswith("from: test: ") for note in notes)
    other = write_corpus(tmp_path / "other.csv", seed=9)
    other.write_text(other.read_text(encoding="utf-8").replace(" w", " v"), encoding="utf-8")
    branched(origin, f"data.path={other}")


def test_what_is_no_finished_run_or_was_changed_is_refused(origin: RunDirectory, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"^from: "):
        branched(origin, f"from={tmp_path}")
    copy = Path(shutil.copytree(origin.path, tmp_path / "copy"))
    weights = copy / "model" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\1")
    with pytest.raises(UserError, match=r"^from: .*model\.safetensors: was changed"):
        branched(origin, f"from={copy}")


def test_a_branch_trains_from_there_and_says_so(origin: RunDirectory) -> None:
    run = train(origin.path.parents[1], f"from={origin.path}", "trainer.max_epochs=1", "reporting.baselines=false")
    assert run.path != origin.path
    before, epoch = history(run)
    assert (before["epoch"], epoch["epoch"]) == ("-1", "0")
    assert float(before["val/macro_f1"]) == pytest.approx(json.loads(origin.metrics.read_text())["best"]["value"])
    assert run.config["from"] == str(origin.path)
    assert f"begins with the weights of {origin.path}" in " ".join(run.log.read_text(encoding="utf-8").split())


def logits(model: torch.nn.Module, assembled: Assembled) -> list[torch.Tensor]:
    batch = assembled.data.inputs["val"].batch(np.arange(20))
    with torch.inference_mode():
        return list(model.eval()(**batch))


@pytest.mark.slow
@pytest.mark.parametrize(("first", "second"), [("encoder", "none"), ("none", "encoder")])
def test_a_second_stage_begins_where_the_first_one_ended(
    first: str, second: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = train(tmp_path, f"model.freeze={first}", "trainer.max_epochs=1", "reporting.baselines=false")
    assembled, (model, _) = branched(run, f"model.freeze={second}"), load_model(run.model)
    for one, other in zip(logits(assembled.module.model, assembled), logits(model, assembled), strict=True):
        assert torch.equal(one, other)
    line = [f"from={run.path}", f"model.freeze={second}", "optimizer.lr=1e-12", "callbacks.resume.minutes=0"]
    then = train(tmp_path, *line)
    for one, other in zip(logits(load_model(then.model)[0], assembled), logits(model, assembled), strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-5)  # what is kept of a first stage is not learnt anew
    (tmp_path / "stopped").mkdir()
    assert_same_runs(then, interrupted(tmp_path / "stopped", (1, 1), monkeypatch, *line))
