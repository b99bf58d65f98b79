"""What constructors accept is known without importing them, and is always what they accept now."""

import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import get_type_hints

import pytest
from hydra.utils import get_object

from polarity.config import constructors
from polarity.config.accepted import Constructor, constructor_of, dotted
from polarity.config.components import Components
from polarity.config.constructors import constructor, shipped_names
from polarity.config.sections import SECTIONS
from polarity.config.stricter import STRICTER
from polarity.paths import CACHE_VARIABLE, cache_dir
from tests.command import PATIENCE

SHIPPED = shipped_names()
HEAVY = ("lightning", "matplotlib", "numpy", "scipy", "sklearn", "torch", "transformers")


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache in which nothing is kept yet."""
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    return tmp_path / "cache"


def kept_file() -> Path:
    constructors._kept.cache_clear()
    constructors._kept(cache_dir())
    (file,) = (cache_dir() / "constructors").iterdir()
    return file


@pytest.mark.parametrize("name", SHIPPED)
def test_what_is_kept_is_what_the_constructor_accepts(name: str) -> None:
    target = get_object(name)
    asked = constructor_of(target, STRICTER.get(target.__name__, {}))
    assert Constructor.of_json(json.loads(json.dumps(asdict(asked)))) == asked


def test_all_shipped_ones_are_kept(own_cache: Path) -> None:
    assert sorted(json.loads(kept_file().read_text())["constructors"]) == SHIPPED
    assert own_cache in kept_file().parents


@pytest.mark.parametrize("damage", ["", "{}", "[1]", '{"state": "another", "constructors": {}}'])
@pytest.mark.usefixtures("own_cache")
def test_a_damaged_or_outdated_file_is_written_again(damage: str) -> None:
    file = kept_file()
    whole = file.read_text()
    file.write_text(damage)
    assert kept_file().read_text() == whole


@pytest.mark.usefixtures("own_cache")
def test_a_change_of_code_presets_or_libraries_is_another_state(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    states = [constructors._state()]
    monkeypatch.setattr(constructors, "_package", lambda: tmp_path)
    states.append(constructors._state())
    source = tmp_path / "room" / "loss.py"
    source.parent.mkdir()
    for text in ("a = 1", "a = 12"):
        source.write_text(text)
        states.append(constructors._state())
    monkeypatch.setattr(constructors, "conf_dir", lambda: tmp_path / "room")
    (tmp_path / "room" / "new.yaml").write_text("a: 1")
    states.append(constructors._state())
    monkeypatch.setattr(constructors, "version", lambda library: f"{library}-0")
    assert len({*states, constructors._state()}) == len(states) + 1


def test_what_is_imported_is_asked_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constructors, "_kept", lambda _: pytest.fail("the cache was read"))
    assert "gamma" in constructor("polarity.losses.focal.FocalLoss").settings


def test_a_cache_that_cannot_be_written_is_done_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "file"))
    constructors._kept.cache_clear()
    assert sorted(constructors._kept(cache_dir())) == SHIPPED


def test_sections_name_the_classes_of_the_components() -> None:
    kinds = {name: dotted(kind) for name, kind in get_type_hints(Components).items()}
    assert SECTIONS | kinds == {**SECTIONS, "data": kinds["data"]}
    assert [*SECTIONS] == [*kinds, "trainer"]


@pytest.mark.usefixtures("own_cache")
@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        ["nonsense=1"],
        ["experiment=quickstart", "optimizer.lr=abc", "loss.gama=3"],
        ["loss=focl"],
        ["-m", "seed=0,x", "model=minilm"],
    ],
    ids=" ".join,
)
def test_wrong_settings_and_help_are_answered_without_what_takes_seconds_to_import(words: list[str]) -> None:
    kept_file()
    program = f"""
import sys
from polarity import train
sys.argv[1:] = {words}
try:
    train.main()
except SystemExit as end:
    print(end.code or 0, *(name for name in {HEAVY} if name in sys.modules), file=sys.stderr)
"""
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=PATIENCE, check=True)
    assert said.stderr.splitlines()[-1] == ("0" if words == ["--help"] else "2")
