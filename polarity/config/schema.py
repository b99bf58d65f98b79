"""The typed constructor of a component is the schema of its section: unknown keys, missing keys, types and ranges."""

import inspect
import warnings
from collections.abc import Mapping
from functools import cache
from typing import Any, Literal, get_args

from hydra.utils import get_object
from omegaconf import MISSING
from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.errors import PydanticSchemaGenerationError, PydanticUndefinedAnnotation

from polarity.errors import nearest
from polarity.settings import NonNegative, PositiveInt
from polarity.signature import NEEDED, TARGET, signature_of

HYDRA_KEYS = {TARGET, "_partial_", "_convert_", "_recursive_", "_args_"}


def section_problems(
    path: str, node: object, *, given: frozenset[str] = frozenset(), kind: type | None = None
) -> list[str]:
    """Everything wrong with a section that names a class by ``_target_``, and with the sections inside it.

    :param path: dotted key of the section, the beginning of each problem.
    :param given: arguments that the program itself passes, so that the section neither needs nor may hold them.
    :param kind: the class that the target has to be derived from.
    """
    if not isinstance(node, Mapping) or TARGET not in node:
        return [f"{path}: must be a section with a {TARGET}, got {node!r}"]
    try:
        target = get_object(str(node[TARGET]))
    except Exception as error:  # noqa: BLE001 - anything can happen while a user's module is imported
        return [f"{path}.{TARGET}: cannot import {node[TARGET]!r} ({str(error).splitlines()[0]})"]
    if kind is not None and not (inspect.isclass(target) and issubclass(target, kind)):
        group = path.rpartition(".")[2]
        return [f"{path}.{TARGET}: {node[TARGET]} is no {kind.__name__}; choose a preset of the group {group!r}"]
    signature, name = signature_of(target), getattr(target, "__name__", str(target))
    useless = WITHOUT_EFFECT.get(name, {})
    problems = [f"{path}.{key}: has no effect; {why}" for key, why in useless.items() if key in node]
    for key, value in node.items():
        if key in HYDRA_KEYS or key in useless:
            continue
        if key in signature.settings and key not in given:
            hint = STRICTER.get(name, {}).get(key, signature.settings[key].hint)
            found = setting_problems(f"{path}.{key}", value, hint)
            problems += _left_open(path, key, target, node, found) if value == MISSING else found
        elif not signature.open_ended or key in given:
            valid = [setting for setting in signature.settings if setting not in given]
            problems.append(f"{path}.{key}: {name} has no such setting{nearest(key, valid, what='settings')}")
    for key, setting in signature.settings.items():
        if setting.default is NEEDED and key not in node and key not in given:
            problems.append(f"{path}.{key}: is missing; {name} needs it")
    return problems


def _left_open(path: str, key: str, target: Any, node: Mapping[str, Any], found: list[str]) -> list[str]:
    """What is said of a setting that the preset leaves open, with an example, and with what else has to be given."""
    hint = getattr(target, "GIVEN_AS", {}).get(key)
    also = [f"{path}.{problem}" for problem in getattr(target, "also_open", lambda _: [])(node)]
    return [*([f"{problem}; {hint}" for problem in found] if hint else found), *also]


STRICTER: dict[str, dict[str, Any]] = {
    "EarlyStopping": {"patience": PositiveInt, "min_delta": NonNegative},
    "Trainer": {
        "log_every_n_steps": PositiveInt | None,
        "max_steps": Literal[-1] | PositiveInt,
        "min_steps": PositiveInt | None,
        "min_epochs": PositiveInt | None,
        "deterministic": bool | Literal["warn"],
        "precision": Literal["32-true", "16-mixed", "bf16-mixed"],
    },
    "LearningRateMonitor": {"logging_interval": Literal["step", "epoch"]},
    "EMAWeightAveraging": {"use_buffers": Literal[False], "update_every_n_steps": PositiveInt},
    "CSVLogger": {"flush_logs_every_n_steps": PositiveInt},
}
"""Settings of Lightning's classes with fewer values than their annotations say."""

