"""The typed constructor of a component is the schema of its section: unknown keys, missing keys, types and ranges."""

from collections.abc import Mapping
from typing import Any

from omegaconf import MISSING
from pydantic_core import SchemaValidator, ValidationError

from polarity.config.accepted import Accepted, Constructor
from polarity.config.constructors import constructor
from polarity.config.overriding import misfit
from polarity.errors import nearest, reason_of_import
from polarity.importing import imported
from polarity.paths import NAME
from polarity.signature import TARGET

OWN = "polarity."
DURATION = r"^\d+:\d\d:\d\d:\d\d$"
DEVICES = "^(auto|-1|[1-9][0-9]*|[0-9]+(,[0-9]+)+|([0-9]+,)+)$"
PATTERNS = {
    NAME: "a name without slashes, and not of dots alone",
    DURATION: "a time as DD:HH:MM:SS, days to seconds",
    DEVICES: 'a text such as auto, "2" or "0,1"',
}
HYDRA_KEYS = {TARGET, "_partial_", "_convert_", "_recursive_", "_args_"}


def section_problems(path: str, node: object, *, kind: str | None = None) -> list[str]:
    """Everything wrong with a section that names a class by ``_target_``, and with the sections inside it.

    :param path: dotted key of the section, the beginning of each problem.
    :param kind: dotted name of the class that the target has to be derived from.
    """
    if not isinstance(node, Mapping) or TARGET not in node:
        return [f"{path}: must be a section with a {TARGET}, got {node!r}"]
    try:
        target = constructor(str(node[TARGET]))
    except Exception as error:  # noqa: BLE001 - anything can happen while a user's module is imported
        return [f"{path}.{TARGET}: cannot import {node[TARGET]!r} ({reason_of_import(error)})"]
    if kind is not None and (wrong := _kind_problem(target, str(node[TARGET]), kind, path)):
        return [f"{path}.{TARGET}: {node[TARGET]} {wrong}"]
    useless = WITHOUT_EFFECT.get(target.name, {})
    problems = [f"{path}.{key}: has no effect; {why}" for key, why in useless.items() if key in node]
    for key, value in node.items():
        if key in HYDRA_KEYS or key in useless:
            continue
        if key in target.settings:
            found = setting_problems(f"{path}.{key}", value, target.settings[key])
            problems += _left_open(path, key, target, node, found) if value == MISSING else found
        elif not target.open_ended:
            problems.append(
                f"{path}.{key}: {target.name} has no such setting{nearest(key, target.settings, what='settings')}"
            )
    for key, setting in target.settings.items():
        if setting.needed and key not in node:
            problems.append(f"{path}.{key}: is missing; {target.name} needs it")
    return problems


def _kind_problem(target: Constructor, name: str, kind: str, path: str) -> str:
    """What is wrong with a class where one of this kind is asked for, if anything.

    :param name: dotted, of the class.
    """
    if kind not in target.kinds:
        return f"is no {kind.rpartition('.')[2]}; choose a preset of the group {path.rpartition('.')[2]!r}"
    bare = [key for key, setting in target.settings.items() if not setting.annotated]
    if kind.startswith(OWN) and (target.open_ended or bare):
        what = "takes settings of any name (**)" if target.open_ended else f"has no annotation for {', '.join(bare)}"
        return f"{what}, so nothing would be checked; see docs/extending.md"
    of_others = kind.startswith(OWN) and not name.startswith(OWN)
    return misfit(imported(name), imported(kind)) if of_others else ""


def _left_open(path: str, key: str, target: Constructor, node: Mapping[str, Any], found: list[str]) -> list[str]:
    """What is said of a setting that the preset leaves open, with an example, and with what else has to be given."""
    hint = target.given_as.get(key)
    kind = imported(str(node[TARGET])) if target.given_as else None
    also = [f"{path}.{problem}" for problem in getattr(kind, "also_open", lambda _: [])(node)]
    return [*([f"{problem}; {hint}" for problem in found] if hint else found), *also]


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


def setting_problems(path: str, value: object, accepted: Accepted) -> list[str]:
    """What is wrong with one value, measured by the annotation of its parameter."""
    if isinstance(value, str) and value == MISSING:
        return [f"{path}: has to be given, as {path}=..."]
    if isinstance(value, Mapping) and TARGET in value:
        return section_problems(path, value, kind=accepted.kind)
    if accepted.validator is None:
        return []
    try:
        accepted.validator.validate_python(value, strict=True)
    except ValidationError as error:
        if isinstance(value, str) and accepted.kind is not None:
            group = path.rpartition(".")[2]
            return [f"{path}: must be a section with a {TARGET}, got {value!r}; {group}=NAME chooses one"]
        return _explain(path, value, error, _form(accepted.validator, value))
    return []


def _form(validator: SchemaValidator, value: object) -> str | None:
    """How a text has to look that may stand here, where not any will do."""
    try:
        validator.validate_python(str(value), strict=True)
    except ValidationError as error:
        return next((_wanted(found) for found in error.errors() if found["type"] == "string_pattern_mismatch"), None)
    return None


def _explain(path: str, value: object, error: ValidationError, form: str | None) -> list[str]:
    """One sentence for each place that is wrong; the alternatives of a union are joined.

    :param form: of a text in the place of the whole value; None where any will do.
    """
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
        if all(detail["type"] == "extra_forbidden" for detail in details):
            problems.append(f"{key}: no such setting")
        elif choices and (isinstance(got, str) or all(detail["type"] == "literal_error" for detail in details)):
            problems.append(f"{key}: {got!r} is not valid{nearest(got, choices)}")
        else:
            kinds = [_wanted(detail) for detail in details if detail["type"] != "literal_error"]
            kinds = [form if form and not place and kind == "a text" else kind for kind in kinds]
            wanted = " or ".join(dict.fromkeys([*kinds, *choices]))
            quoted = "a text" in kinds and type(got) in (int, float)
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
    message = str(detail["msg"]).removeprefix("Input should be ")
    if detail["type"] == "string_pattern_mismatch":
        pattern = detail["ctx"]["pattern"]
        return PATTERNS.get(pattern, f"a text like {pattern}")
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
