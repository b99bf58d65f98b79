"""What belongs together, what it is called, and what differs."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from polarity.comparison.differences import code_notes, configuration_differences
from polarity.comparison.grouping import Group, group_systems
from polarity.comparison.load import System
from polarity.evaluation.predictions import Predictions, TaskPredictions
from polarity.tasks import Task

CONFIG = {
    "seed": 0,
    "output_dir": "outputs",
    "cache_dir": None,
    "run_dir": "RUN_DIR",
    "resume": None,
    "loss": {"gamma": 2.0},
}


def system(name: str, *overrides: str, environment: dict[str, object] | None = None, **config: object) -> System:
    return System(name, Path(name), "run", Predictions([], ()), {**CONFIG, **config}, overrides, environment)


def test_only_the_seed_and_places_may_differ_within_a_group() -> None:
    systems = [
        system("a", seed=1),
        system("b", seed=2, output_dir="elsewhere", cache_dir="c", resume="x", logger={"csv": None}),
        system("c", seed=1, loss={"gamma": 1.0}),
    ]
    assert [group.members for group in group_systems(systems)] == [[0, 1], [2]]


def rows(train: str, val: str = "v") -> dict[str, object]:
    return {"data": {"train": {"fingerprint": train}, "val": {"fingerprint": val}, "test": None}}


def test_the_same_rows_are_one_configuration_wherever_they_stood() -> None:
    """A relative path, an absolute one and that of a copy; but not the rows of a file that was changed in between."""
    systems = [
        system("a", "data.path=c.csv", "x=1", seed=1, data={"path": "c.csv"}, environment=rows("aaaaaaaaaa")),
        system("b", "data.path=/c.csv", seed=2, data={"path": "/c.csv"}, environment=rows("aaaaaaaaaa")),
        system("c", "data.path=c.csv", seed=3, data={"path": "c.csv"}, environment=rows("bbbbbbbbbb")),
        system("d", seed=4, data={"path": "d.csv"}),
    ]
    assert [group.members for group in group_systems(systems[:2])] == [[0, 1]]
    assert [group.name for group in group_systems(systems[:2])] == ["a"]
    assert [group.members for group in group_systems(systems)] == [[0, 1], [2], [3]], "unless nobody knows the rows"
    other = [systems[0], replace(systems[1], config={**CONFIG, "loss": {"gamma": 1.0}, "data": {"path": "/c.csv"}})]
    found = configuration_differences(other, group_systems(other))
    assert [difference.key for difference in found] == ["loss.gamma", "seed"]
    files = [
        replace(one, config={**CONFIG, "seed": seed, "data": {"train": f"{one.name}.csv", "path": None}})
        for seed, one in enumerate(systems[:2])
    ]
    assert [group.members for group in group_systems(files)] == [[0, 1]]
    changed = [systems[0], systems[2]]
    found = configuration_differences(changed, group_systems(changed))
    assert next((one.key, list(one.values.values())) for one in found) == ("training rows", ["aaaaaaaa", "bbbbbbbb"])


def test_folders_without_a_configuration_are_alone() -> None:
    made = [System(name, Path(name), "predictions", Predictions([], ())) for name in "ab"]
    assert [group.name for group in group_systems(made)] == ["a", "b"]


def test_a_group_is_named_by_what_its_command_line_has_beyond_the_others() -> None:
    systems = [
        system("one", "data=vader", "seed=3", seed=3),
        system("two", "data=vader", "loss.gamma=1", "seed=3", seed=3, loss={"gamma": 1.0}),
        system("three", "data=vader", "x=" + "y" * 99, loss={"gamma": 0.0}),
    ]
    assert [group.name for group in group_systems(systems)] == ["one", "loss.gamma=1", "three"]


def test_equal_names_fall_back_to_folders() -> None:
    systems = [system("one", "a=1", loss={"gamma": 1.0}), system("two", "a=1", loss={"gamma": 0.0})]
    assert [group.name for group in group_systems([*systems, system("base")])] == ["one", "two", "base"]


def answers(*decided: int) -> Predictions:
    classes = np.array(decided)
    task = TaskPredictions(Task("tone", ("bad", "good"), "tone"), np.zeros_like(classes), classes)
    return Predictions([str(row) for row in range(len(classes))], (task,))


def test_an_ensemble_of_which_one_member_was_kept_alone_repeats_it() -> None:
    model: dict[str, object] = {"model": {"name": "a"}}
    made = system("made", **model, ensemble={"gate": 2.0})
    alone, soup = replace(made, predictions=answers(0, 1)), replace(made, predictions=answers(0, 0))
    run = replace(system("run", **model), predictions=answers(0, 1))
    assert group_systems([alone, run]) == [Group("run", [1], [0])]
    assert [group.members for group in group_systems([run, soup])] == [[0], [1]]
    other = replace(run, config={**CONFIG, "model": {"name": "b"}})
    assert [group.members for group in group_systems([other, alone])] == [[0], [1]]


def test_an_ensemble_of_which_the_linear_model_was_kept_alone_is_no_other_system() -> None:
    made = replace(system("made"), config={"ensemble": {"gate": 2.0}})
    linear = replace(system("linear"), kind="baseline", config=None, predictions=answers(0, 1))  # type: ignore[arg-type]
    alone, both = replace(made, predictions=answers(0, 1)), replace(made, predictions=answers(0, 0))
    assert group_systems([alone, linear]) == [Group("linear", [1], [0])]
    assert [group.members for group in group_systems([both, linear])] == [[0], [1]]
    run = replace(system("run", model={"name": "a"}), predictions=answers(0, 1))
    assert [group.members for group in group_systems([run, linear])] == [[0], [1]]


def test_equal_numbers_are_one_configuration() -> None:
    systems = [system("a", loss={"gamma": 2}), system("b", loss={"gamma": 2.0}, seed=3)]
    (group,) = group_systems(systems)
    assert group.members == [0, 1]


def test_only_keys_that_differ_are_reported() -> None:
    systems = [
        system("a", loss={"gamma": 2.0, "same": [1]}),
        system("b", loss={"gamma": 3, "same": [1.0], "more": {"x": None}}, output_dir="else"),
        system("c", seed=5),
    ]
    result = configuration_differences(systems, group_systems(systems))
    assert {item.key: list(item.values.values()) for item in result} == {
        "loss.gamma": [2.0, 3, 2.0],
        "loss.same": [[1], [1.0], None],
        "seed": [0, 0, 5],
    }


def test_an_ensemble_does_not_differ_in_what_it_does_not_have() -> None:
    whole = replace(system("both"), config={"data": {"path": "x"}, "ensemble": {"gate": True}})
    systems = [*(replace(system(n), config={"data": {"path": n}, "loss": {"gamma": 2.0}}) for n in "xy"), whole]
    result = configuration_differences(systems, [Group(one.name, [n], []) for n, one in enumerate(systems)])
    assert [item.key for item in result] == ["data.path", "ensemble.gate"]


@pytest.mark.parametrize("same", [True, False])
def test_other_code_is_noted(same: bool) -> None:
    commits = ["1" * 40, ("1" if same else "2") * 40]
    systems = [system(str(n), environment={"polarity": "1", "git": {"commit": c}}) for n, c in enumerate(commits)]
    notes = code_notes(systems)
    assert notes == ([] if same else [f"the runs were made by different commits (0: {'1' * 12}, 1: {'2' * 12})"])
