"""What is written as YAML is read as it was: a job's name is hexadecimal digits, which may look like a number."""

import re
from pathlib import Path

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from polarity.errors import UserError
from polarity.files import read_yaml, yaml_text
from polarity.paths import conf_dir
from polarity.yaml_loader import OMEGACONF, loader, parsed

DIGITS = st.text("0123456789abcdef_+-.:eE", min_size=1, max_size=12)


@given(DIGITS)
@example("56e01234")
@example("12345678")
@example("0x12")
@example("1_000")
@example("inf")
def test_names_stay_texts(name: str) -> None:
    content = {name: [name], "key": name}
    assert OmegaConf.to_container(OmegaConf.create(yaml_text(content))) == content


@pytest.mark.parametrize("content", [{"b": 1.5, "a": [1, None, True]}, {"line": "x=${oc.env:HOME} 'q' \"r\" é\n"}])
def test_other_values_too(content: dict[str, object], tmp_path: Path) -> None:
    (tmp_path / "file.yaml").write_text(yaml_text(content), encoding="utf-8")
    read = read_yaml(tmp_path / "file.yaml", dict)
    assert read == content
    assert list(read) == list(content), "in their order"


def test_what_is_written_reads_well() -> None:
    """Texts without quotes where they need none, in their own letters, each on one line."""
    words = " ".join(["schöne"] * 40)
    assert yaml_text({"b": words, "a": ["text"]}) == f"b: {words}\na:\n- text\n"


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=re.escape(f"{tmp_path}: cannot be read: Is a directory")):
        read_yaml(tmp_path, dict)


def as_omegaconf(text: str) -> object:
    """By OmegaConf's own loader, in Python."""
    plain = yaml.load(text, Loader=OMEGACONF())
    return OmegaConf.to_container(OmegaConf.create(plain)) if isinstance(plain, (dict, list)) else plain


VALUES = (
    *("1e-3", "1e3", "56e01234", "1_000", "0x1F", "0o17", "017", ".5", "1.", "+.inf", "-.INF", ".nan", "1:30"),
    *("190:20:30.15", "yes", "Off", "~", "null", "''", "2026-01-31", "2026-01-31 10:00:00", "=", "<<", "é", "'a''b'"),
    *('"\\x41\\n"', "a: b", "[1, [2, {a: b}]]", "{a: 1, 2: b, 1.5: c, true: d}", "|\n  two\n  lines\n", "&x [1]"),
    *(">\n  one\n  line\n", "!!str 1", "${a.b}", "'${oc.env:HOME}'", "!!binary aGk=", "???", "# nothing"),
)  # fmt: skip


@pytest.mark.parametrize("value", VALUES)
def test_values_are_those_of_omegaconf(value: str) -> None:
    text = f"key: {value}\n"
    try:
        expected = as_omegaconf(text)
    except yaml.YAMLError:
        with pytest.raises(yaml.YAMLError):
            parsed(text)
    else:
        assert repr(parsed(text)) == repr(expected)
        assert repr(OmegaConf.to_container(OmegaConf.create(text))) == repr(expected)


@pytest.mark.parametrize(
    "preset", sorted(conf_dir().rglob("*.yaml")), ids=lambda path: f"{path.parent.name}-{path.stem}"
)
def test_presets_are_those_of_omegaconf(preset: Path) -> None:
    text = preset.read_text(encoding="utf-8")
    assert repr(parsed(text)) == repr(as_omegaconf(text))


WRONG = (
    "a: 1\nb: 2\na: 3\n",
    "a: [1\nb: 2\n",
    "a: ${\n",
    "a: !!python/name:os.system\n",
    "a: 1\n\tb: 2\n",
    "? [1]\n: 2\n",
)


@pytest.mark.parametrize("text", [*WRONG, "? !!null\n: 1\n", "a: !!timestamp 2026-01-31\n"])
def test_what_omegaconf_refuses_is_refused_and_the_line_told(text: str) -> None:
    kinds = (yaml.YAMLError, OmegaConfBaseException)
    with pytest.raises(kinds) as expected:
        as_omegaconf(text)
    with pytest.raises(type(expected.value)) as refused:
        parsed(text)
    if isinstance(refused.value, yaml.MarkedYAMLError):
        assert isinstance(expected.value, yaml.MarkedYAMLError)
        there, told = expected.value.problem_mark, refused.value.problem_mark
        assert (there and there.line) == (told and told.line)


def test_libyaml_is_used_and_presets_are_read_by_it() -> None:
    assert yaml.__with_libyaml__
    assert loader().__mro__[1].__name__ == "CParser"
    with pytest.raises(yaml.YAMLError, match="duplicate key a"):
        OmegaConf.create("a: 1\na: 2\n")
