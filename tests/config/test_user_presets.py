"""Presets of the user's own, in a folder of the user's own, from any working directory."""

import os
import sys
from pathlib import Path

import pytest
import yaml

from polarity.config.compose import compose_jobs, resolved
from polarity.errors import UserError
from polarity.paths import conf_dir
from polarity.run import RunDirectory
from polarity.train import check
from tests.command import ROOT, run
from tests.running import overrides, write_corpus
from tests.tiny import save_tiny_encoder

DATA = """
defaults:
  - csv
  - _self_
path: {corpus}
id: id
tasks: {{tone: ["yes", "no", none, 1], topic: [war, food]}}
absent_classes: warn
split: {{near_duplicates_together: false}}
leakage: {{near: allow}}
"""
EXPERIMENT = """
# @package _global_
defaults:
  - override /data: comments
  - override /model: local
  - override /sampler: joint
  - _self_
model: {{name: {encoder}}}
batching: {{max_length: 32}}
loss:
  multipliers:
    tone: {{"yes": 1.5, 1: 3}}
sampler:
  boosts: {{topic: {{war: 2.0}}}}
trainer: {{max_epochs: 1, log_every_n_steps: 1}}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder ``mine`` with two presets, seen from a working directory beside it."""
    corpus, encoder = write_corpus(tmp_path / "comments.csv", rows=120), save_tiny_encoder(tmp_path / "encoder")
    write(tmp_path / "mine" / "data" / "comments.yaml", DATA.format(corpus=corpus))
    write(tmp_path / "mine" / "experiment" / "mine.yaml", EXPERIMENT.format(encoder=encoder))
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    return tmp_path / "mine"


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text.lstrip())


@pytest.mark.slow
@pytest.mark.parametrize("path", ["../mine", "{folder}"])
def test_they_pass_the_preflight(path: str, folder: Path) -> None:
    check(["--config-dir", path.format(folder=folder), "experiment=mine"])
    check(["-m", "--config-dir", path.format(folder=folder), "experiment=mine", "sampler=joint,natural", "seed=1,2"])
    assert list(Path.cwd().iterdir()) == []


def test_they_are_between_the_groups_and_the_command_line(folder: Path) -> None:
    typed = ["experiment=mine", "loss.multipliers.tone.1=5", "sampler.boosts.topic.food=1.5"]
    (job,) = compose_jobs("train", typed, config_dir=str(folder), multirun=False)
    config, problems = resolved(job.config)
    assert problems == []
    assert config["data"]["_target_"] == "polarity.data.files.FileCorpus"
    assert config["data"]["split"]["val"] == 0.15
    assert config["loss"]["multipliers"] == {"tone": {"yes": 1.5, "1": 5}}
    assert config["sampler"]["boosts"] == {"topic": {"war": 2.0, "food": 1.5}}


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("experiment=mien", "experiment=mien: no such preset; did you mean 'mine'?"),
        ("data=coments", "data=coments: no such preset; did you mean 'comments'?"),
    ],
)
def test_their_names_are_suggested(wrong: str, message: str, folder: Path) -> None:
    with pytest.raises(UserError) as refused:
        check(["--config-dir", str(folder), wrong])
    assert refused.value.problems[0].startswith(message)


def test_a_missing_folder_is_reported(folder: Path) -> None:
    with pytest.raises(UserError, match="--config-dir: nowhere is no folder"):
        check(["--config-dir", "nowhere", "experiment=mine"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("loss: {gama: 3}", "loss.gama: FocalLoss has no such setting; did you mean 'gamma'?"),
        ("losss: {gamma: 3}", "losss: no such setting; did you mean 'loss'?"),
        ("loss: {multipliers: {tone: {yes: 2.0}}}", "loss.multipliers.tone: YAML reads an unquoted yes"),
        ("loss: {multipliers: {tone: {2: 2.0}}}", "loss.multipliers.tone.2: task 'tone' has no such class"),
        ("loss:\n  gamma: ${gama}", "loss.gamma: "),
        ("loss: {gamma: [}", "while parsing"),
        ("defaults: [override /loss: ce, _self_]\nloss: {gamma: 2.0}", "loss.gamma: CrossEntropyLoss has no such"),
    ],
)
def test_what_is_wrong_in_them_is_reported(text: str, message: str, folder: Path) -> None:
    write(folder / "experiment" / "wrong.yaml", f"# @package _global_\n{text}\n")
    corpus, encoder = folder.parent / "comments.csv", folder.parent / "encoder"
    usual = [text for text in overrides(folder.parent) if not text.startswith(("data.path", "model.name"))]
    arguments = [*usual, f"data.path={corpus}", f"model.name={encoder}", "experiment=wrong"]
    with pytest.raises(UserError) as refused:
        check(["--config-dir", str(folder), *arguments])
    (problem,) = refused.value.problems
    assert message in problem


