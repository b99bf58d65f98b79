"""What is written as YAML is read as it was: a job's name is hexadecimal digits, which may look like a number."""

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from omegaconf import OmegaConf

from polarity.files import read_yaml, yaml_text

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


@pytest.mark.parametrize("content", [{"a": 1.5, "b": [1, None, True]}, {"line": "x=${oc.env:HOME} 'q' \"r\" é\n"}])
def test_other_values_too(content: dict[str, object], tmp_path: Path) -> None:
    (tmp_path / "file.yaml").write_text(yaml_text(content), encoding="utf-8")
    assert read_yaml(tmp_path / "file.yaml", dict) == content
