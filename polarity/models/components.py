"""Parts of a model by their class and settings, in plain values: how a saved model says what it is made of."""

import inspect
from collections.abc import Collection, Mapping
from typing import Any, TypeVar

from polarity.errors import TRUST_ADVICE, UserError, reason_of_import
from polarity.importing import imported
from polarity.signature import TARGET, settings_of

OWN = "polarity.models"

T = TypeVar("T")


def own_pooling(name: str) -> dict[str, Any]:
    """A pooling of this project by the name of its preset, as earlier versions wrote it into runs and models."""
    return {TARGET: f"{OWN}.pooling.{name}.{name.title().replace('_', '')}Pooling"}


def name_of(kind: type) -> str:
    """Its dotted name."""
    return f"{kind.__module__}.{kind.__qualname__}"


def described(part: object) -> dict[str, Any]:
    """Class and settings, from which :func:`rebuilt` makes an equal object."""
    return {TARGET: name_of(type(part)), **settings_of(part)}


def modules_in(values: Mapping[str, Any]) -> list[str]:
    """The modules of all classes that the values of a model name: what to trust of a model that is the user's own."""
    own = [str(values[TARGET]).rpartition(".")[0]] if TARGET in values else []
    return own + [name for value in values.values() if isinstance(value, Mapping) for name in modules_in(value)]


def of_this_project(values: Mapping[str, Any]) -> bool:
    """Whether a model names no class of others."""
    return all(f"{name}.".startswith(f"{OWN}.") for name in modules_in(values))


def known_class(target: object, kind: type[T], trust: Collection[str] = ()) -> type[T]:
    """The class that a saved model names; only what is trusted is ever imported.

    :param trust: modules of others whose code may be run.
    :raises UserError: if it is none of this project and not trusted, or of another kind.
    """
    name = str(target)
    if not any(name.startswith(f"{module}.") for module in (OWN, *trust)):
        module = name.rpartition(".")[0] or name
        raise UserError(
            f"{TARGET}: {name!r} is none of this project's own classes, and reading a model runs no other code"
            f"{TRUST_ADVICE}{module}"
        )
    try:
        found = imported(name)
    except (Exception, SystemExit) as error:  # anything can happen while a user's module is imported
        raise UserError(
            f"{TARGET}: cannot import {name!r}, which the model names ({reason_of_import(error)}); is the folder of "
            "its module in PYTHONPATH, or here?"
        ) from error
    if not (inspect.isclass(found) and issubclass(found, kind)):
        raise UserError(f"{TARGET}: {name} is no {kind.__name__}")
    return found


def rebuilt(values: Mapping[str, Any], kind: type[T], trust: Collection[str] = ()) -> T:
    """The object that :func:`described` gave the values of.

    :raises UserError: as :func:`known_class`.
    """
    settings = {name: value for name, value in values.items() if name != TARGET}
    return known_class(values.get(TARGET), kind, trust)(**settings)
