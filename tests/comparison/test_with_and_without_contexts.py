"""Whether the title helps: runs that read contexts and runs that do not are compared, on the rows that both have."""

import re
from pathlib import Path

from polarity.evaluation.metrics import score
from polarity.evaluation.predictions import read_predictions
from polarity.files import read_object
from polarity.run import RunDirectory
from polarity.runs.ledger import ledger_of
from tests.running import overrides, train, write_corpus
from tests.verbs import said_by

QUICK = ("model=ngrams", "head=linear", "trainer.max_epochs=1", "reporting.resamples=100")


def trained(folder: Path, *more: str) -> RunDirectory:
    lines = write_corpus(folder / "corpus.csv", rows=270).read_text("utf-8").splitlines()
    files = []
    for k, name in enumerate(("train", "val", "test")):
        part = [lines[0], *lines[1 + 90 * k : 91 + 90 * k]]
        (folder / f"{name}.csv").write_text("\n".join(part), encoding="utf-8")
        files.append(f"data.{name}={folder / name}.csv")
    left = [text for text in overrides(folder) if text.startswith(("data.path", "data.split", "model", "batching"))]
    return train(folder, *QUICK, *files, "data.leakage.exact=allow", *more, without=tuple(left))


def test_the_rows_are_the_same_and_what_is_read_is_not(tmp_path: Path) -> None:
    plain, pairs = trained(tmp_path), trained(tmp_path, "data.context=source")
    said = " ".join(said_by("compare", str(plain.path), str(pairs.path), "split=test").split())
    assert "other texts" not in said
    assert "nothing else has its rows" not in said
    assert "data.context" in said
    table = said.partition("test (90 rows)")[2].partition("differences of")[0]
    for run, name in ((plain, "linear baseline, data.context=null"), (pairs, "linear baseline, data.context=source")):
        stored = read_predictions(run.baseline("linear", "test"))
        tasks = [item.task for item in stored.tasks]
        overall = score(tasks, stored.labels, [item.honest for item in stored.tasks]).overall
        assert re.search(rf"│ {name} │ - │ {overall:.4f}", table), "each reads what its run reads"
    mark = read_object(plain.environment)["data"]["test"]["fingerprint"]
    assert ledger_of(pairs.config).evaluations(mark).times >= 2, "one test split was looked at by both"
    said = said_by("ensemble", f"runs=[{plain.path},{pairs.path}]", f"output_dir={tmp_path / 'made'}", code=2)
    assert f"{pairs.path.name} was evaluated on other val rows than {plain.path.name}" in said
    assert "contexts with" in said
