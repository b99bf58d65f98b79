"""Reading a run that somebody else has sent never runs what they have put into its configuration."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from polarity.config.overrides import COLLECTIONS
from polarity.config.sections import SECTIONS
from polarity.config.trust import check_trusted, shipped
from polarity.errors import UserError
from polarity.run import RunDirectory
from polarity.runs.manifest import seal
from tests.command import run as command
from tests.running import composed, overrides, write_corpus
from tests.security.tampering import VERBS, edit_config, gadgets
from tests.verbs import said_by

GADGETS = tuple(gadgets(Path("x"), Path("y"), write=False))


def test_a_configuration_as_training_writes_it_is_trusted(tmp_path: Path) -> None:
    for more in ((), ("trainer=ddp",), ("callbacks=gradient_cosine",), ("logger=csv",), ("loss=ce", "decision=prior")):
        check_trusted(composed(*overrides(tmp_path, *more)), "config.yaml")


def test_every_section_has_components_that_are_shipped() -> None:
    assert {place.split(".")[0] for place in shipped()} == {*SECTIONS, *COLLECTIONS}
    assert all(target.startswith(("polarity.", "lightning.")) for targets in shipped().values() for target in targets)


@pytest.mark.parametrize("place", ["data", "limit", "loss", "trainer", "callbacks.extra", "logger.extra"])
@pytest.mark.parametrize("gadget", GADGETS)
def test_no_section_of_a_run_may_name_code_of_others(tmp_path: Path, place: str, gadget: str) -> None:
    section = gadgets(tmp_path, tmp_path / "mark")[gadget]
    config: dict[str, Any] = {"loss": {"_target_": "polarity.losses.focal.FocalLoss"}}
    node, _, last = ("", "", place) if "." not in place else place.partition(".")
    (config.setdefault(node, {}) if node else config)[last] = section
    if (gadget, place) == ("own class of another kind", "loss"):
        return
    with pytest.raises(UserError, match=f"config.yaml: {place}.*_target_: .* is none of this project's own.*trust="):
        check_trusted(config, "config.yaml")
    assert not (tmp_path / "mark").exists()


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("gadget", ["torch", "module", "own module", "nested"])
def test_a_tampered_run_is_refused_and_runs_nothing(
    moved: RunDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, verb: str, gadget: str
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    write_corpus(tmp_path / "new.csv", rows=5)
    section = gadgets(tmp_path, tmp_path / "mark")[gadget]
    edit_config(moved, lambda config: config.update(data=section))
    said = said_by(verb, f"run={moved.path}", *VERBS[verb], code=2)
    assert "config.yaml: data" in said
    assert str(section["_target_"]) in said or "os.system" in said
    assert "trust=" in said
    assert not (tmp_path / "mark").exists()
    assert not (tmp_path / "told.csv").exists()


def unfinished(run: RunDirectory) -> RunDirectory:
    """The run as one that was stopped."""
    run.set_status("failed", error="stopped")
    return run


@pytest.mark.parametrize("gadget", ["module", "nested"])
@pytest.mark.parametrize("place", ["data", "callbacks.extra", "trainer.strategy"])
def test_resume_runs_nothing_either(
    moved: RunDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gadget: str, place: str
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    section = gadgets(tmp_path, tmp_path / "mark")[gadget]

    def put(config: dict[str, Any]) -> None:
        node, _, last = place.rpartition(".")
        (config[node] if node else config)[last] = section

    edit_config(unfinished(moved), put)
    said = said_by("train", f"resume={moved.path}", code=2)
    assert f"config.yaml: {place}" in said
    assert not (tmp_path / "mark").exists()


OWN_CORPUS = """
from polarity.data.files import FileCorpus

class Mine(FileCorpus):
    pass
"""


@pytest.mark.slow
def test_what_is_trusted_by_name_is_run(moved: RunDirectory, tmp_path: Path) -> None:
    (tmp_path / "my_data.py").write_text(OWN_CORPUS)
    (tmp_path / "other_data.py").write_text(OWN_CORPUS)
    edit_config(moved, lambda config: config["data"].update(_target_="my_data.Mine"))
    seal(moved)
    said = said_by("evaluate", f"run={moved.path}", "trust=other_data", code=2)
    assert "if you know and trust it: trust=my_data" in said
    assert "trust: the run names nothing of 'other_data'" in said
    said = command("evaluate", f"run={moved.path}", "resamples=100", "trust=my_data", folder=tmp_path)
    assert "the run's own predictions are reproduced" in said


def test_a_trusted_name_is_a_module_and_not_a_beginning_of_names() -> None:
    config = {"data": {"_target_": "my_data_evil.Mine"}}
    with pytest.raises(UserError, match="my_data_evil"):
        check_trusted(config, "config.yaml", trust="my_data", unused=False)
    check_trusted(config, "config.yaml", trust=["my_data_evil.Mine"])


def test_trust_without_a_run_to_read_has_no_effect(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert "trust: " in said_by("train", *overrides(tmp_path, rows=60), "trust=mine", code=2)


def at_text(config: dict[str, Any]) -> None:
    config["data"]["path"] = "${oc.env:SECRET_OF_MINE}.csv"


def at_name(config: dict[str, Any]) -> None:
    config["data"]["tasks"] = {"${oc.env:SECRET_OF_MINE}": "x"}


def at_secret(config: dict[str, Any]) -> None:
    config["data"]["password"] = "${oc.env:SECRET_OF_MINE}"


@pytest.mark.parametrize("edit", [at_text, at_name, at_secret])
@pytest.mark.parametrize("verb", ["evaluate", "resume"])
def test_interpolations_are_not_followed(
    moved: RunDirectory, monkeypatch: pytest.MonkeyPatch, edit: Callable[[dict[str, Any]], None], verb: str
) -> None:
    monkeypatch.setenv("SECRET_OF_MINE", "Xy9-very-secret")
    edit_config(moved, edit)
    if verb == "resume":
        said = said_by("train", f"resume={unfinished(moved).path}", code=2)
    else:
        said = said_by("evaluate", f"run={moved.path}", code=2)
    assert "is an interpolation" in said
    assert "Xy9" not in said


def test_yaml_builds_no_objects(moved: RunDirectory, tmp_path: Path) -> None:
    path = moved.path / "config.yaml"
    mark = tmp_path / "mark"
    path.write_text(path.read_text() + f"\nextra: !!python/object/apply:os.system ['touch {mark}']\n")
    said = said_by("evaluate", f"run={moved.path}", code=2)
    assert "config.yaml" in said
    assert not mark.exists()
    with pytest.raises(yaml.YAMLError):
        yaml.safe_load(path.read_text())
