"""Other valid values for any setting, found from the annotation of the constructor."""

import types
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

from hydra.utils import get_object

from polarity.config.accepted import accepted
from polarity.config.schema import setting_problems
from polarity.signature import TARGET, signature_of

T = TypeVar("T")
Special = Mapping[tuple[str, str], list[Any]]
"""Values to try by class (or a base of it) and setting, where the type alone does not tell, as for names and lists."""


def class_name(section: Mapping[str, Any]) -> str:
    return str(section[TARGET]).rpartition(".")[2]


def of_class(table: Mapping[tuple[str, str], T], section: Mapping[str, Any], setting: str) -> T | None:
    """What a table says of a setting of a section's class, or else of the nearest of its bases."""
    kinds = getattr(get_object(section[TARGET]), "__mro__", ())
    return next((table[kind.__name__, setting] for kind in kinds if (kind.__name__, setting) in table), None)


def is_section(value: object) -> bool:
    return isinstance(value, Mapping) and TARGET in value


def settings_of(section: Mapping[str, Any]) -> dict[str, Any]:
    """The annotation of every argument of a section's component; of a library's own only what the section names."""
    target = get_object(section[TARGET])
    hints = {name: setting.hint for name, setting in signature_of(target).settings.items()}
    named = {key: hints.get(key, Any) for key in section if key != TARGET}
    return named if not target.__module__.startswith("polarity") else hints | named


def other_values(section: Mapping[str, Any], setting: str, hint: Any, special: Special) -> list[Any]:
    """Valid values of a setting other than its own; lists and mappings are changed in one place at a time.

    Null is among them wherever it may be written.
    """
    value = section.get(setting)
    tried = of_class(special, section, setting)
    collected = [*(_of_type(hint, value) if tried is None else tried), *_with_another_leaf(value), None]
    valid = [other for other in collected if other != value and not setting_problems(setting, other, accepted(hint))]
    return [other for number, other in enumerate(valid) if repr(other) not in map(repr, valid[:number])]


def _of_type(hint: Any, value: Any) -> Iterator[Any]:
    origin = get_origin(hint)
    if origin is Annotated:
        yield from _of_type(get_args(hint)[0], value)
    elif origin in (types.UnionType, Union):
        for alternative in get_args(hint):
            yield from _of_type(alternative, value)
    elif origin is Literal:
        yield from get_args(hint)
    elif hint is types.NoneType:
        yield None
    elif hint is bool:
        yield not value
    elif hint is int:
        number = value if isinstance(value, int) else 2
        yield from (number + 1, max(1, number // 2))
    elif hint is float:
        number = value if isinstance(value, (int, float)) else 0.2
        yield from (2.0 * number or 0.1, number / 2)
        yield from ((1 + number) / 2,) if number < 1 else ()


def _with_another_leaf(value: Any) -> Iterator[Any]:
    """Copies of a mapping with one number in it doubled."""
    if isinstance(value, Mapping) and not is_section(value):
        for key, leaf in value.items():
            changed = _with_another_leaf(leaf) if isinstance(leaf, Mapping) else ()
            doubled = [2.0 * leaf or 0.1, leaf / 2] if isinstance(leaf, (int, float)) else []
            yield from ({**value, key: other} for other in [*changed, *doubled])
