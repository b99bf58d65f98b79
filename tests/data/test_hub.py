"""Data sets of the `datasets` library, from local folders: none of it needs a network."""

import json
import sys
from pathlib import Path
from random import Random
from string import ascii_lowercase
from typing import Any

import pytest

from polarity.data.hub import HubCorpus
from polarity.data.leakage import Leakage
from polarity.data.rows import Rows, Splits
from polarity.data.splitting import Split
from polarity.errors import UserError

datasets = pytest.importorskip("datasets", reason="needs the extra polarity[hub]")

CLASSES = ["none", "NA", "1"]


@pytest.fixture(autouse=True)
def _quiet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "hub")
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)


def sample(count: int = 30, start: int = 0) -> dict[str, list[Any]]:
    numbers = range(start, start + count)
    texts = [" ".join("".join(Random(n).choices(ascii_lowercase, k=40)) for _ in range(2)) for n in numbers]
    return {"text": texts, "stance": [CLASSES[n % 3] for n in numbers]}


def write_csv(path: Path, cells: dict[str, list[Any]]) -> None:
    lines = [",".join(cells), *(",".join(map(str, row)) for row in zip(*cells.values(), strict=True))]
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n".join(lines) + "\n")


def corpus(path: Path | str, **changes: Any) -> HubCorpus:
    usual: dict[str, Any] = {"text": "text", "tasks": {"stance": CLASSES}, "split": Split()}
    return HubCorpus(**usual | {"path": str(path), "leakage": Leakage(exact="allow", near="allow")} | changes)


def names(rows: Rows, splits: Splits) -> list[str | None]:
    return [None if label < 0 else splits.tasks[0].classes[label] for label in rows.labels[:, 0]]


def saved(folder: Path, **splits: dict[str, list[Any]]) -> Path:
    made = {name: datasets.Dataset.from_dict(cells) for name, cells in splits.items()}
    datasets.DatasetDict(made).save_to_disk(str(folder))
    return folder


def test_saved_splits(tmp_path: Path) -> None:
    folder = saved(tmp_path / "in", train=sample(), validation=sample(9, 30), test=sample(9, 60), extra=sample(3))
    splits = corpus(folder).load()
    assert [rows.text for _, rows in splits.items()] == [sample()["text"], sample(9, 30)["text"], sample(9, 60)["text"]]
    assert names(splits.train, splits) == sample()["stance"]
    assert splits.notes == [f"{folder}: splits that are not read: extra"]


def test_splits_by_name(tmp_path: Path) -> None:
    folder = saved(tmp_path / "in", a=sample(), b=sample(9, 30), c=sample(9, 60))
    splits = corpus(folder, train="c", val="b").load()
    assert (len(splits.train), len(splits.val), splits.test) == (9, 9, None)


@pytest.mark.parametrize("name", ["train", "everything"])
def test_one_split_is_split(name: str, tmp_path: Path) -> None:
    splits = corpus(saved(tmp_path / "in", **{name: sample(60)})).load()
    assert sorted(text for _, rows in splits.items() for text in rows.text) == sorted(sample(60)["text"])
    assert splits.test is not None


def test_one_data_set_without_splits(tmp_path: Path) -> None:
    datasets.Dataset.from_dict(sample(60)).save_to_disk(str(tmp_path / "in"))
    assert len(corpus(tmp_path / "in").load().train) > 30


def test_validation_is_cut_from_training_rows(tmp_path: Path) -> None:
    folder = saved(tmp_path / "in", train=sample(60), test=sample(9, 60))
    splits = corpus(folder, split=Split(test=0.0)).load()
    assert splits.test is not None
    assert splits.test.text == sample(9, 60)["text"]
    assert len(splits.train) + len(splits.val) == 60


def test_class_numbers_read_as_names(tmp_path: Path) -> None:
    features = datasets.Features({"text": datasets.Value("string"), "stance": datasets.ClassLabel(names=["no", "yes"])})
    cells = sample(30) | {"stance": [0, 1, -1] * 10}
    made = datasets.Dataset.from_dict(cells, features=features)
    datasets.DatasetDict({"train": made, "dev": made}).save_to_disk(str(tmp_path / "in"))
    splits = corpus(tmp_path / "in", tasks={"stance": ["yes", "no"]}).load()
    assert names(splits.train, splits) == ["no", "yes", None] * 10


def test_folder_of_csv_files_keeps_names_that_pandas_takes_for_nothing(tmp_path: Path) -> None:
    for name, start in (("train", 0), ("validation", 30), ("test", 60)):
        write_csv(tmp_path / "in" / f"{name}.csv", sample(30, start))
    splits = corpus(tmp_path / "in").load()
    assert names(splits.train, splits) == sample()["stance"]
    assert splits.val.text == sample(30, 30)["text"]


