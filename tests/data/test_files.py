"""What is read from files is what stands in them, whatever the format, the names and the language."""

import codecs
import csv
import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from polarity.data.files import FileCorpus
from polarity.data.leakage import Leakage
from polarity.data.rows import Rows, Splits
from polarity.data.splitting import Split
from polarity.data.table import read_table
from polarity.errors import UserError
from polarity.tables.dialect import Dialect
from polarity.tables.problems import Problems
from polarity.tasks import IGNORE_INDEX
from tests.broken import text as unlike

CLASSES = ["none", "yes", "no", "1"]
NEWSFRAME = Path(__file__).resolve().parents[3] / "shared" / "data" / "newsframe"
ALLOW = Leakage(exact="allow", near="allow")

Cells = list[dict[str, Any]]


def write(path: Path, rows: Cells) -> None:
    """Write the rows in the format that the extension tells."""
    if path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    elif path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    else:
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]), delimiter="," if path.suffix == ".csv" else "\t")
            writer.writeheader()
            writer.writerows(rows)


def sample(count: int = 40, start: int = 0) -> Cells:
    return [{"text": unlike(n), "stance": CLASSES[n % 4], "post": f"p{n % 5}"} for n in range(start, start + count)]


def load(folder: Path, **changes: Any) -> Splits:
    usual: dict[str, Any] = {"text": "text", "tasks": {"stance": CLASSES}, "leakage": ALLOW, "split": Split()}
    places = {name: str(folder / changes[name]) for name in ("path", "train", "val", "test") if changes.get(name)}
    return FileCorpus(**usual | changes | places).load()


def labels(rows: Rows, splits: Splits, task: int = 0) -> list[str | None]:
    names = splits.tasks[task].classes
    return [None if label == IGNORE_INDEX else names[label] for label in rows.labels[:, task]]


def by_text(splits: Splits) -> dict[str, str | None]:
    return {
        text: label for _, rows in splits.items() for text, label in zip(rows.text, labels(rows, splits), strict=True)
    }


PRINTED = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=30)
TEXTS = PRINTED.map(lambda text: f"{text} end")  # never blank


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    cells=st.lists(st.tuples(TEXTS, st.sampled_from([*CLASSES, ""]), PRINTED), min_size=1, max_size=8),
)
def test_formats_agree(cells: list[tuple[str, str, str]], tmp_path: Path) -> None:
    """The same cells come out of CSV, TSV, JSON lines and Parquet: line ends, quotes, emoji and all."""
    rows = [dict(zip(("text", "stance", "note"), row, strict=True)) for row in cells]
    tables = []
    for extension in (".csv", ".tsv", ".jsonl", ".parquet"):
        path = tmp_path / f"data{extension}"
        write(path, rows)
        problems = Problems()
        table = read_table(path, Dialect(), problems)
        assert table is not None
        assert problems.lines() == []
        tables.append(table.columns)
    wanted = {name: [row[name] for row in rows] for name in rows[0]}
    assert tables == [wanted] * 4


@pytest.mark.parametrize("extension", [".csv", ".tsv", ".jsonl", ".parquet"])
def test_corpora_agree(extension: str, tmp_path: Path) -> None:
    rows = sample()
    write(tmp_path / f"data{extension}", rows)
    splits = load(tmp_path, path=f"data{extension}")
    assert by_text(splits) == {row["text"]: row["stance"] for row in rows}
    assert splits.train.context is None
    assert set(splits.train.metadata) == {"post"}


