"""How tasks are declared, and how class names survive YAML and the command line."""

from collections import Counter
from typing import Any

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from polarity.data.declarations import Declaration, declare
from polarity.printable import printable
from polarity.privacy import show_texts
from polarity.tasks import Task

REFUSED: list[tuple[Any, str]] = [
    ({}, "tasks: name at least one task"),
    ("stance", "tasks: must be {task: [class, class, ...]}"),
    ({"a b": ["x", "y"]}, "tasks.a b: 'a b' cannot name a task"),
    ({"a/b": ["x", "y"]}, "tasks.a/b: 'a/b' cannot name a task"),
    ({"a.b": ["x", "y"]}, "tasks.a.b: 'a.b' cannot name a task"),
    ({"für": ["x", "y"]}, "tasks.für: 'für' cannot name a task"),
    ({True: ["x", "y"]}, "tasks.True: True cannot name a task"),
    ({"t": "x"}, "tasks.t: its classes must be a list"),
    ({"t": {"clases": ["x", "y"]}}, "tasks.t.clases: a task has no such setting; did you mean 'classes'?"),
    ({"t": {"column": True, "classes": ["x", "y"]}}, "tasks.t.column: must be the name of a column, got True"),
    ({"t": ["x"]}, "tasks.t: has one class, 'x'; a task needs at least two"),
    ({"t": ["x", "y", " x"]}, "tasks.t: the class 'x' is named 2 times"),
    ({"t": ["x", 1, "1"]}, "tasks.t: the class '1' is named 2 times"),
    ({"t": ["x", " "]}, "tasks.t: a class has an empty name"),
    ({"t": ["x", "\x1b[31my"]}, "tasks.t: a class name holds control characters"),
    ({"t": ["x", ["y"]]}, "tasks.t: a class must be a name, got ['y']"),
]


@pytest.mark.parametrize(("tasks", "message"), REFUSED, ids=[message for _, message in REFUSED])
def test_refused(tasks: Any, message: str) -> None:
    problems = declare(tasks)[1]
    assert [problem for problem in problems if problem.startswith(message)], problems


@pytest.mark.parametrize(
    ("tasks", "advised"),
    [
        (["polarität"], {"polaritat": {"column": "polarität"}}),
        ({"Straße": ["x", "für"]}, {"strasse": {"column": "Straße", "classes": ["x", "für"]}}),
        ({"é": {"column": "c", "classes": [True, 1, "1.5"]}}, {"e": {"column": "c", "classes": [True, 1, "1.5"]}}),
        (
            {"tön": ["x", "y"], "ton": ["a", "b"], "тон": ["c", "d"], "тема": []},
            {
                "ton_2": {"column": "tön", "classes": ["x", "y"]},
                "ton": {"column": "ton", "classes": ["a", "b"]},
                "task": {"column": "тон", "classes": ["c", "d"]},
                "task_2": {"column": "тема"},
            },
        ),
        ({True: ["x", "y"]}, {"task_true": {"column": "True", "classes": ["x", "y"]}}),
    ],
)
def test_what_is_advised_for_other_names_is_the_whole_setting(tasks: Any, advised: dict[str, Any]) -> None:
    problem = declare(tasks)[1][0]
    override = OverridesParser.create().parse_override(_unquoted(problem.split("for instance ")[1]))
    assert override.value() == advised
    assert declare(override.value())[1] == []


def test_nothing_is_advised_for_names_where_more_is_wrong() -> None:
    problems = declare({"für": ["x", "x"], "b": ["x", "y"]})[1]
    assert len(problems) == 2
    assert "for instance" not in "".join(problems)


@pytest.mark.parametrize(
    ("tasks", "declaration"),
    [
        ({"t": ["x", "y"]}, Declaration("t", "t", ("x", "y"))),
        ({"t": {"classes": ["x", "y"]}}, Declaration("t", "t", ("x", "y"))),
        ({"t": {"column": "c", "classes": ["x", "y"]}}, Declaration("t", "c", ("x", "y"))),
        ({"t": {"column": None, "classes": ["a/b", "c.d"]}}, Declaration("t", "t", ("a/b", "c.d"))),
        ({1: ["x", "y"]}, Declaration("1", "1", ("x", "y"))),
        (["t"], Declaration("t", "t", ())),
        ({"t": None}, Declaration("t", "t", ())),
        ({"t": {"column": "c"}}, Declaration("t", "c", ())),
    ],
)
def test_accepted(tasks: Any, declaration: Declaration) -> None:
    assert declare(tasks) == ([declaration], [])


