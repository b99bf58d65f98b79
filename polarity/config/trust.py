"""Whose code the configuration of a run may name: to read somebody's run must never be to run somebody's code."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from omegaconf import OmegaConf

from polarity.config.overrides import COLLECTIONS, IN_SECTIONS, NESTED
from polarity.config.sections import SECTIONS
from polarity.errors import TRUST_ADVICE, UserError
from polarity.paths import conf_dir
from polarity.secrets import is_secret, is_variable, masked_places
from polarity.signature import TARGET

Trust = str | list[str] | None
"""Modules or classes whose code a run's configuration may name: ``MODULE``, or several in a list."""


def modules_of(trust: Trust) -> list[str]:
    """The trusted modules as a list."""
    return [] if trust is None else [trust] if isinstance(trust, str) else list(trust)


@cache
def shipped() -> dict[str, frozenset[str]]:
    """Targets of the shipped presets by the place they stand at: ``loss``, ``data.leakage``, ``callbacks.*``."""
    found: dict[str, set[str]] = {}
    for group in (*SECTIONS, *COLLECTIONS, *NESTED):
        for path in sorted((conf_dir() / group).glob("*.yaml")):
            for place, target, _ in targets_of(OmegaConf.to_container(OmegaConf.load(path)), NESTED.get(group, group)):
                found.setdefault(_general(place), set()).add(target)
    for place, group in IN_SECTIONS.items():
        found.setdefault(place, set()).update(found[NESTED.get(group, group)])
    return {place: frozenset(targets) for place, targets in found.items()}


def check_trusted(
    config: Mapping[str, Any],
    where: str,
    *,
    trust: Trust = None,
    unused: bool = True,
    sections: Sequence[str] | None = None,
) -> None:
    """Refuse what the configuration of a run, or some sections of it, would run beyond the project's own components.

    A component is the project's own where a shipped preset names it at the same place: a loss as a loss, and nothing
    else as one. Nothing is imported to find that out. Interpolations are refused, since a run's configuration has none:
    only a secret of a trusted component is read from the environment variable that stands in its place.

    :param where: begins each problem; the file.
    :param trust: modules whose code may be run as well.
    :param unused: whether a trusted module that is not named anywhere is a problem.
    :param sections: those that are built; all if None.
    :raises UserError: with every such place.
    """
    config = config if sections is None else {name: config[name] for name in sections}
    modules = modules_of(trust)
    problems = list[str]()
    for place, target, node in targets_of(config):
        trusted = {name for name in modules if f"{target}.".startswith(f"{name}.")}
        own = target in shipped().get(_general(place), ())
        if not own and not trusted:
            module = target.rpartition(".")[0] or target
            problems.append(
                f"{place}.{TARGET}: {target!r} is none of this project's own components for {place}, and reading a run "
                f"runs no other code{TRUST_ADVICE}{module}"
            )
        problems += _interpolations(node, place, secrets=bool(trusted) and not own)
    problems += _interpolations(config, "", secrets=False)
    problems += [
        f"{place}: is a secret that was masked when the run began, so it cannot be used; give secrets as "
        "${oc.env:NAME}, which is kept by its name"
        for place in masked_places(config)
    ]
    if unused:
        problems += unused_trust(trust, config)
    if problems:
        raise UserError(f"{where}: {problem}" for problem in dict.fromkeys(problems))


def unused_trust(trust: Trust, *configs: Mapping[str, Any], of: str = "the run names") -> list[str]:
    """A problem for each trusted module that none of the configurations names.

    :param of: whose configurations they are, for messages.
    """
    named = [f"{target}." for config in configs for _, target, _ in targets_of(config)]
    return [
        f"trust: {of} nothing of {module!r}"
        for module in modules_of(trust)
        if not any(target.startswith(f"{module}.") for target in named)
    ]


def foreign_modules(config: Mapping[str, Any]) -> list[str]:
    """What has to be trusted to run a configuration: the modules of components that are not the project's own."""
    foreign = [target for place, target, _ in targets_of(config) if target not in shipped().get(_general(place), ())]
    return list(dict.fromkeys(target.rpartition(".")[0] or target for target in foreign))


def targets_of(node: Any, path: str = "") -> Iterator[tuple[str, str, Mapping[Any, Any]]]:
    """Place, target and section of everything that would be built, from the outside to the inside."""
    if isinstance(node, Mapping):
        if TARGET in node:
            yield path, str(node[TARGET]), node
        for key, value in node.items():
            yield from targets_of(value, f"{path}.{key}" if path else str(key))
    elif isinstance(node, list):
        for number, value in enumerate(node):
            yield from targets_of(value, f"{path}.{number}")


def _interpolations(node: Any, path: str, *, secrets: bool) -> Iterable[str]:
    """Texts of a section that would be resolved when it is built; sections with a target of their own are not entered.

    :param secrets: whether its secrets may come from environment variables.
    """
    items = node.items() if isinstance(node, Mapping) else enumerate(node)
    for key, value in items:
        place = f"{path}.{key}" if path else str(key)
        if "${" in str(key):
            yield f"{path}: the name {key!r} is an interpolation, which a run's configuration never holds"
        if isinstance(value, list) or (isinstance(value, Mapping) and TARGET not in value):
            yield from _interpolations(value, place, secrets=secrets)
        elif isinstance(value, str) and "${" in value and not (secrets and is_secret(place) and is_variable(value)):
            yield f"{place}: {value!r} is an interpolation, which a run's configuration never holds; it is not followed"


def _general(place: str) -> str:
    """A place in which the names that users choose for callbacks and loggers are replaced by a star."""
    parts = place.split(".")
    if parts[0] in COLLECTIONS and len(parts) > 1:
        parts[1] = "*"
    return ".".join(parts)
