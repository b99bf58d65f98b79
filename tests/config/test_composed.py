"""What is remembered between compositions changes nothing: each is what Hydra alone would have composed, or refused."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hydra
import pytest
from hydra import initialize_config_dir
from omegaconf import DictConfig, OmegaConf

from polarity.config import composed
from polarity.config.composed import compose
from polarity.config.uncomposable import COMPOSITION_ERRORS, first_lines
from polarity.paths import CACHE_VARIABLE, conf_dir

CASES = [
    ["++loss.gamma=3", "loss=ce"],
    ["pooling@model.pooling=cls", "seed=7"],
    ["~callbacks.early_stopping", "+trainer.max_steps=5"],
    ["experiment=run4", "debug=one_batch", "data.path=comments.csv", "model=xlmr_base"],
    ["data=csv", "data.path=${output_dir}/rows.csv", "data.tasks={a: [x, y], b: {column: z}}"],
    # refused
    ["loss=focl"],
    ["seed=1,2"],
    ["loss.gamma=[1,"],
    ["+seed=3"],
    ["~logger.nothing"],
    ["nothing=3", "loss=focl"],
]


def outcome(make: Callable[[], DictConfig]) -> tuple[Any, Any]:
    """What is composed and whether it is closed to further keys, or why it cannot be."""
    try:
        config = make()
    except COMPOSITION_ERRORS as error:
        return type(error), first_lines(error)
    result = OmegaConf.to_container(config, resolve=False), OmegaConf.is_struct(config)
    config.seed = 99
    return result


@pytest.mark.parametrize("overrides", CASES, ids=str)
def test_a_composition_is_that_of_hydra(overrides: list[str]) -> None:
    with initialize_config_dir(config_dir=str(conf_dir()), version_base="1.3"):
        whole = outcome(lambda: hydra.compose("train", overrides=overrides))
        assert outcome(lambda: compose("train", overrides)) == whole
        assert outcome(lambda: compose("train", overrides)) == whole, "though the one before was changed"


def test_values_alone_compose_nothing_again(monkeypatch: pytest.MonkeyPatch) -> None:
    with initialize_config_dir(config_dir=str(conf_dir()), version_base="1.3"):
        compose("train", ["loss=focal"])
        monkeypatch.setattr(composed, "hydra", None)
        assert [compose("train", ["loss=focal", f"loss.gamma={number}"]).loss.gamma for number in (1, 2)] == [1, 2]


def test_presets_that_are_edited_meanwhile_are_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(conf_dir(), tmp_path / "conf")
    monkeypatch.setattr(composed, "conf_dir", lambda: tmp_path / "conf")
    with initialize_config_dir(config_dir=str(tmp_path / "conf"), version_base="1.3"):
        assert "edited" not in compose("train", []).loss
        (tmp_path / "conf" / "loss" / "new.yaml").write_text("defaults: [focal]\nedited: 1\n")
        assert compose("train", ["loss=new"]).loss.edited == 1
        (tmp_path / "conf" / "loss" / "new.yaml").write_text("defaults: [focal]\nedited: 234\n")
        assert compose("train", ["loss=new"]).loss.edited == 234


def test_a_users_own_presets_are_read_each_time(tmp_path: Path) -> None:
    (tmp_path / "loss").mkdir()
    for gamma in (3, 4):
        (tmp_path / "loss" / "mine.yaml").write_text(f"defaults: [focal]\ngamma: {gamma}\n")
        with initialize_config_dir(config_dir=str(conf_dir()), version_base="1.3"):
            own = ["loss=mine", f"hydra.searchpath=[file://{tmp_path}]"]
            assert compose("train", own).loss.gamma == gamma


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file in which a composition is kept, in a cache of its own; this process has forgotten it."""
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    composed._of_choices.cache_clear()
    with initialize_config_dir(config_dir=str(conf_dir()), version_base="1.3"):
        compose("train", ["loss=ce"])
    composed._of_choices.cache_clear()
    (file,) = (tmp_path / "cache" / "composed").iterdir()
    return file


def again(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """What Hydra is asked to compose when the same is asked for in the next process."""
    asked: list[list[str]] = []
    real = hydra.compose

    def watched(name: str, overrides: list[str]) -> DictConfig:
        asked.append(overrides)
        return real(name, overrides=overrides)

    monkeypatch.setattr(hydra, "compose", watched)
    with initialize_config_dir(config_dir=str(conf_dir()), version_base="1.3"):
        found = outcome(lambda: compose("train", ["loss=ce"]))
        assert found == outcome(lambda: real("train", overrides=["loss=ce"]))
    return asked


def test_the_next_process_composes_nothing_again(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert kept.exists()
    assert again(monkeypatch) == []


def test_what_is_damaged_is_composed_again(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept.write_text(kept.read_text()[:-9])
    assert again(monkeypatch) == [["loss=ce"]]


def test_what_another_user_has_written_is_composed_again(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept.write_text(kept.read_text().replace("polarity.losses.ce", "someones.code"))
    monkeypatch.setattr(composed.os, "getuid", lambda: kept.stat().st_uid + 1)
    assert again(monkeypatch) == [["loss=ce"]]


def test_no_more_than_the_newest_are_kept(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(composed, "MOST", 2)
    os.utime(kept, (0, 0))
    with initialize_config_dir(config_dir=str(conf_dir()), version_base="1.3"):
        for preset in ("joint", "natural", "joint"):
            compose("train", [f"sampler={preset}"])
    assert len(list(kept.parent.iterdir())) == 2
    assert not kept.exists()
