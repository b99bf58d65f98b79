"""What a constructor accepts, as plain data, which can be kept: see :mod:`polarity.config.constructors`."""

import inspect
import json
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from typing import Any, Self, get_args

from pydantic_core import CoreSchema, SchemaValidator

from polarity.content import Json
from polarity.signature import NEEDED, signature_of


@dataclass(frozen=True)
class Accepted:
    """The values that a setting accepts.

    :param schema: pydantic's, as it checks Python's values in strict mode; None where any value will do.
    :param kind: dotted name of the class of components that is asked for, if one is.
    :param needed: whether there is no default.
    :param annotated: whether its class says what it accepts.
    """

    schema: Json | None
    kind: str | None = None
    needed: bool = False
    annotated: bool = True

    @cached_property
    def validator(self) -> SchemaValidator | None:
        """Raises pydantic's error for a value that will not do."""
        return None if self.schema is None else SchemaValidator(_with_classes(self.schema))


@dataclass(frozen=True)
class Constructor:
    """A class or function that a section can name.

    :param kinds: dotted names of the class and its bases; none of a function.
    :param settings: by name, in their order.
    :param open_ended: whether further ones of any name are accepted.
    :param given_as: how to give settings that presets leave open.
    """

    name: str
    kinds: tuple[str, ...]
    settings: dict[str, Accepted]
    open_ended: bool
    given_as: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of_json(cls, content: Json) -> Self:
        """From what ``dataclasses.asdict`` gives."""
        settings = {name: Accepted(**setting) for name, setting in content["settings"].items()}
        return cls(**{**content, "kinds": tuple(content["kinds"]), "settings": settings})

    @property
    def can_be_kept(self) -> bool:
        """Whether it is plain data: annotations with functions of their own are not."""
        schemas = [setting.schema for setting in self.settings.values()]
        try:
            return bool(json.loads(json.dumps(schemas)) == schemas)
        except TypeError:
            return False


def constructor_of(target: Any, stricter: Mapping[str, Any]) -> Constructor:
    """What a class or function accepts.

    :param stricter: annotations of settings to go by in the place of its own.
    """
    signature, name = signature_of(target), getattr(target, "__name__", str(target))
    settings = {
        key: replace(
            accepted(stricter.get(key, setting.hint), needed=setting.default is NEEDED), annotated=setting.annotated
        )
        for key, setting in signature.settings.items()
    }
    kinds = tuple(map(dotted, target.__mro__)) if inspect.isclass(target) else ()
    return Constructor(name, kinds, settings, signature.open_ended, getattr(target, "GIVEN_AS", {}))


@cache
def accepted(hint: Any, *, needed: bool = False) -> Accepted:
    """The values that an annotation allows."""
    schema = _schema(hint)
    classes = [item for item in (hint, *get_args(hint)) if inspect.isclass(item) and inspect.isabstract(item)]
    kind = dotted(classes[0]) if classes else None  # as in Pooling | None
    return Accepted(None if schema is None else _plain(schema), kind, needed)


def dotted(kind: type) -> str:
    """The name by which a class can be found again."""
    return f"{kind.__module__}.{kind.__qualname__}"


def _schema(hint: Any) -> CoreSchema | None:
    from pydantic import ConfigDict, TypeAdapter  # a tenth of a second, which what is kept does not need
    from pydantic.errors import PydanticSchemaGenerationError, PydanticUndefinedAnnotation

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for config in (None, ConfigDict(arbitrary_types_allowed=True)):
            try:
                return TypeAdapter(hint, config=config).core_schema
            except (PydanticSchemaGenerationError, PydanticUndefinedAnnotation):
                continue
            except Exception:  # noqa: BLE001 - pydantic refuses a config for types that carry their own; then the first try decided
                break
    return None


def _plain(schema: Any) -> Any:
    """A schema without what concerns other modes, and with the names of classes in the place of the classes."""
    if isinstance(schema, list | tuple):
        return [_plain(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    mode = {"lax-or-strict": "strict_schema", "json-or-python": "python_schema"}.get(str(schema.get("type")))
    if mode is not None:
        return _plain(schema[mode])
    plain = {key: _plain(value) for key, value in schema.items() if key not in ("metadata", "serialization")}
    if plain.get("type") == "is-instance":
        plain["cls_repr"] = plain.pop("cls").__name__
    if plain.get("type") == "typed-dict":
        del plain["cls"], plain["ref"]
    return plain


class _Object:
    """Stands for any class: no value of a configuration is an object of one."""


def _with_classes(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_with_classes(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    alive = {key: _with_classes(value) for key, value in schema.items()}
    return {**alive, "cls": _Object} if alive.get("type") == "is-instance" else alive
