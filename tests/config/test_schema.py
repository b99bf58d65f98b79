"""A typed constructor finds unknown keys, missing keys, types and ranges, all at once."""

from typing import Any, Literal, Unpack

import pytest

from polarity.config.schema import section_problems
from polarity.losses import CrossEntropyLoss, LossSettings
from polarity.settings import Fraction, NonNegative, PerClass, PerTask, Positive, PositiveInt


class Part:
    """A nested component."""

    def __init__(self, *, size: PositiveInt) -> None:
        self.size = size


class Component:
    """One setting of each type that components use."""

    def __init__(
        self,
        *,
        rate: Positive,
        part: Part,
        share: Fraction = 0.5,
        gamma: PerTask = 2.0,
        boosts: PerClass | None = None,
        kind: Literal["mean", "max"] = "mean",
        name: str | None = None,
        names: list[str] | None = None,
        flag: bool = False,
        limit: NonNegative | None = None,
    ) -> None:
        self.settings = (rate, part, share, gamma, boosts, kind, name, names, flag, limit)


TARGET = f"{__name__}.Component"
PART = {"_target_": f"{__name__}.Part", "size": 3}
VALID = {"_target_": TARGET, "rate": 1.0e-4, "part": PART}


@pytest.mark.parametrize(
    "settings",
    [{}, {"rate": 1}, {"gamma": {"a": 1, "b": 0.5}}, {"boosts": {"a": {"yes": 3, "1": 2.5}}}, {"limit": None}],
)
def test_valid_settings_have_no_problems(settings: dict[str, Any]) -> None:
    assert section_problems("x", {**VALID, **settings}) == []


@pytest.mark.parametrize(
    ("settings", "pieces"),
    [
        ({"rat": 3}, ["x.rat", "Component has no such setting", "did you mean 'rate'"]),
        ({"rate": "abc"}, ["x.rate", "must be a number", "got 'abc'"]),
        ({"rate": True}, ["x.rate", "got True"]),
        ({"rate": 0}, ["x.rate", "greater than 0", "got 0"]),
        ({"rate": None}, ["x.rate", "got None"]),
        ({"rate": "???"}, ["x.rate", "has to be given"]),
        ({"share": 1.5}, ["x.share", "less than or equal to 1", "got 1.5"]),
        ({"gamma": "high"}, ["x.gamma", "a number or", "got 'high'"]),
        ({"gamma": {"a": -1}}, ["x.gamma.a", "greater than or equal to 0", "got -1"]),
        ({"boosts": {"a": {"yes": "much"}}}, ["x.boosts.a.yes", "got 'much'"]),
        ({"boosts": {"a": 3}}, ["x.boosts.a", "got 3"]),
        ({"kind": "mena"}, ["x.kind", "did you mean 'mean'"]),
        ({"flag": "yes"}, ["x.flag", "true or false", "got 'yes'"]),
        ({"names": ["a", 3]}, ["x.names.1", "a text", "got 3"]),
        ({"part": {**PART, "size": 0}}, ["x.part.size", "greater than or equal to 1", "got 0"]),
        ({"part": {**PART, "sise": 2}}, ["x.part.sise", "did you mean 'size'"]),
        ({"part": 5}, ["x.part", "got 5"]),
        ({"_target_": "polarity.losses.focall.FocalLoss"}, ["x._target_", "cannot import"]),
    ],
)
def test_a_wrong_setting_is_named_with_what_it_should_be(settings: dict[str, Any], pieces: list[str]) -> None:
    problems = section_problems("x", {**VALID, **settings})
    assert len(problems) == 1, problems
    for piece in pieces:
        assert piece in problems[0]


def test_all_problems_come_at_once() -> None:
    problems = section_problems("x", {"_target_": TARGET, "share": 2, "colour": 1, "part": {**PART, "size": "big"}})
    assert [problem.split(":")[0] for problem in problems] == ["x.share", "x.colour", "x.part.size", "x.rate"]


def test_a_component_of_another_kind_is_refused() -> None:
    assert "is no Component" in section_problems("x", PART, kind=TARGET)[0]
    assert "must be a section" in section_problems("x", 3)[0]


class Bare(CrossEntropyLoss):
    def __init__(self, *, a, b: float = 1.0) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
        super().__init__()


class Open(CrossEntropyLoss):
    def __init__(self, *, a: float = 1.0, **shared: Any) -> None:
        super().__init__(**shared)


class Typed(CrossEntropyLoss):
    def __init__(self, *, a: Any = 1.0, **shared: Unpack[LossSettings]) -> None:
        super().__init__(**shared)


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (Bare, "has no annotation for a, so nothing would be checked; see docs/extending.md"),
        (Open, "takes settings of any name (**), so nothing would be checked; see docs/extending.md"),
        (Typed, None),
    ],
)
def test_a_component_has_to_say_what_its_settings_are(kind: type, message: str | None) -> None:
    target = f"{__name__}.{kind.__name__}"
    found = section_problems("loss", {"_target_": target, "a": 1}, kind="polarity.losses.base.MultiTaskLoss")
    assert found == ([] if message is None else [f"loss._target_: {target} {message}"])