def resolve(classes: list[Any], labels: list[str]) -> tuple[Task, list[str]]:
    problems: list[str] = []
    return Declaration("t", "t", tuple(classes)).resolve(Counter(labels), problems), problems


@pytest.mark.parametrize(
    ("classes", "labels", "names"),
    [
        (["yes", "no"], [], ("yes", "no")),
        ([True, False], ["yes", "no"], ("yes", "no")),
        ([True, False], ["TRUE", "False"], ("TRUE", "False")),
        ([True, "no"], ["On", "no"], ("On", "no")),
        ([1, 2], ["one"], ("1", "2")),
        ([None, "x"], ["null", "none"], ("null", "x")),
        ([0.5, 1.0], ["0.5", "1"], ("0.5", "1")),
        ([float("nan"), "x"], ["NaN"], ("NaN", "x")),
    ],
)
def test_spelling_is_that_of_the_column(classes: list[Any], labels: list[str], names: tuple[str, ...]) -> None:
    task, problems = resolve(classes, labels)
    assert (task.classes, problems) == (names, [])


@pytest.mark.parametrize(
    ("classes", "labels", "message"),
    [
        ([True, "x"], ["yes", "Yes"], "true stands for a yes, no or null without quotes"),
        ([False, "x"], ["maybe"], "write the class in quotes, such as 'no' or 'false'"),
        ([None, "x"], ["none"], "write the class in quotes, such as 'null'"),
        ([True, "yes"], ["yes"], "the class 'yes' is named 2 times"),
    ],
)
def test_unclear_spelling(classes: list[Any], labels: list[str], message: str) -> None:
    task, problems = resolve(classes, labels)
    assert message in problems[0]
    assert task.classes == ()


def test_suggested_override_can_be_pasted() -> None:
    """What the message proposes arrives as the very names that the column holds."""
    labels = [
        "none",
        "yes",
        "no",
        "1",
        "01",
        "1.5",
        "null",
        "true",
        "NaN",
        "für",
        "中立",
        "a b",
        "a/b",
        "a,b",
        "it's",
        'q"q',
    ]
    problems = resolve([], labels)[1]
    proposal = problems[0].split("for instance ")[1]
    override = OverridesParser.create().parse_override(_unquoted(proposal))
    assert override.key_or_group == "data.tasks"
    declarations, wrong = declare(override.value())
    assert wrong == []
    assert declarations[0].resolve(Counter(labels), wrong).classes == tuple(labels)


@pytest.mark.parametrize("label", ["???", "${x}", "${oc.env:HOME}", "a\tb", "a\u2028b"])
def test_what_settings_cannot_hold_is_not_suggested(label: str) -> None:
    (problem,) = resolve([], [label, "other"])[1]
    assert "for instance" not in problem
    assert f"settings cannot hold {printable(repr(label))}; rename that in the data" in problem


def test_labels_of_private_data_are_not_shown() -> None:
    """A column that is none of labels may hold texts."""
    show_texts(False)
    problems: list[str] = []
    Declaration("t", "column", ()).resolve(Counter({"a whole text": 1, "another": 2}), problems)
    assert "what stands in column 'column' is hidden, as texts are private" in problems[0]
    assert "text'" not in problems[0]


def test_suggestion_with_a_column() -> None:
    problems: list[str] = []
    Declaration("t", "some column", ()).resolve(Counter({"b": 1, "a": 2}), problems)
    assert "column 'some column' has, in rows that can be read, 'a' (2 rows), 'b' (1 row)" in problems[0]
    assert problems[0].endswith("for instance 'data.tasks={t:{column:\"some column\",classes:[a,b]}}'")


def test_nothing_is_suggested_for_a_column_of_texts() -> None:
    problems = resolve([], [f"text {number}" for number in range(100)])[1]
    assert "100 different values" in problems[0]
    assert "for instance" not in problems[0]


def _unquoted(argument: str) -> str:
    import shlex

    return shlex.split(argument)[0]
