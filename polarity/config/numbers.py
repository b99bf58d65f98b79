"""Whole numbers where fractions are asked for: ``loss.gamma=2`` is the preset's ``2.0``, and no other configuration."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from pydantic_core import ValidationError

from polarity.config.accepted import Accepted
from polarity.config.constructors import SHIPPED, constructor
from polarity.content import Config
from polarity.signature import TARGET


def as_declared(node: Any) -> Any:
    """A copy in which numbers are of the type that the shipped component declares for the setting."""
    if isinstance(node, list):
        return [as_declared(value) for value in node]
    if not isinstance(node, Mapping):
        return node
    settings, name = dict[str, Accepted](), node.get(TARGET)
    if isinstance(name, str) and name.startswith(SHIPPED):
        with suppress(Exception):  # whatever is wrong with it is told where the section is checked
            settings = constructor(name).settings
    return {key: _declared(as_declared(value), settings.get(key)) for key, value in node.items()}


def _declared(value: Any, accepted: Accepted | None) -> Any:
    if accepted is None or accepted.validator is None or (isinstance(value, Mapping) and TARGET in value):
        return value
    try:
        return _alike(value, accepted.validator.validate_python(value, strict=True))
    except ValidationError:
        return value


def _alike(value: Any, declared: Any) -> Any:
    if type(value) is int and type(declared) is float:
        return declared
    if isinstance(value, Mapping) and isinstance(declared, Mapping):
        return {key: _alike(one, declared.get(key)) for key, one in value.items()}
    if isinstance(value, list) and isinstance(declared, (list, tuple)):
        return [_alike(one, other) for one, other in zip(value, declared, strict=False)]
    return value


def comparable(config: Mapping[str, Any]) -> Config:
    """A copy in which numbers that are equal are of one type; but the Trainer means a share by 1.0, and one by 1."""
    return {key: value if key == "trainer" else _as_fractions(value) for key, value in config.items()}


def _as_fractions(node: Any) -> Any:
    if isinstance(node, Mapping):
        return {key: _as_fractions(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_as_fractions(value) for value in node]
    return float(node) if type(node) is int else node
