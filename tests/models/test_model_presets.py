"""Every preset of a model and of a head is complete, valid and can be built."""

import inspect
from pathlib import Path
from typing import Any

import pytest
from hydra.utils import get_class, instantiate

import polarity
from polarity.config.compose import compose_jobs, resolved
from polarity.config.schema import section_problems
from polarity.config.sections import SECTIONS
from polarity.models import Head, PretrainedEncoder
from polarity.models.huggingface.sources import is_local
from polarity.models.ngrams.settings import Ngrams

CONF = Path(polarity.__file__).parents[1] / "conf"
PRESETS = [*sorted((CONF / "model").glob("*.yaml")), *sorted((CONF / "head").glob("*.yaml"))]
every_preset = pytest.mark.parametrize("path", PRESETS, ids=[f"{path.parent.name}={path.stem}" for path in PRESETS])


def read(path: Path) -> dict[str, Any]:
    group = path.parent.name
    named = [f"{group}.name=encoder"] if "???" in path.read_text(encoding="utf-8") else []
    (job,) = compose_jobs("train", [f"{group}={path.stem}", *named], config_dir=None, multirun=False)
    node: dict[str, Any] = resolved(job.config)[0][group]
    return node


@every_preset
def test_it_lists_every_setting_and_fits_the_constructor(path: Path) -> None:
    node, group = read(path), path.parent.name
    target = get_class(node.pop("_target_"))
    assert sorted(node) == sorted(inspect.signature(target).parameters)
    assert section_problems(group, read(path), kind=SECTIONS[group]) == []
    built = instantiate(read(path), _convert_="all")
    plain = {key: value for key, value in node.items() if not isinstance(value, dict)}
    assert all(f"{key}={value!r}" in repr(built) for key, value in plain.items())
    if plain:
        needed = {
            name: getattr(built, name)
            for name, parameter in inspect.signature(target).parameters.items()
            if parameter.default is parameter.empty and name not in plain
        }
        assert repr(built) == repr(target(**plain, **needed))


@every_preset
def test_it_opens_with_the_command_that_runs_it(path: Path) -> None:
    first, second, *about = path.read_text(encoding="utf-8").splitlines()
    chosen = f"# python -m polarity.train {path.parent.name}={path.stem}"
    assert first.startswith(chosen)
    assert second.startswith(chosen + " ")
    assert any(line.startswith("# Code: polarity/models/") for line in about)


OWN_DEFAULTS = [(PretrainedEncoder, "model/minilm"), (Ngrams, "model/ngrams"), (Head, "head/linear")]


@pytest.mark.parametrize(("target", "path"), OWN_DEFAULTS)
def test_defaults_of_the_constructor_are_those_of_the_first_preset(target: type, path: str) -> None:
    node = read(CONF / f"{path}.yaml")
    for name, parameter in inspect.signature(target).parameters.items():
        assert parameter.default in (parameter.empty, node[name]) or name == "pooling"  # None: the mean


def test_three_encoders_need_no_hub() -> None:
    names = {path.stem: read(path).get("name") for path in PRESETS if path.parent.name == "model"}
    assert [preset for preset, name in names.items() if name and is_local(name)] == ["e5_small", "minilm", "mpnet"]
