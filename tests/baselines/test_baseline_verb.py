"""``python -m polarity.baseline``: scores, files, and what it refuses."""

import csv
import json
from pathlib import Path

import pytest

from polarity.baselines import BASELINES
from polarity.evaluation.metrics import score
from polarity.evaluation.predictions import read_predictions
from polarity.runs.ledger import Ledger
from tests.command import run
from tests.running import write_corpus
from tests.verbs import said_by

DATA = (
    "data=csv",
    "data.path=corpus.csv",
    "data.tasks={tone:[yes,no,none,1],topic:[war,food]}",
    "data.id=id",
    "data.leakage.near=allow",
    "data.split.near_duplicates_together=false",
    "data.absent_classes=warn",
    "cache_dir=cache",
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write_corpus(tmp_path / "corpus.csv")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def evaluations(folder: Path) -> int:
    ledger = Ledger(folder / "cache")
    files = list(ledger.folder.glob("*.jsonl")) if ledger.folder.is_dir() else []
    return sum(ledger.evaluations(path.stem).times for path in files)


@pytest.mark.slow
def test_it_prints_and_stores_what_its_predictions_say(folder: Path) -> None:
    said = run("baseline", *DATA, "output=told", folder=folder)
    assert "linear+rule" in said
    assert "looked at once by 1 configuration" in said
    assert evaluations(folder) == 1
    content = json.loads((folder / "told/baselines.json").read_text(encoding="utf-8"))
    with (folder / "told/baselines.csv").open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    for split in ("val", "test"):
        for name in BASELINES:
            predictions = read_predictions(folder / "told" / name / "predictions" / f"{split}.parquet")
            decided = [item.honest for item in predictions.tasks]
            wanted = score([item.task for item in predictions.tasks], predictions.labels, decided)
            assert content[split][name]["overall"] == pytest.approx(wanted.overall)
            assert f"{wanted.overall:.4f}" in said
            (line,) = [
                row for row in lines if (row["split"], row["baseline"], row["measure"]) == (split, name, "overall")
            ]
            assert float(line["value"]) == pytest.approx(wanted.overall, abs=1e-6)
            assert float(line["low"]) <= wanted.overall <= float(line["high"])


def test_validation_alone_is_no_look_at_the_test_split(folder: Path) -> None:
    said = said_by("baseline", *DATA, "split=val")
    assert "val (" in said
    assert "test (" not in said
    assert evaluations(folder) == 0
    assert not (folder / "outputs").exists()


def test_help_is_the_file_of_settings(folder: Path) -> None:
    assert "resamples: 2000" in said_by("baseline", "--help")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("data.split.test=0", "split=test"), "the data have no test split"),
        (("decison=bias",), "did you mean 'decision"),
        (("resamples=5",), "resamples"),
        (("data.text=txt", "output=told"), "has no column 'txt'"),
        (("decision=prior", "decision.target={toon:{yes:1}}"), "toon"),
    ],
)
def test_what_is_wrong_is_reported_and_nothing_is_written(
    arguments: tuple[str, ...], message: str, folder: Path
) -> None:
    said = said_by("baseline", *DATA, *arguments, code=2)
    assert message in said
    assert "Traceback" not in said
    assert not (folder / "told").exists()
    assert not (folder / "cache").exists()
