"""Search spaces in Hydra's grammar, and what is refused of them before anything is written."""

import math
from pathlib import Path
from unittest.mock import patch

import pytest

from polarity.config.search.parameter import Parameter
from polarity.errors import UserError
from polarity.train import check
from tests.running import overrides


@pytest.mark.parametrize(
    ("text", "probes", "count", "proposed", "written"),
    [
        ("loss=ce,focal", ["ce", "focal"], 2, "focal", "loss=focal"),
        ("loss=choice(ce,focal,ldam)", ["ce", "focal", "ldam"], 3, "ce", "loss=ce"),
        ('a.b="x, y",null', ['"x, y"', "null"], 2, "null", "a.b=null"),
        ("a.b=range(1,9,3)", ["1", "7"], 3, 1, "a.b=4"),
        ("a.b=range(0,1,0.25)", ["0.0", "0.75"], 4, 2, "a.b=0.5"),
        ("a.b=interval(1,20)", ["1.0", "20.0"], math.inf, 3.14159, "a.b=3.142"),
        ("a.b=interval(0.12344,1)", ["0.12344", "1.0"], math.inf, 0.123441, "a.b=0.12344"),
        ("a.b=tag(log,interval(1e-5,1e-3))", ["1e-05", "0.001"], math.inf, 2.34567e-05, "a.b=2.346e-05"),
        ("a.b=interval(0.123456,0.123467)", ["0.123456", "0.123467"], math.inf, 0.12346123, "a.b=0.12346123"),
        ("a.b=interval(1000001,1000009)", ["1000001.0", "1000009.0"], math.inf, 1000002.3456, "a.b=1000002.35"),
        ("a.b=int(interval(1,8))", ["1", "8"], 8, 3, "a.b=3"),
        ("a.b=tag(int,log,interval(1,8))", ["1", "8"], 8, 3, "a.b=3"),
        ("a.b=1,1.0,2,1e0", ["1", "2"], 2, "1", "a.b=1"),
        ("a.b=choice(7)", ["7"], 1, "7", "a.b=7"),
        ("++a.ใช่=1,2", ["1", "2"], 2, "2", "a.ใช่=2"),
    ],
)
def test_the_grammar(text: str, probes: list[str], count: float, proposed: str | float, written: str) -> None:
    parameter = Parameter.read(text)
    assert (parameter.probes, parameter.count, parameter.written(proposed)) == (probes, count, written)


@pytest.mark.parametrize(
    ("text", "distances"),
    [
        ("a=choice(x,y,z)", {"x": 0, "y": 0.5, "z": 1}),
        ("a=range(9,0,-3)", {"9": 0, "6": 0.5, "3": 1}),
        ("a=interval(1,9)", {"1.0": 0, "5.0": 0.5, "9.0": 1}),
        ("a=tag(log,interval(1,100))", {"1.0": 0, "10.0": 0.5}),
        ("a=choice(x)", {"x": 0}),
    ],
)
def test_how_far_a_value_is_from_the_plainest(text: str, distances: dict[str, float]) -> None:
    parameter = Parameter.read(text)
    assert {value: parameter.distance(f"a={value}") for value in distances} == pytest.approx(distances)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a=interval(2,1)", "its first end has to be below the second"),
        ("a=interval(1,inf)", "both have to be numbers"),
        ("a=tag(log,interval(0,1))", "both ends have to be above 0"),
        ("a=tag(lgo,interval(1,2))", "no such tag; did you mean 'log'"),
        ("a=tag(int,interval(0.5,2))", "its ends have to be whole numbers"),
        ("a=tag(log,range(1,5))", r"is for interval\(\)"),
        ("a=int(interval(1.5,8))", "its ends have to be whole numbers"),
        ("a=int(tag(log,interval(1.5,8)))", "its ends have to be whole numbers"),
        ("a=range(1,9,0)", "its step has to be another number than 0"),
        ("a=range(5,1)", "there is no value in it"),
        ("a=glob(*)", "says nothing to search"),
        ("a=5", "says nothing to search"),
        ("a=interval(1", "says nothing to search"),
    ],
)
def test_what_is_no_search_space(text: str, problem: str) -> None:
    with pytest.raises(UserError, match=problem):
        Parameter.read(text)


def refused(folder: Path, *more: str) -> str:
    with pytest.raises(UserError) as error:
        check(["-m", *overrides(folder, *more)])
    assert not (folder / "outputs").exists()
    return str(error.value)