WITHOUT_EFFECT: dict[str, dict[str, str]] = {
    "EarlyStopping": {
        "verbose": "the lines of the epochs tell the score, and the last of them why training ends",
        "log_rank_zero_only": "the lines of the epochs tell the score",
        "strict": "a score that nobody logs is refused before training",
        "check_on_train_epoch_end": "every epoch is validated once, and the score looked at then",
    },
    "TensorBoardLogger": {
        "default_hp_metric": "HPARAMS shows the scores of the best checkpoint",
        "log_graph": "there is no example of an input to draw the graph from",
    },
}
"""Settings of Lightning's classes that change nothing in a run, whatever their value."""


def setting_problems(path: str, value: object, hint: Any) -> list[str]:
    """What is wrong with one value, measured by the annotation of its parameter."""
    if isinstance(value, str) and value == MISSING:
        return [f"{path}: has to be given, as {path}=..."]
    if isinstance(value, Mapping) and TARGET in value:
        return section_problems(path, value, kind=_class_in(hint))
    adapter = _adapter(hint)
    if adapter is None:
        return []
    try:
        adapter.validate_python(value, strict=True)
    except ValidationError as error:
        if isinstance(value, str) and _class_in(hint) is not None:
            group = path.rpartition(".")[2]
            return [f"{path}: must be a section with a {TARGET}, got {value!r}; {group}=NAME chooses one"]
        return _explain(path, value, error)
    return []


def _class_in(hint: Any) -> type | None:
    """The class of components that an annotation asks for, as in ``Pooling | None``."""
    classes = [item for item in (hint, *get_args(hint)) if inspect.isclass(item) and inspect.isabstract(item)]
    return classes[0] if classes else None


@cache
def _adapter(hint: Any) -> TypeAdapter[Any] | None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for config in (None, ConfigDict(arbitrary_types_allowed=True)):
            try:
                return TypeAdapter(hint, config=config)
            except (PydanticSchemaGenerationError, PydanticUndefinedAnnotation):
                continue
            except Exception:  # noqa: BLE001 - pydantic refuses a config for types that carry their own; then the first try decided
                break
    return None


def _explain(path: str, value: object, error: ValidationError) -> list[str]:
    """One sentence for each place that is wrong; the alternatives of a union are joined."""
    places: dict[tuple[str, ...], list[Any]] = {}
    for detail in error.errors():
        places.setdefault(_place(value, detail["loc"]), []).append(detail)
    deepest = {
        place for place in places if not any(other != place and other[: len(place)] == place for other in places)
    }
    problems = []
    for place, details in places.items():
        if place not in deepest:
            continue
        key = ".".join([path, *place])
        got = details[0]["input"] if not place else _at(value, place)
        choices = [choice for detail in details if detail["type"] == "literal_error" for choice in _choices(detail)]
        if choices:
            problems.append(f"{key}: {got!r} is not valid{nearest(got, choices)}")
        else:
            wanted = " or ".join(dict.fromkeys(_wanted(detail) for detail in details))
            quoted = "a text" in wanted and type(got) in (int, float)
            hint = f"; in double quotes it is a text: '{key}=\"{got}\"'" if quoted else ""
            problems.append(f"{key}: must be {wanted}, got {got!r}{hint}")
    return problems


def _place(value: Any, location: tuple[int | str, ...]) -> tuple[str, ...]:
    """The part of pydantic's location that leads into the value (the rest names alternatives of a union)."""
    place: list[str] = []
    for part in location:
        if isinstance(value, Mapping) and part in value:
            value = value[part]
        elif isinstance(value, list) and isinstance(part, int) and part < len(value):
            value = value[part]
        else:
            continue
        place.append(str(part))
    return tuple(place)


def _at(value: Any, place: tuple[str, ...]) -> Any:
    for part in place:
        value = value[int(part)] if isinstance(value, list) else {str(key): item for key, item in value.items()}[part]
    return value


def _choices(detail: Any) -> list[str]:
    expected = str(detail["ctx"]["expected"])
    return [part.strip().strip("'") for part in expected.replace(" or ", ", ").split(",")]


def _wanted(detail: Any) -> str:
    message = str(detail["msg"])
    message = message.removeprefix("Input should be ")
    kinds = {
        "a valid number": "a number",
        "a valid integer": "a whole number",
        "a valid string": "a text",
        "a valid boolean": "true or false",
        "a valid dictionary": "a mapping {name: value}",
        "a valid list": "a list [...]",
        "None": "null",
    }
    message = message.replace("List should have", "a list with").replace(" after validation", "")
    return kinds.get(message, message)
