"""Whether a change of one setting is felt: something comes out differently, or the change is refused."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from polarity.config.build import build
from polarity.config.schema import section_problems
from polarity.errors import UserError
from tests.effects.settings import Special, class_name, is_section, of_class, other_values, settings_of

Section = dict[str, Any]


@dataclass(frozen=True)
class Effect:
    """What a component does in one situation.

    :param numbers: what decides the weights, the scores or when a run ends.
    :param places: what decides only where something is kept or how fast it goes.
    """

    numbers: Any
    places: Any = None


@dataclass(frozen=True)
class Refused:
    """The problems that a user is told instead."""

    problems: tuple[str, ...]


Situation = Callable[[Section], Effect]
"""Puts the component of a section to use. A UserError counts as a refusal."""


@dataclass
class Examination:
    """Changes every setting of the sections of one kind, one at a time.

    :param path: dotted key of the sections.
    :param situations: a change has to be felt in one of them.
    :param only_places: settings that may change nothing but places, with the reason.
    :param synonyms: whether another value of a setting says the same as its own, in a section as it stands.
    """

    path: str
    situations: Sequence[Situation]
    special: Special = field(default_factory=dict)
    only_places: Mapping[tuple[str, str], str] = field(default_factory=dict)
    synonyms: Mapping[tuple[str, str], Callable[[Section, Any], bool]] = field(default_factory=dict)
    unfelt: list[str] = field(default_factory=list)
    known: set[tuple[str, str]] = field(default_factory=set)
    effective: set[tuple[str, str]] = field(default_factory=set)

    def examine(self, label: str, section: Section) -> None:
        """Add what is not felt to ``unfelt``."""
        before = self._outcomes(section)
        assert all(map(same, before, self._outcomes(section))), f"{label}: comes out differently each time"
        assert any(isinstance(outcome, Effect) for outcome in before), (label, before)
        self._examine(label, section, before, lambda changed: changed)

    def _examine(
        self, label: str, part: Section, before: Sequence[Effect | Refused], whole: Callable[[Section], Section]
    ) -> None:
        for setting, hint in settings_of(part).items():
            value, place = part.get(setting), (class_name(part), setting)
            if is_section(value):
                self._examine(
                    f"{label}.{setting}", value, before, lambda inner, key=setting: whole({**part, key: inner})
                )
                continue
            self.known.add(place)
            others = other_values(part, setting, hint, self.special)
            if not others:
                self.unfelt.append(f"{label}.{setting}: nobody has said what else {value!r} could be")
            for other in others:
                change, after = (
                    f"{label}.{setting}: {value!r} -> {other!r}",
                    self._lazily(whole({**part, setting: other})),
                )
                nothing = other is None and value in ({}, [])
                synonym = of_class(self.synonyms, part, setting)
                if nothing or (synonym is not None and synonym(part, other)):
                    assert all(map(same, before, after)), f"{change}: says something else"
                else:
                    self._judge(change, place, before, after)

    def _judge(
        self, change: str, place: tuple[str, str], before: Sequence[Effect | Refused], after: Iterator[Effect | Refused]
    ) -> None:
        refused, moved = False, False
        for old, new in zip(before, after, strict=False):
            refused = refused or (isinstance(new, Refused) and isinstance(old, Effect))
            if isinstance(new, Effect) and not (
                isinstance(old, Effect) and same(old.numbers, new.numbers, nearly=True)
            ):
                if place in self.only_places:
                    self.unfelt.append(f"{change}: changes more than a place")
                self.effective.add(place)
                return
            moved = moved or (isinstance(new, Effect) and isinstance(old, Effect) and not same(old.places, new.places))
        if moved and place in self.only_places:
            self.effective.add(place)
        elif not refused:
            what = "changes only a place" if moved else "changes nothing"
            self.unfelt.append(f"{change}: {what}, and is not refused")

    def never_effective(self) -> set[tuple[str, str]]:
        """Settings of which every change was refused."""
        return self.known - self.effective

    def _outcomes(self, section: Section) -> list[Effect | Refused]:
        return list(self._lazily(section))

    def _lazily(self, section: Section) -> Iterator[Effect | Refused]:
        for situation in self.situations:
            problems = section_problems(self.path, section)
            try:
                yield Refused(tuple(problems)) if problems else situation(section)
            except UserError as error:
                yield Refused(error.problems)


def built(path: str, section: Section, tasks: Sequence[Any] | None = None) -> Any:
    """The component of a section.

    :raises UserError: if the constructor, or its look at the tasks, refuses a setting.
    """
    component = build(path, section)
    problems = component.problems(tasks) if tasks is not None else []
    if problems:
        raise UserError(problems)
    return component


def same(first: Any, second: Any, *, nearly: bool = False) -> bool:
    """Equal in containers of any depth: to the last bit, or ``nearly``, within the error of float32."""
    if type(first) is not type(second):
        return False
    if isinstance(first, (Effect, Refused)):
        first, second = vars(first), vars(second)
    if isinstance(first, torch.Tensor):
        equal = torch.allclose if nearly and first.is_floating_point() else torch.equal
        return first.shape == second.shape and equal(first, second)
    if isinstance(first, np.ndarray):
        return np.array_equal(first, second)
    if isinstance(first, Mapping):
        first, second = list(first.items()), list(second.items())
    if isinstance(first, (list, tuple)):
        return len(first) == len(second) and all(same(*pair, nearly=nearly) for pair in zip(first, second, strict=True))
    return bool(first == second)