def test_all_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    said = refused(
        tmp_path,
        "hydra/sweeper=optuna",
        "hydra.sweeper.sampler=grid",
        "hydra.sweeper.trials=0",
        "loss.gamma=interval(-1,2)",
        "loss.gama=interval(0,1)",
        "data.text=interval(0,1)",
        "optimizer.weight_decay=interval(1,0)",
        "trainer.max_epochs=interval(1,3)",
    )
    assert len(said.splitlines()) == 9
    for problem in (
        "hydra.sweeper.sampler: 'grid' is not valid",
        "hydra.sweeper.trials: must be greater than or equal to 1",
        "loss.gamma: must be",
        "loss.gama: FocalLoss has no such setting; did you mean 'gamma'",
        "data.text: must be a text, got 0.0",
        "optimizer.weight_decay: interval(1,0)",
        "trainer.max_epochs: must be a whole number, got 1.0",
    ):
        assert problem in said, said


@pytest.mark.parametrize(
    "searched", ["data.split.seed=range(1,9)", "limit.val=50,60", "limit=none,small", "data.path=a,b"]
)
def test_what_is_scored_cannot_be_searched(searched: str, tmp_path: Path) -> None:
    said = refused(tmp_path, "hydra/sweeper=optuna", searched)
    assert f"{searched.partition('=')[0]}: says which rows or tasks are scored" in said


def test_what_is_compared_cannot_be_searched(tmp_path: Path) -> None:
    said = refused(tmp_path, "hydra/sweeper=optuna", "monitor=val/macro_f1,val/tone/macro_f1")
    assert "monitor: says what scores are compared, so that there is nothing to search" in said


def test_settings_of_a_search_that_do_not_go_together(tmp_path: Path) -> None:
    said = refused(
        tmp_path,
        "hydra/sweeper=optuna",
        "hydra/launcher=basic",
        "hydra.sweeper.pruner=median",
        "hydra.sweeper.seeds=2",
        "seed=range(1,4)",
    )
    assert "hydra.sweeper.pruner: ends processes" in said
    assert "hydra.sweeper.seeds: has no effect where seed itself is searched" in said
    assert "nothing to search" in refused(tmp_path, "hydra/sweeper=optuna")
    assert "hydra.sweeper.params: must be" in refused(tmp_path, "hydra/sweeper=optuna", "hydra.sweeper.params=3")
    said = refused(tmp_path, "search=focal,llrd", "hydra/sweeper=optuna", "hydra.sweeper.seeds=1,2")
    assert "search: has one value for the whole search" in said
    assert "hydra.sweeper.seeds: has one value for the whole search" in said
    assert "search=boots: no such preset; did you mean 'boosts'" in refused(tmp_path, "search=boots", "loss.gama=1")


def test_without_the_extra(tmp_path: Path) -> None:
    with patch("polarity.config.search.asked.find_spec", return_value=None):
        assert "pip install 'polarity[search]'" in refused(tmp_path, "search=focal")


def test_a_search_needs_several_runs(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="search: has an effect with -m only"):
        check(overrides(tmp_path, "search=focal"))


@pytest.mark.slow
def test_a_preset_of_ones_own_searches_and_sets_nothing(tmp_path: Path) -> None:
    (tmp_path / "mine" / "search").mkdir(parents=True)
    file = tmp_path / "mine" / "search" / "own.yaml"
    params = 'hydra: {sweeper: {params: {loss.gamma: "interval(0,2)", seed: "range(1,3)"}}}'
    heading = "# @package _global_\n"
    file.write_text(f"{heading}loss: {{smoothing: 0.1}}\ndefaults: [override /hydra/sweeper: optuna]\n{params}\n")
    line = ["-m", "--config-dir", str(tmp_path / "mine"), *overrides(tmp_path, "search=own")]
    with pytest.raises(UserError, match="search: its preset sets loss, too"):
        check(line)
    file.write_text(f"{heading}{params}\n")
    with pytest.raises(UserError, match="its preset has to choose the sweeper"):
        check(line)
    file.write_text(f"{heading}defaults: [override /hydra/sweeper: optuna]\n{params}\n")
    check(line)
    with pytest.raises(UserError, match=r"loss\.gamma: must be"):
        check([*line, "loss.gamma=interval(-1,2)"])  # the command line wins