def test_an_experiment_without_its_first_line_is_told_so(folder: Path) -> None:
    write(folder / "experiment" / "late.yaml", "# late.yaml\n# @package _global_\ndefaults:\n  - override /loss: ce\n")
    with pytest.raises(UserError, match="the first line of this experiment's file has to be: # @package _global_"):
        check(["--config-dir", str(folder), "experiment=late"])


def test_class_names_are_texts_however_they_are_spelled(folder: Path) -> None:
    names = {"boosts": {"tone": {1: 2.0, "no": 3.0, "none": 4.0}}}
    write(folder / "experiment" / "names.yaml", f"# @package _global_\n{yaml.safe_dump({'sampler': names})}")
    (job,) = compose_jobs("train", ["experiment=names", "sampler=joint"], config_dir=str(folder), multirun=False)
    config, problems = resolved(job.config)
    assert problems == []
    assert config["sampler"]["boosts"] == {"tone": {"1": 2.0, "no": 3.0, "none": 4.0}}


@pytest.mark.slow
def test_they_train_through_the_command_line(folder: Path) -> None:
    said = run("train", "--config-dir", "../mine", "experiment=mine", "sampler=natural", folder=Path.cwd(), real=True)
    assert "NaturalSampler" in said
    finished = RunDirectory.open("outputs/latest")
    assert finished.status["state"] == "finished"
    assert finished.config["loss"]["multipliers"] == {"tone": {"yes": 1.5, "1": 3}}
    assert "boosts" not in finished.config["sampler"]


def test_one_with_the_name_of_a_shipped_one_is_refused_unless_it_is_the_same(folder: Path) -> None:
    write(folder / "loss" / "focal.yaml", (conf_dir() / "loss" / "focal.yaml").read_text(encoding="utf-8"))
    compose_jobs("train", ["loss=focal"], config_dir=str(folder), multirun=False)
    write(folder / "loss" / "focal.yaml", "_target_: mine.Other\n")
    with pytest.raises(UserError, match=r"--config-dir: .*loss/focal.yaml has the name of a shipped preset"):
        compose_jobs("train", [], config_dir=str(folder), multirun=False)


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("import nothing_of_this_name", "ModuleNotFoundError: No module named 'nothing_of_this_name'"),
        ("raise OSError('no such device')", "OSError: no such device"),
        ("def broken(", "SyntaxError: '(' was never closed"),
        ("import sys; sys.exit(0)", "SystemExit: 0"),
    ],
)
def test_why_a_module_cannot_be_imported_is_told(
    code: str, reason: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(folder / "loss" / "broken.yaml", "_target_: broken_module_of_mine.Loss\n")
    write(folder.parent / "broken_module_of_mine.py", code)
    monkeypatch.syspath_prepend(str(folder.parent))
    monkeypatch.delitem(sys.modules, "broken_module_of_mine", raising=False)
    with pytest.raises(UserError) as error:
        check(["--config-dir", str(folder), "experiment=mine", "loss=broken"])
    (problem,) = error.value.problems
    assert problem.startswith(f"loss._target_: cannot import 'broken_module_of_mine.Loss' ({reason}")


WRONG = """from polarity.losses import CrossEntropyLoss


class Wrong(CrossEntropyLoss):
    def problems(self, tasks):
        return [None][1]
"""


@pytest.mark.slow
def test_a_mistake_in_own_code_is_told_with_its_line(folder: Path) -> None:
    write(folder / "loss" / "wrong.yaml", "defaults: [_shared, _self_]\n_target_: wrong_module_of_mine.Wrong\n")
    write(folder.parent / "wrong_module_of_mine.py", WRONG)
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(folder.parent)])}
    said = run("train", "--config-dir", "mine", "experiment=mine", "loss=wrong", folder=folder.parent, env=env, code=1)
    assert f"failed by a mistake in {folder.parent / 'wrong_module_of_mine.py'}, line 6" in said