def test_folder_of_json_lines(tmp_path: Path) -> None:
    for name, start in (("train", 0), ("dev", 30)):
        path = tmp_path / "in" / f"{name}.jsonl"
        path.parent.mkdir(exist_ok=True)
        rows = [dict(zip(sample(), row, strict=True)) for row in zip(*sample(30, start).values(), strict=True)]
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    splits = corpus(tmp_path / "in").load()
    assert (names(splits.train, splits), splits.test) == (sample()["stance"], None)


def test_nothing_is_written(tmp_path: Path) -> None:
    for name, start in (("train", 0), ("test", 30), ("validation", 60)):
        write_csv(tmp_path / "in" / f"{name}.csv", sample(30, start))
    saved(tmp_path / "saved", train=sample(), validation=sample(9, 30))
    before = sorted(tmp_path.rglob("*"))
    corpus(tmp_path / "in").load()
    corpus(tmp_path / "saved").load()
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"train": "trian", "val": "validation"}, "data.train: {in} has no split 'trian'; did you mean 'train'?"),
        ({"text": "txt"}, "{in} [train]: has no column 'txt', which data.text asks for; did you mean 'text'?"),
        ({"tasks": {"stance": ["none", "na", "1"]}}, "{in} [train]: column 'stance': 'NA' is no class"),
        ({"tasks": ["stance"]}, "data.tasks.stance: name its classes"),
        ({"path": "./inn"}, "data.path: inn does not exist; did you mean 'in'?"),
        ({"path": "in/dataset_dict.json"}, "data.path: in/dataset_dict.json is a file; use data=csv"),
        (
            {"path": "no-such-org/no-such-set"},
            "data.path: 'no-such-org/no-such-set' is no folder here, is not in the cache",
        ),
        ({"split": Split(val=0.5)}, "data.split: has no effect, since the splits come from the data"),
    ],
    ids=str,
)
def test_message(changes: dict[str, Any], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    saved(tmp_path / "in", train=sample(), validation=sample(9, 30))
    with pytest.raises(UserError) as caught:
        corpus(**{"path": "in"} | changes).load()
    assert message.replace("{in}", "in") in str(caught.value)


def test_what_its_files_may_need_is_advised_as_settings_that_there_are(tmp_path: Path) -> None:
    for folder, old, new in (("semicolons", ",", ";"), ("headless", "text,stance\n", "a long text\u2026,1\n")):
        for name, start in (("train", 0), ("validation", 30)):
            write_csv(path := tmp_path / folder / f"{name}.csv", sample(30, start))
            path.write_text(path.read_text().replace(old, new), encoding="utf-8")
    with pytest.raises(UserError, match=r"if ';' separates .*, give data=csv data.path=FILE 'data.delimiter=\";\"'"):
        corpus(tmp_path / "semicolons").load()
    with pytest.raises(UserError, match=r"is a row and no header, give data=csv data.path=FILE data.header=false and"):
        corpus(tmp_path / "headless").load()


def test_no_split_for_validation(tmp_path: Path) -> None:
    folder = saved(tmp_path / "in", train=sample(), validation_matched=sample(9, 30))
    with pytest.raises(
        UserError, match=r"data.val: .* has no split called so; .* \(splits: train, validation_matched\)"
    ):
        corpus(folder).load()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"path": " "}, "path: give the id of a data set, or a folder"),
        ({"val": "validation"}, "train: name it, too"),
        ({"train": "a", "val": "a"}, "train: one split of the data set is named for two purposes"),
        ({"train": "a", "val": "b", "split": Split(val=0.5)}, "split: has no effect"),
        ({"context": "text"}, "context: column 'text' is already that of text"),
    ],
    ids=str,
)
def test_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        corpus(**{"path": "org/name"} | changes)


def test_missing_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = saved(tmp_path / "in", train=sample())
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(UserError, match=r"pip install 'polarity\[hub\]'"):
        corpus(folder).load()


def test_settings_that_a_folder_ignores_are_refused(tmp_path: Path) -> None:
    folder = saved(tmp_path / "in", train=sample(), validation=sample(9, 30))
    with pytest.raises(UserError) as refused:
        corpus(folder, name="en", revision="main").load()
    assert [problem.partition(":")[0] for problem in refused.value.problems] == ["data.revision", "data.name"]
    write_csv(tmp_path / "files" / "train.csv", sample())
    with pytest.raises(UserError, match=r"data\.revision: has no effect"):
        corpus(tmp_path / "files", revision="main").load()
