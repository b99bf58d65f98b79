"""``python -m polarity.inspect``: on good data, on data that training refuses, and on none at all."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from polarity.inspection.result import Inspection
from tests.readings import holding
from tests.running import write_corpus
from tests.tiny import save_tiny_encoder
from tests.verbs import said_by

DATA = (
    "data=csv",
    "data.path=corpus.csv",
    "data.tasks={tone:[yes,no,none,1],topic:[war,food]}",
    "data.id=id",
    "~model",
    "repeats=1",
    "cache_dir=cache",
    "output=told",
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write_corpus(tmp_path / "corpus.csv", rows=120)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def inspection_of(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / "told/inspection.json").read_text(encoding="utf-8"))
    return content


def levels(folder: Path) -> list[str]:
    return [finding["level"] for finding in inspection_of(folder)["findings"]]


def test_everything_is_shown_and_stored(folder: Path) -> None:
    said = said_by("inspect", *DATA, "data.absent_classes=warn")
    content = inspection_of(folder)
    assert list(content) == list(Inspection.__dataclass_fields__)
    assert sum(content["rows"].values()) == 120
    page = (folder / "told/report.html").read_text(encoding="utf-8")
    for finding in content["findings"]:
        assert finding["text"] in said
    assert "http://" not in page.replace("http://www.w3.org", "")
    with (folder / "told/counts.csv").open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    rows = {(line["task"], line["split"], line["class"]): int(line["rows"]) for line in lines}
    for task in content["counts"]:
        for split, classes in task["rows"].items():
            assert {label: rows[task["task"], split, label] for label in classes} == classes
            assert rows[task["task"], split, ""] == task["missing"][split]
    assert levels(folder) == sorted(levels(folder), key=["stop", "warning", "note"].index)


def test_data_that_training_refuses(folder: Path) -> None:
    lines = (folder / "corpus.csv").read_text(encoding="utf-8").splitlines()
    head, rows = lines[0], lines[1:]
    leaked = rows[0].replace("row-0", "copy-0")
    for name, part in (("train", rows[:60]), ("val", [*rows[60:90], leaked]), ("test", rows[90:])):
        (folder / f"{name}.csv").write_text("\n".join([head, *part]) + "\n", encoding="utf-8")
    arguments = [text for text in DATA if not text.startswith("data.path")]
    files = [f"data.{name}={name}.csv" for name in ("train", "val", "test")]
    classes = "data.tasks={tone:[yes,no,none,1,never],topic:[war,food]}"
    said = said_by("inspect", *arguments, *files, classes)
    assert "train and val: 1 row of train has the same text as 1 of val" in said
    assert "no row of class 'never'" in said
    assert "stop" in levels(folder)
    overlaps = inspection_of(folder)["duplicates"]["overlaps"]
    assert {"kind": "exact", "first": "train", "second": "val", "rows": 1, "others": 1} in overlaps


@pytest.mark.parametrize("near", ["stop", "allow", "drop"])
def test_private_texts_are_nowhere(near: str, folder: Path) -> None:
    text = "Strictly; confidential <sentence> & more about the naïve army and great tables"
    corpus = folder / "corpus.csv"
    lines = corpus.read_text(encoding="utf-8").splitlines()
    copies = [f"secret-{n},{text},{label},war,a" for n, label in enumerate(("yes", "no", "yes"))]
    corpus.write_text("\n".join([lines[0], *copies, *lines[1:]]) + "\n", encoding="utf-8")
    (folder / "other.csv").write_text("\n".join([lines[0], *copies[1:], *lines[1:30]]) + "\n", encoding="utf-8")
    apart = [text for text in DATA if not text.startswith("data.path")]
    files = ("data.train=corpus.csv", "data.val=other.csv", f"data.leakage.near={near}", f"data.leakage.exact={near}")
    for arguments in (DATA, (*apart, *files)):
        said = said_by("inspect", *arguments, "texts=false", "data.absent_classes=warn")
        assert "secret-0" in said
        assert "onfidential" not in said
        assert holding(folder / "told", [text]) == set()
    said_by("inspect", *DATA, "data.absent_classes=warn")
    assert "duplicates.csv" in holding(folder / "told", [text])


def test_tokens_of_the_model_are_counted(folder: Path) -> None:
    save_tiny_encoder(folder / "encoder")
    arguments = [text for text in DATA if text != "~model"]
    more = ("model=local", "model.name=encoder", "batching.max_length=8", "labels=false", "data.absent_classes=warn")
    said = said_by("inspect", *arguments, *more)
    assert inspection_of(folder)["lengths"]["unit"] == "tokens"
    assert "batching.max_length=8" in said
    assert inspection_of(folder)["labels"] == []


def test_without_output_only_the_console(folder: Path) -> None:
    before = {path.name for path in folder.iterdir()}
    said = said_by("inspect", *DATA[:-1], "output=null", "labels=false")
    assert "rows by class" in said
    assert {path.name for path in folder.iterdir()} - before <= {"cache"}


@pytest.mark.parametrize("there", [("report.html",), ("status.json", "config.yaml", "report.html", "inspection.json")])
def test_the_report_of_something_else_is_not_overwritten(folder: Path, there: tuple[str, ...]) -> None:
    (folder / "told").mkdir()
    for name in there:
        (folder / "told" / name).write_text("a run's")
    said = said_by("inspect", *DATA, "data.absent_classes=warn", "labels=false", code=2)
    assert "told holds another report than an inspection's" in said
    assert {path.name: path.read_text() for path in (folder / "told").iterdir()} == dict.fromkeys(there, "a run's")


def test_a_second_inspection_leaves_no_table_of_the_first(folder: Path) -> None:
    said_by("inspect", *DATA, "data.absent_classes=warn")
    assert (folder / "told/confused_pairs.csv").exists()
    said_by("inspect", *DATA, "data.absent_classes=warn", "labels=false")
    assert not (folder / "told/confused_pairs.csv").exists()


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        (("data.path=none.csv",), "none.csv"),
        (("groups=[sorce]",), "did you mean 'source'"),
        (("language=lingo",), "no metadata column 'lingo'"),
        (("folds=1",), "folds"),
        (("modle=mbert",), "model"),
        (("data.text=txt",), "has no column 'txt'"),
    ],
)
def test_what_is_wrong_is_reported_and_nothing_is_written(
    arguments: tuple[str, ...], wanted: str, folder: Path
) -> None:
    said = said_by("inspect", *DATA, *arguments, code=2)
    assert wanted in said
    assert "Traceback" not in said
    assert not (folder / "told").exists()


def test_help_is_the_file_of_settings() -> None:
    assert "max_length" not in said_by("inspect", "--help")
    assert "repeats: 2" in said_by("inspect", "--help")


SHAPES = {
    "one row": ["text,tone", "Hello,yes"],
    "three rows": ["text,tone", "Hello,yes", "Bye,no", "Bye,yes"],
    "one class": ["text,tone", *(f"words number {'abcdefghijkl'[n]},yes" for n in range(12))],
    "no label": ["text,tone", *(f"words number {'abcdefghijkl'[n]}," for n in range(12))],
    "emoji": ["text,tone", *(f"{'😀😃😄😁😆😅😂🙂🙃😉😊😇'[n]},{('yes', 'no')[n % 2]}" for n in range(12))],
    "arabic": ["text,tone", *(f"مرحبا {'ابتثجحخدذرزس'[n]} بكم,{('yes', 'no')[n % 2]}" for n in range(12))],
    "markup": ["text,tone", *(f"<script>alert({n})</script> [bold]{n},{('yes', 'no')[n % 2]}" for n in range(12))],
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("pair", [False, True])
def test_data_of_every_shape(shape: str, pair: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    head, *lines = SHAPES[shape]
    lines = [f"{line},{line.partition(',')[0]}" for line in lines]
    (tmp_path / "corpus.csv").write_text("\n".join([f"{head},title", *lines]) + "\n", encoding="utf-8")
    arguments = [text for text in DATA if not text.startswith(("data.tasks", "data.id"))]
    said_by("inspect", *arguments, "data.tasks={tone:[yes,no]}", *(["data.context=title"] if pair else []))
    content = inspection_of(tmp_path)
    assert sum(content["rows"].values()) == len(lines)
    page = (tmp_path / "told/report.html").read_text(encoding="utf-8")
    assert "<script>alert(" not in page