@pytest.mark.parametrize("extension", [".jsonl", ".parquet"])
@pytest.mark.parametrize(
    ("cells", "classes"),
    [
        ([0, 1, None], ["0", "1"]),
        ([0.0, 1.0, None], ["0", "1"]),
        ([0, 1, None], [0, 1]),
        ([True, False, None], ["true", "false"]),
        ([True, False, None], [True, False]),
        ([0.5, 1.5, None], [0.5, 1.5]),
        (["None", "NaN", None], ["None", "NaN"]),
        (["null", "NA", None], [None, "NA"]),
    ],
)
def test_typed_labels(extension: str, cells: list[Any], classes: list[Any], tmp_path: Path) -> None:
    write(tmp_path / f"data{extension}", [row | {"stance": cells[n % 3]} for n, row in enumerate(sample())])
    splits = load(tmp_path, path=f"data{extension}", tasks={"stance": classes})
    assert len(splits.tasks[0].classes) == 2
    result = sorted(label for label in by_text(splits).values() if label is not None)
    assert [result.count(name) for name in splits.tasks[0].classes] == [14, 13]


@pytest.mark.parametrize("extension", [".csv", ".jsonl", ".parquet"])
@pytest.mark.parametrize(
    ("cells", "classes"),
    [
        ([1.0, 2.0], ["1.0", "2.0"]),
        ([1, 2], ["1", "2.0"]),
        ([True, False], ["True", "False"]),
        ([1.5, 2.0], ["1.5", "2"]),
    ],
)
def test_values_are_the_classes_that_a_csv_file_spells_otherwise(
    extension: str, cells: list[Any], classes: list[str], tmp_path: Path
) -> None:
    """Python, and so pandas, writes 1.0 and True into CSV files, and numbers and booleans into the others."""
    spelled = [classes[n % 2] if extension == ".csv" else cells[n % 2] for n in range(40)]
    write(tmp_path / f"c{extension}", [{"text": unlike(n), "stance": cell} for n, cell in enumerate(spelled)])
    splits = load(tmp_path, path=f"c{extension}", tasks={"stance": classes})
    assert by_text(splits) == {unlike(n): classes[n % 2] for n in range(40)}


def test_a_value_that_two_classes_spell_is_neither(tmp_path: Path) -> None:
    write(tmp_path / "c.jsonl", [{"text": unlike(n), "stance": 1.5} for n in range(40)])
    with pytest.raises(UserError, match=r"'1\.5' is no class of task 'stance'"):
        load(tmp_path, path="c.jsonl", tasks={"stance": ["1.50", "1.500"]})


def test_a_number_with_many_digits_is_not_its_neighbour(tmp_path: Path) -> None:
    write(tmp_path / "c.jsonl", [{"text": unlike(n), "stance": 2**53 + n % 2} for n in range(40)])
    with pytest.raises(UserError, match=r"'9007199254740993' is no class of task 'stance'"):
        load(tmp_path, path="c.jsonl", tasks={"stance": [str(2**53), "other"]})
    splits = load(tmp_path, path="c.jsonl", tasks={"stance": [f"{2**53}.0", f"{2**53 + 1}.0"]})
    assert by_text(splits) == {unlike(n): f"{2**53 + n % 2}.0" for n in range(40)}


def test_a_label_with_a_line_break_is_to_be_renamed(tmp_path: Path) -> None:
    """Its nearest class would be the one that only looks like it: a backslash and an n."""
    write(tmp_path / "c.jsonl", [{"text": unlike(n), "stance": ("a\nb", "c")[n % 2]} for n in range(40)])
    with pytest.raises(UserError, match=r"'a\\nb' is no class of .*; settings cannot hold it; rename it") as refused:
        load(tmp_path, path="c.jsonl", tasks={"stance": ["a\\nb", "c"]})
    assert "did you mean" not in str(refused.value)


def test_names_that_mean_something_to_computers(tmp_path: Path) -> None:
    names = [
        "none",
        "yes",
        "no",
        "1",
        "NA",
        "null",
        "NaN",
        "nan",
        "None",
        "true",
        "on",
        "a/b",
        "für",
        "中立",
        "-",
        "0.5",
    ]
    write(tmp_path / "data.csv", [row | {"stance": names[n % 16]} for n, row in enumerate(sample(160))])
    splits = load(tmp_path, path="data.csv", tasks={"stance": names}, absent_classes="warn")
    assert splits.tasks[0].classes == tuple(names)
    assert all(label is not None for label in by_text(splits).values())


