"""Figures are the charts of the pages as files: valid alone, with live text in any script, and nothing of a page."""

import re
from pathlib import Path
from xml.etree.ElementTree import Element, parse

import pytest

from polarity.analysis import analyse
from polarity.reports.figures import write_figures
from polarity.run import RunDirectory
from polarity.tasks import Task
from tests.reports.pages import HOSTILE, predictions, run_folder

SCRIPTS = ("yes", "ใช่ครับ", "हाँ जी", "是的", "да", "نعم", "כן")
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    tasks = (Task("tone", SCRIPTS, "tone"), Task("topic", ("war", f"food {HOSTILE}"), "topic"))
    run = run_folder(tmp_path_factory.mktemp("figures") / "run", tasks=tasks)
    splits = {name: analyse(predictions(tasks, 150, seed=1, skill=1), resamples=0) for name in ("val", "test")}
    write_figures(run.figures, splits, history=run.history, exposure=run.details / "exposure.csv")
    return run


def words(tree: Element) -> str:
    return " ".join(item.text or "" for item in tree.iter(f"{SVG}text"))


def test_every_figure_is_a_picture_of_its_own(run: RunDirectory) -> None:
    files = list(run.figures.iterdir())
    names = {path.name for path in files}
    for kind in ("confusion", "reliability"):
        assert {f"{kind}_{task}_{split}.svg" for task in ("tone", "topic") for split in ("val", "test")} <= names
    assert {"learning_curves_tone.svg", "training_objective.svg", "exposure.svg"} <= names
    for path in files:
        tree = parse(path).getroot()
        assert tree.tag == f"{SVG}svg", path
        assert float(tree.attrib["width"]) > 300
        assert float(tree.attrib["height"]) > 100
        style = next(tree.iter(f"{SVG}style")).text or ""
        assert not re.search(r"var\(|url\(|@import", style), path
        assert "sans-serif" in style
        assert not {f"{SVG}script", f"{SVG}image", f"{SVG}foreignObject"} & {item.tag for item in tree.iter()}


@pytest.mark.parametrize("name", ["confusion_tone_test", "learning_curves_tone", "exposure"])
def test_class_names_stay_text_in_every_script(name: str, run: RunDirectory) -> None:
    shown = words(parse(run.figures / f"{name}.svg").getroot())
    for label in SCRIPTS if name != "learning_curves_tone" else SCRIPTS[:2]:
        assert label in shown


def test_what_was_not_recorded_is_not_drawn(tmp_path: Path) -> None:
    tasks = (Task("tone", ("a", "b"), "tone"),)
    analysis = analyse(predictions(tasks, 40, seed=0, skill=1), resamples=0)
    write_figures(tmp_path / "out", {"val": analysis}, history=tmp_path / "none", exposure=tmp_path / "none")
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {"confusion_tone_val.svg", "reliability_tone_val.svg"}
