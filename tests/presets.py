"""Every file of conf/, and the command line that runs it."""

import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml
from hydra.utils import get_class
from omegaconf import OmegaConf

from polarity.config.compose import compose_jobs, resolved
from polarity.paths import conf_dir

VERBS = sorted(path.stem for path in conf_dir().glob("*.yaml") if path.stem != "train")
FILES = sorted(
    path.relative_to(conf_dir()).as_posix()
    for path in conf_dir().rglob("*.yaml")
    if path.parent != conf_dir() or path.stem == "train"
)
NEEDED = {  # what only a user can know
    "data=csv": ("data.path=comments.csv", "data.tasks={stance:[none,yes,no]}"),
    "data=hub": ("data.path=org/name", "data.tasks={stance:[none,yes,no]}"),
    "data=campaign": ("data.path=comments.csv",),
    "data=newsframe": ("data.path=newsframe",),
    "regularizer=distillation": ("regularizer.teacher=outputs/run",),
    "model=local": ("model.name=encoder",),
}

ELSEWHERE = {"method": "ensemble"}
"""Groups that another verb than training has."""


def verb_of(file: str) -> str:
    """The verb that a file is for."""
    return ELSEWHERE.get(file.partition("/")[0], "train")


def is_base(file: str) -> bool:
    """Whether a file is only there for others: it cannot be chosen, but it is in those that can."""
    return Path(file).name.startswith("_")


def choice(file: str) -> list[str]:
    """The overrides that choose a file."""
    group, _, name = file.removesuffix(".yaml").rpartition("/")
    if not group:
        return []
    chosen = f"{group}={name}"
    reference = group == "experiment" and name.startswith("run")
    return [chosen, *NEEDED.get("data=campaign" if reference else chosen, ())]


CHOICES = {file: choice(file) for file in FILES if not is_base(file) and verb_of(file) == "train"}


def configurations(arguments: Sequence[str], config_dir: str | None = None) -> Iterator[dict[str, Any]]:
    """The resolved configuration of each job of a command line."""
    multirun = "-m" in arguments
    overrides = [text for text in arguments if text != "-m"]
    for job in compose_jobs("train", overrides, config_dir=config_dir, multirun=multirun):
        config, problems = resolved(job.config)
        assert not problems, problems
        yield config


def components_of(group: str) -> list[Any]:
    """The classes of a group's presets."""
    return list(dict.fromkeys(type(component) for component in shipped(group)))


def shipped(group: str, **changed: Any) -> list[Any]:
    """The component of each preset of a group, with the settings of its file, but these changed.

    Read without composing a whole configuration, since modules of tests do so where they are imported.
    """
    root = {"monitor": "val/macro_f1", "mode": "max"}
    collected = []
    for path in sorted((conf_dir() / group).glob("[!_]*.yaml")):
        own = yaml.safe_load(path.read_text("utf-8"))
        bases = [base for base in own.pop("defaults", []) if base != "_self_"]
        inherited = [yaml.safe_load(path.with_name(f"{base}.yaml").read_text("utf-8")) for base in bases]
        merged = OmegaConf.merge(root, {group: {}}, *({group: part} for part in [*inherited, own]))
        settings = OmegaConf.to_container(merged, resolve=True)[group]  # type: ignore[call-overload,index]
        collected.append(get_class(settings.pop("_target_"))(**settings | changed))
    return collected


def text_of(file: str) -> str:
    return (conf_dir() / file).read_text(encoding="utf-8")


def heading(file: str) -> list[str]:
    """The comment that a file opens with, without the line that Hydra reads."""
    lines = text_of(file).splitlines()
    if lines[0] == "# @package _global_":
        lines = lines[1:]
    length = next(number for number, line in enumerate(lines) if not line.startswith("#"))
    return lines[:length]


def commands(file: str) -> list[list[str]]:
    """The arguments of each command line in the heading of a file."""
    start = f"# python -m polarity.{verb_of(file)}"
    return [shlex.split(line.removeprefix(start)) for line in heading(file) if line.startswith(start)]
