"""The settings of a component, as its constructor states them: names, annotations and defaults."""

import inspect
from dataclasses import dataclass
from functools import cache
from typing import Any, Unpack, get_args, get_origin, get_type_hints

TARGET = "_target_"
"""Key of a section that names the class whose settings stand beside it."""

NEEDED = inspect.Parameter.empty
"""The default of a setting that has to be given."""


@dataclass(frozen=True)
class Setting:
    """One argument of a constructor.

    :param hint: its annotation; Any where a library's cannot be evaluated.
    :param annotated: whether it has one.
    """

    hint: Any
    default: Any
    annotated: bool = True


@dataclass(frozen=True)
class Signature:
    """All arguments of a constructor.

    :param settings: by name, in their order.
    :param open_ended: whether further ones of any name are taken.
    """

    settings: dict[str, Setting]
    open_ended: bool


@cache
def signature_of(target: Any) -> Signature:
    """What a class or function can be given by name.

    Settings that components share are stated once, as a TypedDict (PEP 692): ``**shared: Unpack[LossSettings]`` counts
    as its keys, with the defaults that stand in the class's attribute ``defaults``.
    """
    hints, settings, open_ended = _hints(target), dict[str, Setting](), False
    for name, parameter in inspect.signature(target).parameters.items():
        hint = hints.get(name, Any)
        if get_origin(hint) is Unpack:
            (shared,) = get_args(hint)
            defaults = getattr(target, "defaults", {})
            for key, its_hint in get_type_hints(shared, include_extras=True).items():
                settings[key] = Setting(
                    its_hint, defaults.get(key, NEEDED if key in shared.__required_keys__ else None)
                )
        elif parameter.kind is parameter.VAR_KEYWORD:
            open_ended = True
        elif parameter.kind is not parameter.VAR_POSITIONAL:
            settings[name] = Setting(hint, parameter.default, parameter.annotation is not parameter.empty)
    return Signature(settings, open_ended)


def settings_of(part: object) -> dict[str, object]:
    """The arguments of the constructor that make an equal object, which keeps each as an attribute of the same name."""
    kind: Any = type(part)
    return {name: getattr(part, name) for name in signature_of(kind).settings}


def _hints(target: Any) -> dict[str, Any]:
    function = target.__init__ if inspect.isclass(target) else target
    try:
        return get_type_hints(inspect.unwrap(function), include_extras=True)
    except (NameError, TypeError):  # annotations of a third-party class that cannot be evaluated
        return {}
