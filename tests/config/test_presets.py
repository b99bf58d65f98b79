"""Every file of conf/ composes, is complete, builds, and says which command runs it and where its code is."""

import inspect
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hydra.utils import get_object
from omegaconf import OmegaConf

import polarity
from polarity.config.build import build, build_all
from polarity.config.compose import in_folder
from polarity.config.sections import SECTIONS
from polarity.config.structure import structure_problems
from polarity.errors import UserError
from polarity.paths import conf_dir
from polarity.signature import NEEDED as REQUIRED
from polarity.signature import TARGET, signature_of
from polarity.sweeps.register import register_plugins
from tests.presets import FILES, NEEDED, commands, configurations, heading, is_base, verb_of
from tests.verbs import said_by

CODE = Path(polarity.__file__).parents[1]
COMMANDS = [
    pytest.param(file, number, marks=[pytest.mark.slow] * (number > 0), id=f"{file}-{number}")
    for file in FILES
    if verb_of(file) == "train"
    for number in range(len(commands(file)))
]
DEFAULTS = {
    group: name
    for entry in OmegaConf.to_container(OmegaConf.load(conf_dir() / "train.yaml"))["defaults"]  # type: ignore[call-overload,index]
    if isinstance(entry, dict)
    for group, name in entry.items()
}
every_file = pytest.mark.parametrize("file", FILES)


def content(file: str) -> dict[str, Any]:
    """What a file and the bases that it shares with others of its group say."""
    node: Any = OmegaConf.to_container(OmegaConf.load(conf_dir() / file))
    if TARGET in node:
        for base in node.pop("defaults", []):
            if isinstance(base, dict):  # a component within this one, as a model's pooling
                for chosen, name in base.items():
                    group, _, place = chosen.strip("/").partition("@")
                    node[place or group] = content(f"{group}/{name}.yaml")
                continue
            node = node if base == "_self_" else {**content(f"{Path(file).parent}/{base}.yaml"), **node}
    return dict(node)


def components(node: Any) -> Iterator[dict[str, Any]]:
    """Every section with a target, however deep."""
    if isinstance(node, dict):
        yield from ([node] if TARGET in node else [])
        for value in node.values():
            yield from components(value)


register_plugins()

TRAINER = {"logger": False, "accelerator": "cpu", "precision": "32-true"}
"""What may not be right on every machine, or is found out by the run."""


@cache
def have_been_built() -> set[str]:
    """Sections as they stood when their components were made; the same again would say nothing new."""
    return set()


def build_everything(config: dict[str, Any], folder: Path) -> None:
    """Make every component of a configuration, as a run does before it reads anything."""
    new = {name: repr((name, config[name])) for name in (*SECTIONS, "callbacks", "logger")}
    new = {name: text for name, text in new.items() if text not in have_been_built()}
    config = in_folder(config, str(folder))
    problems: list[str] = []
    for name in new:
        if name in ("callbacks", "logger"):
            build_all(name, config[name], problems)
        else:
            build(name, config[name], **(TRAINER if name == "trainer" else {}))
    assert problems == []
    have_been_built().update(new.values())


@pytest.mark.parametrize(("file", "number"), COMMANDS)
def test_the_commands_in_its_heading_run(file: str, number: int, tmp_path: Path) -> None:
    command = commands(file)[number]
    command = [re.sub(r"(seed=0,1),.*", r"\1", text) for text in command]  # two seeds are as good as five
    needed = [text for chosen, texts in NEEDED.items() if chosen in command for text in texts]
    given = {text.partition("=")[0].replace("data.train", "data.path") for text in command}
    command += [text for text in needed if text.partition("=")[0] not in given]
    for config in configurations(command):
        config["logger"].pop("wandb", None)  # a package of its own
        assert structure_problems(config) == []
        build_everything(config, tmp_path)


@pytest.mark.parametrize("file", [file for file in FILES if verb_of(file) != "train"])
def test_the_commands_of_another_verb_are_understood(file: str) -> None:
    for command in commands(file):
        said_by(verb_of(file), *command, "--cfg", "job")


@every_file
def test_it_opens_with_the_command_that_runs_it_and_an_example(file: str) -> None:
    lines = heading(file)
    assert all(line.startswith(f"# python -m polarity.{verb_of(file)}") for line in lines[:2])
    assert len(commands(file)) >= 2
    group, _, name = file.removesuffix(".yaml").rpartition("/")
    if group and not is_base(file) and DEFAULTS.get(group) != name and DEFAULTS.get(f"override {group}") != name:
        chosen = re.compile(rf"{group}=(\w+,)*{name}(,\w+)*")
        assert all(any(chosen.fullmatch(text) for text in command) for command in commands(file))


@every_file
def test_its_code_is_where_it_says(file: str) -> None:
    (place,) = re.findall(r"Code: ([\w./]+\w/?)", "\n".join(heading(file)))
    if place.startswith("lightning"):
        get_object(place)
        return
    assert (CODE / place).exists()
    node = content(file)
    own = [node] if TARGET in node else [section for section in node.values() if isinstance(section, dict)]
    for section in own:
        target = str(section.get(TARGET))
        if target.startswith("polarity"):
            source = Path(inspect.getfile(get_object(target)))
            assert (CODE / place) in (source, source.parent)


@every_file
def test_it_lists_every_setting_of_its_components(file: str) -> None:
    for section in components(content(file)):
        target = get_object(section[TARGET])
        named = {key for key in section if not key.startswith("_")}
        signature = signature_of(target)
        known = set(signature.settings)
        if target.__module__.startswith("polarity") and not target.__module__.startswith("polarity.reports"):
            assert named == known
        else:
            assert named <= known or signature.open_ended


def test_defaults_of_constructors_are_those_of_a_preset() -> None:
    given: dict[tuple[str, str], list[Any]] = {}
    for file in FILES:
        for section in components(content(file)):
            for key, value in section.items():
                given.setdefault((section[TARGET], key), []).append(value)
    for (name, key), values in given.items():
        setting = signature_of(get_object(name)).settings.get(key)
        if name.startswith("polarity") and setting is not None and setting.default is not REQUIRED:
            spelled = [None if left_out(value) else value for value in values]
            assert setting.default in (*values, *spelled), (name, key)


def left_out(value: Any) -> bool:
    """What stands in a preset where the constructor may do without."""
    return value in ([], {}, "${cache_dir}") or (isinstance(value, dict) and TARGET in value)


@pytest.mark.parametrize("file", [file for file in FILES if is_base(file)])
def test_a_base_cannot_be_chosen(file: str) -> None:
    group, _, name = file.removesuffix(".yaml").rpartition("/")
    for text in (f"{group}={name}", f"{group}=run1,{name}"):
        with pytest.raises(UserError, match="is a base of presets") as refused:
            list(configurations(["-m", text, "data.path=comments.csv"]))
        assert f"presets: {name}" not in str(refused.value)


def test_the_page_names_every_setting_at_the_root() -> None:
    page = (CODE / "docs" / "configuration.md").read_text(encoding="utf-8")
    table = page.partition("## At the root")[2].partition("\n## ")[0]
    settings = OmegaConf.load(conf_dir() / "train.yaml").keys() - {"defaults", "hydra"}
    assert {str(name) for name in settings if f"`{name}`" not in table} == set()
