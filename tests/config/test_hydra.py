"""What is taken from Hydra's private modules does what is asked of it."""

from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir

from polarity.config.compose import as_job, compose_jobs, resolved
from polarity.config.hydra_private import jobs_of, read_arguments
from polarity.config.recorded import RunSettings
from polarity.config.verb import read_settings
from polarity.errors import UserError
from tests.command import ROOT
from tests.verbs import said_by

PLACE = ROOT / "polarity" / "config" / "hydra_private.py"


def test_overrides_may_stand_anywhere_between_flags() -> None:
    command = read_arguments(["a=1", "-m", "b=2", "--config-dir", "here", "c=3"])
    assert command.overrides == ["a=1", "b=2", "c=3"]
    assert (command.multirun, command.config_dir, command.config_name, command.help) == (True, "here", None, False)
    assert all(hasattr(command, flag) for flag in ("hydra_help", "cfg", "info", "shell_completion"))


@pytest.mark.parametrize("wrong", ["-dash", "--mulitrun", "-x=3"])
def test_an_option_that_there_is_not_is_refused_with_all_others_like_it(wrong: str) -> None:
    with pytest.raises(UserError) as refused:
        read_arguments(["a=1", wrong, "--config-dir", "here", "--other"])
    assert [text.partition(":")[0] for text in refused.value.problems] == [wrong, "--other"]
    assert ("did you mean '--multirun'" in str(refused.value)) == (wrong == "--mulitrun")


@pytest.mark.parametrize("verb", ["train", "compare"])
@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("x" * 251, "--config-name: xxxxxxxxxxxxxxxxxxxx... is too long for a file or folder: 256 bytes, 255"),
        ("mine/" * 1000, "--config-name: mine/mine/mine/mine/... is too long for a file or folder: 5005 bytes, 4095"),
        ("", "--config-name: needs the name of a configuration"),
    ],
    ids=["name", "path", "none"],
)
def test_a_configuration_that_no_file_can_be_called_is_refused(verb: str, name: str, problem: str) -> None:
    assert problem in said_by(verb, "--config-name", name, code=2)
    assert problem in said_by(verb, "--config-name", name, "--cfg", "job", code=2)


def test_jobs_are_every_combination_the_last_setting_changing_fastest() -> None:
    assert jobs_of(["a=1,2", "b=x,y", "c='1,2'"]) == [
        [f"a={a}", f"b={b}", "c='1,2'"] for a in (1, 2) for b in ("x", "y")
    ]
    assert jobs_of(["seed=range(3)"]) == [["seed=0"], ["seed=1"], ["seed=2"]]


def test_nothing_else_uses_private_modules() -> None:
    users = [path for path in Path(ROOT / "polarity").rglob("*.py") if "hydra._internal" in path.read_text("utf-8")]
    assert users == [PLACE]


def test_a_program_of_hydras_own_keeps_its_configuration(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("answer: 42\n")
    with initialize_config_dir(config_dir=str(tmp_path), version_base="1.3"):
        assert resolved(compose_jobs("train", ["seed=7"], config_dir=None, multirun=False)[0].config)[0]["seed"] == 7
        assert compose("mine").answer == 42


def test_a_mapping_and_a_value_of_it_count_in_their_order() -> None:
    """As in Hydra's own composition, which runs what was checked here."""

    def alpha(*overrides: str) -> float:
        (job,) = compose_jobs("train", ["sampler=joint", *overrides], config_dir=None, multirun=False)
        return float(job.config.sampler.alpha)

    assert alpha("sampler.alpha=0.3", "sampler={alpha: 0.5}") == 0.5
    assert alpha("sampler={alpha: 0.5}", "sampler.alpha=0.3") == 0.3


@pytest.mark.parametrize(
    ("trainer", "devices", "one"),
    [
        ({"devices": -1}, None, False),
        ({"devices": "2"}, 2, False),
        ({"devices": "1,"}, 1, True),
        ({"devices": "0,3"}, 2, False),
        *(({"devices": wrong}, None, False) for wrong in ("--1", "-", "cuda:0", "1_0", "٣", "²", "")),
        ({"devices": [1]}, 1, True),
        ({"devices": [0, 3]}, 2, False),
        ({"devices": "auto"}, None, True),
        ({"devices": 1, "num_nodes": 2}, 1, False),
        ({}, None, True),
    ],
)
def test_how_many_devices_a_run_is_shared_out_over(trainer: dict[str, object], devices: int | None, one: bool) -> None:
    settings = RunSettings({"trainer": trainer})
    assert (settings.devices, settings.on_one_device) == (devices, one)


def test_a_fold_is_scored_among_others_as_it_is_alone() -> None:
    usual = {"output_dir": "outputs", "sweep": {"retry": None}, "test": None, "fold": None}
    assert as_job(usual, "sweep")["test"] is False
    fold = as_job({**usual, "fold": 2}, "sweep")
    assert fold["test"] is True
    assert not RunSettings(fold).looks_at_test
    assert RunSettings({**usual, "test": True}).looks_at_test


@pytest.mark.parametrize("several", ["argmax,stored", "glob(*)", "range(1,3)"])
def test_several_values_of_a_setting_of_a_verb_are_one_that_is_not_valid(several: str) -> None:
    with pytest.raises(UserError, match=r"decision: .* is not valid"):
        read_settings("evaluate", ["run=any", f"decision={several}"])