@pytest.mark.parametrize(
    ("spelling", "given"), [("yes", True), ("TRUE", True), ("No", False), ("1", 1), ("NaN", float("nan"))]
)
def test_classes_that_yaml_has_read(spelling: str, given: object, tmp_path: Path) -> None:
    """Unquoted names that YAML or the command line take for booleans and numbers are found in the column."""
    write(tmp_path / "data.csv", [row | {"stance": [spelling, "other"][n % 2]} for n, row in enumerate(sample())])
    assert load(tmp_path, path="data.csv", tasks={"stance": [given, "other"]}).tasks[0].classes == (spelling, "other")


def test_labels_and_classes_are_compared_in_composed_form_without_blanks(tmp_path: Path) -> None:
    composed, decomposed = "f\u00fcr", "fu\u0308r"
    write(
        tmp_path / "data.csv", [row | {"stance": [f" {decomposed} ", "gegen"][n % 2]} for n, row in enumerate(sample())]
    )
    splits = load(tmp_path, path="data.csv", tasks={"stance": [f"{composed} ", "gegen"]})
    assert splits.tasks[0].classes == (composed, "gegen")


def test_three_files_of_three_formats(tmp_path: Path) -> None:
    for name, start in (("a.csv", 0), ("b.jsonl", 40), ("c.parquet", 60)):
        write(tmp_path / name, sample(20, start))
    splits = load(tmp_path, train="a.csv", val="b.jsonl", test="c.parquet")
    assert [rows.text for _, rows in splits.items()] == [[row["text"] for row in sample(20, n)] for n in (0, 40, 60)]


def test_no_test_file(tmp_path: Path) -> None:
    write(tmp_path / "a.csv", sample())
    write(tmp_path / "b.csv", sample(20, 40))
    assert load(tmp_path, train="a.csv", val="b.csv").test is None


def test_validation_is_cut_from_training_rows(tmp_path: Path) -> None:
    write(tmp_path / "a.csv", sample())
    write(tmp_path / "c.csv", sample(20, 40))
    splits = load(tmp_path, train="a.csv", test="c.csv", split=Split(test=0.0, val=0.2))
    assert splits.test is not None
    assert splits.test.text == [row["text"] for row in sample(20, 40)]
    assert sorted(splits.train.text + splits.val.text) == sorted(row["text"] for row in sample())


