"""What is advised of a sweep that was begun with ``--config-name`` gives the configuration of its job."""

import shlex
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from polarity import paths
from polarity.config.compose import compose_jobs, resolved
from polarity.config.hydra_private import read_arguments
from polarity.paths import conf_dir
from polarity.sweeps.folder import Sweep
from polarity.sweeps.page import advice
from polarity.sweeps.plan import PlannedJob
from polarity.sweeps.preset import preset_of
from polarity.train import _asked, _checked
from tests.running import overrides

HEAVY = """
defaults:
  - train
  - override loss: ce
  - override sampler: joint
  - _self_
seed: 7
trainer:
  max_epochs: 3
"""


@pytest.fixture
def sweep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sweep:
    """Of a configuration that somebody has put beside the shipped ones."""
    shutil.copytree(conf_dir(), tmp_path / "conf")
    (tmp_path / "conf" / "heavy.yaml").write_text(HEAVY, encoding="utf-8")
    monkeypatch.setattr(paths, "_PACKAGE", tmp_path)
    usual = [text for text in overrides(tmp_path, rows=60) if not text.startswith("trainer.max_epochs")]
    line = ["-m", "--config-name", "heavy", *usual, "optimizer.lr=1e-3,2e-3"]
    told = _asked(line, _checked(line)[1])
    return Sweep.open(told[-1].partition("=")[2].strip('"'))


def name_of(line: list[str]) -> str:
    """The name that the job of a command line has among those of a sweep."""
    command = read_arguments(line)
    name = command.config_name or "train"
    (job,) = compose_jobs(name, command.overrides, config_dir=command.config_dir, multirun=False)
    return PlannedJob({**resolved(job.config)[0], "test": False}, []).name


def test_the_command_line_of_the_page_gives_the_job(sweep: Sweep) -> None:
    job = sweep.jobs[1]
    ranking: Any = SimpleNamespace(winner=SimpleNamespace(recommended=[job.path]))
    (command,) = (line for what, line in advice(sweep, sweep.asked, ranking).items() if "command line" in what)
    assert command.startswith("python -m polarity.train --config-name heavy ")
    assert name_of(shlex.split(command)[3:]) == job.name


def test_the_preset_gives_the_job_to_the_usual_configuration(sweep: Sweep, tmp_path: Path) -> None:
    job, file = sweep.jobs[1], tmp_path / "mine" / "experiment" / "best.yaml"
    file.parent.mkdir(parents=True)
    file.write_text(preset_of(sweep, job, file), encoding="utf-8")
    command = file.read_text("utf-8").splitlines()[1].removeprefix("# ")
    assert "--config-name" not in command
    assert name_of([*shlex.split(command)[3:], "seed=7"]) == job.name
