"""Rows that belong together are declared once and stay so in every split."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from polarity.data.files import FileCorpus
from polarity.data.leakage import Leakage
from polarity.data.rows import Rows, Splits
from polarity.data.splitting import Split
from polarity.errors import UserError
from tests.effects.tables import table, write

ALLOW = Leakage(exact="allow", near="allow", threshold=0.8, shingle=5, min_length=25)
TASKS = {"stance": ["none", "yes", "no"]}


def corpus(folder: Path, **settings: object) -> FileCorpus:
    for number, name in enumerate(("train", "val", "test")):
        write(folder / f"{name}.csv", table(30, number))
    given = {"path": str(folder), "text": "text", "tasks": TASKS, "leakage": ALLOW, **settings}
    return FileCorpus(**given)  # type: ignore[arg-type]


def rows(splits: Splits) -> list[Rows]:
    return [part for _, part in splits.items()]


def test_data_with_their_own_splits_can_name_groups(tmp_path: Path) -> None:
    splits = corpus(tmp_path, group="source", metadata=["lang"]).load()
    assert [part.group for part in rows(splits)] == ["source"] * 3
    assert all(set(part.metadata) == {"source", "lang"} for part in rows(splits))
    assert any("values of 'source' stand in train, too" in note for note in splits.notes)
    assert corpus(tmp_path).load().train.group is None


def test_a_group_that_the_split_keeps_together_is_that_of_the_rows(tmp_path: Path) -> None:
    path = write(tmp_path / "all.csv", table(90, 0))
    split = Split(group="outlet", near_duplicates_together=False)
    splits = FileCorpus(path=path, text="text", tasks=TASKS, leakage=ALLOW, split=split).load()
    assert [part.group for part in rows(splits)] == ["outlet"] * 3
    assert not any("stand in train" in note for note in splits.notes)


def grouped_by(posts: Sequence[str], folder: Path) -> tuple[list[str], int]:
    """The values that a group is known by, and how many groups there are."""
    lines = [{"text": f"text number {row}", "stance": "no", "post": cell} for row, cell in enumerate(posts)]
    (folder / "a.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    split = Split(group="post", near_duplicates_together=False)
    given = {"path": str(folder / "a.jsonl"), "text": "text", "tasks": TASKS, "leakage": ALLOW, "split": split}
    read = Rows.joined(rows(FileCorpus(**given).read()))  # type: ignore[arg-type]
    return sorted(read.metadata["post"]), len(set(split.groups(read).tolist()))


def test_blanks_around_a_value_make_no_other_group_and_blanks_alone_none(tmp_path: Path) -> None:
    values, groups = grouped_by(["p1", "p1 ", "\tp1", " ", "\u200b", ""], tmp_path)
    assert values == ["", "", "", "p1", "p1", "p1"]
    assert groups == 4


def test_a_value_is_one_group_however_its_characters_are_composed(tmp_path: Path) -> None:
    assert grouped_by(["Zo\u00eb", "Zoe\u0308", "Zoe"], tmp_path) == (["Zoe", "Zo\u00eb", "Zo\u00eb"], 2)


def test_groups_that_cannot_be_meant_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"has no column 'sorce', which data.group asks for; did you mean 'source'"):
        corpus(tmp_path, group="sorce").load()
    with pytest.raises(UserError, match=r"group: is 'source', but split.group=outlet"):
        corpus(tmp_path, group="source", split=Split(group="outlet"))
    with pytest.raises(UserError, match=r"data.group=outlet says that its rows belong together"):
        corpus(tmp_path, split=Split(group="outlet")).load()
