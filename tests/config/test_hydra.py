"""What is taken from Hydra's private modules does what is asked of it."""

from pathlib import Path

from polarity.config.hydra_private import jobs_of, read_arguments
from tests.command import ROOT

PLACE = ROOT / "polarity" / "config" / "hydra_private.py"


def test_overrides_may_stand_anywhere_between_flags() -> None:
    command = read_arguments(["a=1", "-m", "b=2", "--config-dir", "here", "c=3"])
    assert command.overrides == ["a=1", "b=2", "c=3"]
    assert (command.multirun, command.config_dir, command.config_name, command.help) == (True, "here", None, False)
    assert all(hasattr(command, flag) for flag in ("hydra_help", "cfg", "info", "shell_completion"))


def test_jobs_are_every_combination_the_last_setting_changing_fastest() -> None:
    assert jobs_of(["a=1,2", "b=x,y", "c='1,2'"]) == [
        [f"a={a}", f"b={b}", "c='1,2'"] for a in (1, 2) for b in ("x", "y")
    ]
    assert jobs_of(["seed=range(3)"]) == [["seed=0"], ["seed=1"], ["seed=2"]]


def test_nothing_else_uses_private_modules() -> None:
    users = [path for path in Path(ROOT / "polarity").rglob("*.py") if "hydra._internal" in path.read_text("utf-8")]
    assert users == [PLACE]