@pytest.mark.parametrize("names", [("train.csv", "dev.csv", "test.csv"), ("Training.csv", "VALID.csv", "testing.csv")])
def test_folder(names: tuple[str, str, str], tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for name, start in zip(names, (0, 40, 60), strict=True):
        write(folder / name, sample(20, start))
    (folder / "README.md").write_text("no data")
    splits = load(tmp_path, path="in")
    assert [len(rows) for _, rows in splits.items()] == [20, 20, 20]
    assert splits.val.text[0] == sample(1, 40)[0]["text"]


def test_split_column(tmp_path: Path) -> None:
    folds = ["Train", "dev", "TEST", "training"]
    write(tmp_path / "data.csv", [row | {"fold": folds[n // 4 % 4]} for n, row in enumerate(sample(64))])
    splits = load(tmp_path, path="data.csv", split_column="fold")
    assert [len(rows) for _, rows in splits.items()] == [32, 16, 16]
    assert set(splits.train.metadata) == {"post"}


def test_made_splits_use_the_settings(tmp_path: Path) -> None:
    write(tmp_path / "data.csv", sample(100))
    splits = load(tmp_path, path="data.csv", split=Split(group="post", test=0.0, val=0.4), metadata=[])
    assert splits.test is None
    assert not set(splits.train.metadata["post"]) & set(splits.val.metadata["post"])


def test_groups_may_be_the_contexts(tmp_path: Path) -> None:
    write(tmp_path / "data.csv", sample(100))
    splits = load(tmp_path, path="data.csv", context="post", split=Split(group="post", test=0.0, val=0.4))
    assert splits.train.context is not None
    assert not set(splits.train.context) & set(splits.val.context or ())


def test_a_row_without_context_is_kept_and_counted(tmp_path: Path) -> None:
    write(tmp_path / "data.jsonl", [row | {"title": None if n < 3 else "title"} for n, row in enumerate(sample())])
    splits = load(tmp_path, path="data.jsonl", context="title")
    assert sum(context == "" for _, rows in splits.items() for context in rows.context or ()) == 3
    assert any("3 of 40 rows have no context" in note for note in splits.notes)


def test_rows_may_lack_labels(tmp_path: Path) -> None:
    rows = [
        row | {"tone": ["", "calm", "loud"][n % 3], "stance": row["stance"] if n % 2 else ""}
        for n, row in enumerate(sample(120))
    ]
    write(tmp_path / "data.csv", rows)
    splits = load(tmp_path, path="data.csv", tasks={"stance": ["yes", "1"], "tone": {"classes": ["calm", "loud"]}})
    everything = np.concatenate([part.labels for _, part in splits.items()])
    assert (everything == IGNORE_INDEX).sum(axis=0).tolist() == [60, 40]
    assert sum(int(note.split()[1]) for note in splits.notes if "no label" in note) == 20


def test_ids_are_kept_and_copies_dropped(tmp_path: Path) -> None:
    rows = [{"key": n, **row} for n, row in enumerate(sample())]
    write(tmp_path / "data.csv", [*rows, rows[3], rows[3]])
    splits = load(tmp_path, path="data.csv", id="key")
    assert sorted(int(name) for _, part in splits.items() for name in part.ids) == list(range(40))
    assert any("2 exact copies of earlier rows" in note for note in splits.notes)


def test_made_ids_are_unique_and_depend_on_the_content_alone(tmp_path: Path) -> None:
    rows = sample()
    repeated = [*rows, rows[0], rows[0]]

    def ids(cells: Cells, **changes: Any) -> list[str]:
        write(tmp_path / "data.csv", cells)
        return sorted(name for _, part in load(tmp_path, path="data.csv", **changes).items() for name in part.ids)

    assert len(set(ids(repeated))) == 42
    assert set(ids(rows)) < set(ids(repeated))
    assert ids(rows) == ids(rows[::-1])
    assert ids([row | {"stance": "yes"} for row in rows[:4]] + rows[4:]) == ids(rows)
    assert not set(ids(rows)) & set(ids(rows, context="post"))


def test_metadata(tmp_path: Path) -> None:
    rows = [row | {"age": n / 2, "tags": ["a"], "date": None, "split": "x"} for n, row in enumerate(sample())]
    write(tmp_path / "data.jsonl", rows)
    splits = load(tmp_path, path="data.jsonl")
    assert {name: cells[:1] for name, cells in splits.val.metadata.items() if name not in ("age", "post")} == {
        "date": [""],
        "split": ["x"],
    }
    assert set(splits.train.metadata["age"]) > {"0.5", "1", "1.5"}
    assert any("lists or objects are not kept as metadata: tags" in note for note in splits.notes)
    assert set(load(tmp_path, path="data.jsonl", metadata=["date"]).train.metadata) == {"date"}


def test_absent_classes_may_be_noted(tmp_path: Path) -> None:
    write(tmp_path / "a.csv", sample())
    write(tmp_path / "b.csv", [row for row in sample(20, 40) if row["stance"] != "no"])
    splits = load(tmp_path, train="a.csv", val="b.csv", absent_classes="warn")
    assert "val: no row of class 'no' of task 'stance' (10 in train); its F1 counts as 0" in splits.notes


def test_compressed_file_in_another_encoding(tmp_path: Path) -> None:
    table = "text;stance\n" + "".join(f"é {unlike(n)};{CLASSES[n % 4]}\n" for n in range(40))
    (tmp_path / "data.csv.gz").write_bytes(gzip.compress(table.encode("cp1252")))
    splits = load(tmp_path, path="data.csv.gz", encoding="cp1252", delimiter=";")
    assert all(text.startswith("é") for text in splits.train.text)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_byte_order_marks(encoding: str, tmp_path: Path) -> None:
    table = "text,stance\n" + "".join(f"{unlike(n)},{CLASSES[n % 4]}\n" for n in range(40))
    (tmp_path / "data.csv").write_bytes(table.encode(encoding))
    assert len(load(tmp_path, path="data.csv", encoding=encoding.removesuffix("-sig")).train.text) > 20


def test_the_mark_of_utf_8_before_another_encoding_is_no_text(tmp_path: Path) -> None:
    """The first refusal names the encoding; whoever gives it can go on."""
    text = "text,stance\n" + "".join(f"für {unlike(n)},{CLASSES[n % 4]}\n" for n in range(40))
    (tmp_path / "c.csv").write_bytes(codecs.BOM_UTF8 + text.encode("cp1252"))
    with pytest.raises(UserError, match=r"perhaps data\.encoding=cp1252"):
        load(tmp_path, path="c.csv")
    splits = load(tmp_path, path="c.csv", encoding="cp1252")
    assert set(by_text(splits)) == {f"für {unlike(n)}" for n in range(40)}


def test_the_mark_may_be_named(tmp_path: Path) -> None:
    write(tmp_path / "c.csv", sample())
    (tmp_path / "c.csv").write_bytes(codecs.BOM_UTF8 + (tmp_path / "c.csv").read_bytes())
    assert load(tmp_path, path="c.csv", encoding="utf-8-sig").tasks == load(tmp_path, path="c.csv").tasks


@pytest.mark.parametrize("none", [None, ""])
def test_quotes_may_be_ordinary_characters(none: str | None, tmp_path: Path) -> None:
    table = "text\tstance\n" + "".join(f'"a" {unlike(n)}\t{CLASSES[n % 4]}\n' for n in range(40))
    (tmp_path / "data.tsv").write_text(table)
    assert load(tmp_path, path="data.tsv", quote=none).train.text[0].startswith('"a" ')


def test_long_cells_and_blank_lines(tmp_path: Path) -> None:
    table = "text,stance\r\n\r\n" + "".join(
        f'"a{unlike(n)}\r\nb{"y" * 200_000 * (n == 0)}",{CLASSES[n % 4]}\r\n' for n in range(40)
    )
    (tmp_path / "data.csv").write_bytes(table.encode())
    before = csv.field_size_limit()
    splits = load(tmp_path, path="data.csv")
    assert csv.field_size_limit() == before
    assert max(len(text) for _, rows in splits.items() for text in rows.text) > 200_000
    assert any("\r\n" in text for text in splits.train.text)


def test_paths_are_relative_to_the_current_directory_or_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "data.csv", sample())
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    usual: dict[str, Any] = {"text": "text", "tasks": {"stance": CLASSES}, "leakage": ALLOW, "split": Split()}
    for path in ("data.csv", "~/data.csv"):
        assert len(FileCorpus(path=path, **usual).load().train) > 20


@pytest.mark.skipif(not NEWSFRAME.is_dir(), reason="needs ../shared/data/newsframe")
def test_newsframe() -> None:
    tasks = {
        "sentiment": ["negative", "neutral", "positive"],
        "polarization": ["non_polarized", "objective", "partisan"],
    }
    splits = FileCorpus(path=str(NEWSFRAME), text="text", id="id", tasks=tasks, leakage=Leakage()).load()
    assert [len(rows) for _, rows in splits.items()] == [8283, 1773, 1774]
    counts = [[count.tolist() for count in rows.class_counts(splits.tasks)] for _, rows in splits.items()]
    assert counts == [
        [[2141, 2148, 1574], [852, 1037, 531]],
        [[457, 460, 338], [183, 222, 113]],
        [[457, 460, 338], [183, 222, 114]],
    ]
    assert ((splits.train.labels == IGNORE_INDEX).sum(axis=1) == 1).all()
