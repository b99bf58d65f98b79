"""What was made fit for very many rows gives what the plain way gave."""

from collections import Counter
from dataclasses import replace
from hashlib import blake2b
from pathlib import Path

import numpy as np
import pytest

from polarity.config.cli import user_errors
from polarity.data import memory
from polarity.data.duplicates import NearDuplicates
from polarity.data.ids import content_ids
from polarity.data.overlap import TextIndex
from polarity.data.rows import Rows
from polarity.data.splitting import _rank
from polarity.data.table import read_table
from polarity.errors import UserError
from polarity.statistics.counts import JOINED_FROM, Counts
from polarity.statistics.resample import resample
from polarity.tables.dialect import Dialect
from polarity.tables.places import Places
from polarity.tables.problems import Problems
from polarity.tasks import IGNORE_INDEX, Task
from polarity.unique_rows import unique_rows

TEXTS = ["one", "two", "one", "", "o ne", "two", "one", " one", "\U0001f600"]


def rows_of(texts: list[str], context: list[str] | None = None) -> Rows:
    return Rows([str(n) for n in range(len(texts))], texts, context, np.zeros((len(texts), 1), dtype=np.int64))


@pytest.mark.parametrize("context", [None, ["a", "b"] * 4 + ["a"]])
def test_ids_count_the_texts_before(context: list[str] | None) -> None:
    rows = rows_of(TEXTS, context)
    seen: Counter[str] = Counter()
    for name, text, other in zip(content_ids(rows), TEXTS, rows.contexts, strict=True):
        plain = blake2b(f"{len(other)}:{other}{text}".encode(), digest_size=8).hexdigest()
        seen[plain] += 1
        assert name == (plain if seen[plain] == 1 else f"{plain}-{seen[plain]}")
    assert content_ids(rows_of([])) == []


def test_equal_texts_have_one_number() -> None:
    index = TextIndex.over([rows_of(TEXTS[:4]), rows_of(TEXTS[4:])], NearDuplicates())
    plain = [" ".join(text.split()) for text in TEXTS]
    assert index.text.tolist() == [list(dict.fromkeys(plain)).index(text) for text in plain]


def test_ranks_come_from_the_least_id_of_a_group() -> None:
    groups, ids = np.array([0, 1, 0, 2, 1, 3]), ["f", "b", "a", "c", "\udc00", "e"]
    keys = [blake2b(f"7 {name}".encode(errors="surrogatepass")).digest() for name in ("a", "b", "c", "e")]
    assert _rank(groups, ids, "7").tolist() == [sorted(keys).index(key) for key in keys]


def test_a_fingerprint_is_that_of_all_cells_in_their_order() -> None:
    rows = rows_of([f"text {n}" for n in range(2_500)])
    digest = blake2b(digest_size=16)
    for column in (rows.ids, [], rows.text):
        digest.update(b"".join(cell.encode() + b"\0" for cell in column) + b"\1")
    digest.update(rows.labels.astype("<i8").tobytes())
    assert rows.fingerprint() == rows.fingerprint(contexts=True) == digest.hexdigest()


def test_rows_are_the_same_with_contexts_and_without() -> None:
    rows = rows_of(["one", "two", "three"])
    pairs = replace(rows, context=["a", "b", "c"])
    assert pairs.fingerprint() == rows.fingerprint()
    marks = [
        replace(rows, context=contexts).fingerprint(contexts=True) for contexts in (None, ["a", "b", "c"], [*"abd"])
    ]
    assert len(set(marks)) == 3


def test_places() -> None:
    one, all_of_them = Places(), Places()
    for number in range(3):
        one.add(number + 1, 10 * number)
    all_of_them.extend(one, [0, 2])
    assert list(all_of_them) == ["row 1", "row 3 (line 20)"]


def test_labels_that_repeat_are_kept_once(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("text,label\n" + "".join(f"text {n},label {n % 3}\n" for n in range(3_000)))
    table = read_table(path, Dialect(), Problems())
    assert table is not None
    assert len({id(cell) for cell in table.columns["label"]}) == 3
    assert table.columns["text"] == [f"text {n}" for n in range(3_000)]


def test_reading_ends_before_the_memory_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.csv"
    path.write_text("text\none\ntwo\n")
    monkeypatch.setattr(memory, "free_share", lambda: 0.001)
    problems = Problems()
    assert read_table(path, Dialect(), problems) is None
    assert "the memory is full after 2 rows" in problems.lines()[0]


def test_memory_that_is_free_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    assert 0 < memory.free_share() <= 1
    monkeypatch.setattr(memory, "free_share", lambda: 0.5)
    memory.check_memory("a", 1)
    monkeypatch.setattr(memory, "free_share", lambda: 0.0)
    with pytest.raises(UserError, match="memory"):
        memory.check_memory("a", 1)


def test_an_array_that_does_not_fit_is_no_mistake_of_the_program(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended, user_errors("train"):
        np.empty(2**50)
    assert ended.value.code == 1
    told = capsys.readouterr().err
    assert "the memory does not suffice" in told
    assert "Traceback" not in told


@pytest.mark.parametrize("columns", [1, 3, 40])
def test_rows_that_are_alike(columns: int) -> None:
    table = np.random.default_rng(columns).integers(-100, 3, (500, columns))
    table[::2] = table[0]
    _, first, kind = np.unique(table, axis=0, return_index=True, return_inverse=True)
    found = unique_rows(table)
    assert found[0].tolist() == first.tolist()
    assert found[1].tolist() == kind.tolist()


def test_rows_that_count_alike_are_drawn_together() -> None:
    """The same scores, and samples that spread as those of single rows do."""
    generator, tasks = np.random.default_rng(0), [Task("a", ("x", "y", "z"), "a"), Task("b", ("x", "y"), "b")]
    labels = np.stack([generator.integers(0, len(task.classes), JOINED_FROM) for task in tasks], axis=1)
    decided = [np.where(generator.random(len(labels)) < 0.9, column, 0) for column in labels.T]
    labels[:50, 1] = IGNORE_INDEX
    plain, joined = (Counts(tasks, labels, [decided], joined=way) for way in (False, True))
    assert joined.times is not None
    assert len(joined.matrix) < 50 < plain.units == joined.units == joined.times.sum()
    for name in ("overall", "macro_f1", "accuracy"):
        assert getattr(joined.observed(), name) == pytest.approx(getattr(plain.observed(), name))
        one, other = (getattr(resample(counts, 600, 0), name) for counts in (plain, joined))
        assert other.mean(axis=0) == pytest.approx(one.mean(axis=0), abs=1e-3)
        assert other.std(axis=0) == pytest.approx(one.std(axis=0), rel=0.15)
