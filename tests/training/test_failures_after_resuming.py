"""What goes wrong in a resumed run is told, recorded and ends with the right code, as in one that has just begun."""

import csv
import signal
from pathlib import Path
from typing import Any

import pytest

from polarity.run import RunDirectory
from polarity.training.run import start_run
from tests.misfortune import misfortune
from tests.running import composed, overrides
from tests.test_misfortunes import no_file_above
from tests.verbs import outcome_of

SHORT = ("callbacks.resume.minutes=0", "reporting.baselines=false", "reporting.resamples=100")
TRUST = "trust=tests.misfortune"


def stopped(folder: Path, **then: Any) -> RunDirectory:
    """A run that has stopped within its first epoch, with a resume point.

    :param then: what happens to it in its second epoch.
    """
    second = misfortune(folder, name="second", epoch=1, batch=1, **then)
    arguments = overrides(folder, *SHORT, misfortune(folder, name="first", batch=5), second)
    with pytest.raises(SystemExit):
        start_run(composed(*arguments), arguments, keep_going=False)
    (path,) = (folder / "outputs").glob("2*")
    assert RunDirectory(path).resume_point.exists()
    return RunDirectory(path)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "code", "reason"),
    [
        ("terminate", 128 + signal.SIGTERM, "interrupted by SIGTERM"),
        ("interrupt", 128 + signal.SIGINT, "interrupted by SIGINT"),
        ("spoil", 1, "the loss is nan in epoch 2"),
        ("error", 1, "power failure"),
    ],
)
def test_a_resumed_run_that_fails_again_says_why(kind: str, code: int, reason: str, tmp_path: Path) -> None:
    run = stopped(tmp_path, kind=kind)
    ended, said = outcome_of("train", f"resume={run.path}", TRUST)
    assert ended == code
    assert said.count("The run stopped: ") == 1
    assert reason in said
    assert "Traceback" not in said
    assert run.status["state"] == "failed"
    assert reason in run.status["error"]
    assert run.log.read_text(encoding="utf-8").count("The run stopped: ") == 2  # and the time before


@pytest.mark.slow
@pytest.mark.parametrize(("room", "recorded"), [(50_000, True), (100, False)])
def test_a_full_disk_is_reported_also_where_it_cannot_be_recorded(room: int, recorded: bool, tmp_path: Path) -> None:
    run = stopped(tmp_path, kind="error")
    with no_file_above(room):
        code, said = outcome_of("train", f"resume={run.path}", TRUST)
    assert code == 1, said
    assert said.count("The run stopped: ") == 1
    assert "File too large" in said
    assert ("this could not be recorded" in said) is not recorded
    assert run.status["state"] == "failed"
    assert ("File too large" in run.status["error"]) is recorded
    (tmp_path / "mark of second").touch()
    assert outcome_of("train", f"resume={run.path}", TRUST)[0] == 0
    assert run.status["state"] == "finished"


@pytest.mark.slow
@pytest.mark.parametrize("minutes", [0, 10])
def test_a_folder_that_is_removed_in_mid_run(minutes: int, tmp_path: Path) -> None:
    arguments = overrides(tmp_path, *SHORT[1:], f"callbacks.resume.minutes={minutes}")
    code, said = outcome_of("train", *arguments, misfortune(tmp_path, kind="vanish", batch=2))
    assert code == 1
    assert "The run stopped: its folder was removed meanwhile: " in said
    assert "Traceback" not in said
    assert "go on with" not in said


@pytest.mark.slow
def test_a_sweep_that_is_interrupted_tells_what_is_finished(tmp_path: Path) -> None:
    both = overrides(tmp_path, *SHORT, misfortune(tmp_path, kind="interrupt", epoch=1), rows=120)
    swept = ("trainer.log_every_n_steps=1", "trainer.max_epochs=1,2,3", "hydra/launcher=basic", "sweep=three")
    code, said = outcome_of("train", "-m", *both, *swept)
    assert code == 128 + signal.SIGINT
    table = tmp_path / "outputs" / "three" / "jobs.csv"
    rows = list(csv.DictReader(table.read_text(encoding="utf-8").splitlines()))
    assert [row["state"] for row in rows] == ["finished", "interrupted", "waiting"]
    assert all(row["folder"] in said for row in rows)
    assert "interrupted by SIGINT" in rows[1]["error"]
    assert said.count("job 3") == 0
