"""The presets of user data, composed and used as the command line of a stranger would."""

from pathlib import Path
from typing import Any

import pytest
from hydra import compose, initialize_config_dir
from hydra.utils import get_class, instantiate
from omegaconf import OmegaConf

from polarity.paths import conf_dir
from polarity.signature import signature_of

PRESETS = {"csv": "stance", "newsframe": "sentiment", "hub": "stance"}
STANCES = ["none", "yes", "no", "1"]


def section(preset: str, *overrides: str) -> Any:
    with initialize_config_dir(config_dir=str(conf_dir()), version_base="1.3"):
        return compose(f"data/{preset}", overrides=list(overrides)).data


def write(path: Path, start: int = 0) -> None:
    cells = (
        f"{number} {chr(97 + number % 26) * (number + 3)},{STANCES[number % 4]}" for number in range(start, start + 24)
    )
    path.write_text("comment,stance\n" + "\n".join(cells) + "\n")


@pytest.mark.parametrize("preset", PRESETS)
def test_every_argument_is_listed_with_its_default(preset: str) -> None:
    config = section(preset)
    parameters = signature_of(get_class(config["_target_"])).settings
    assert set(config) - {"_target_"} == set(parameters)
    for name, parameter in parameters.items():
        given = OmegaConf.to_container(config)[name] if name in config else None  # type: ignore[call-overload,index]
        if isinstance(parameter.default, str):
            assert given == parameter.default


@pytest.mark.parametrize("preset", PRESETS)
def test_instantiated(preset: str) -> None:
    tasks = [] if preset == "newsframe" else ["data.tasks={stance:[none,yes,no,1]}"]
    built = instantiate(section(preset, "data.path=some/where", *tasks), _convert_="all")
    assert PRESETS[preset] in repr(built)


def test_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "comments.csv")
    overrides = ["data.path=comments.csv", "data.text=comment", "data.tasks={stance:[none,yes,no,1]}"]
    splits = instantiate(section("csv", *overrides, "data.leakage.near=allow"), _convert_="all").load()
    assert splits.tasks[0].classes == tuple(STANCES)
    assert sum(len(rows) for _, rows in splits.items()) == 24


def test_three_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for number, name in enumerate("abc"):
        write(tmp_path / f"{name}.csv", 24 * number)
    files = ["data.train=a.csv", "data.val=b.csv", "data.test=c.csv", "data.leakage.near=allow"]
    overrides = [*files, "data.text=comment", "++data.tasks={stance:{classes:[none,yes,no,1]}}"]
    splits = instantiate(section("csv", *overrides), _convert_="all").load()
    assert [len(rows) for _, rows in splits.items()] == [24, 24, 24]


def test_yaml_booleans(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A preset of the user's own with unquoted yes and no."""
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "comments.csv")
    config = section("csv", "data.path=comments.csv", "data.text=comment", "data.leakage.near=allow")
    (tmp_path / "own.yaml").write_text("tasks: {stance: [none, yes, no, 1]}")
    merged = OmegaConf.merge(config, OmegaConf.load(tmp_path / "own.yaml"))
    assert OmegaConf.to_container(merged)["tasks"]["stance"] == ["none", True, False, 1]  # type: ignore[call-overload,index]
    assert instantiate(merged, _convert_="all").load().tasks[0].classes == tuple(STANCES)
