"""``precision=``: another arithmetic than the run's, and what that costs."""

import re
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.metrics import f1_score

from polarity.data.rows import Rows
from polarity.errors import UserError
from polarity.evaluation.predictions import read_predictions
from polarity.exporting import onnx
from polarity.posthoc import Decider
from polarity.prediction.predictor import Predictor
from polarity.reduced_precision import choose, int8
from polarity.reduced_precision import cost as costs
from polarity.reduced_precision.cost import PrecisionCost
from polarity.run import RunDirectory
from polarity.runs.rebuild import rebuild
from tests.effects.deciding import predictions
from tests.prediction.jobs import corpus, do, read
from tests.running import train

COST = re.compile(
    r"precision=(\S+): of 72 decisions on 36 validation rows (\d+) \((\S+)%\) differ from the run's own; macro-F1 of "
    r"its rule (0\.\d+) -> (0\.\d+), difference ([+-]0\.\d+) \(95 % interval"
)


def told(text: str) -> tuple[str, ...]:
    found = COST.search(" ".join(text.split()))
    assert found is not None, text
    return found.groups()


def test_what_is_kept_is_of_one_processor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choose, "read_card", lambda _: {"weights_sha256": "0"})
    monkeypatch.setattr(choose, "read_environment", lambda _: {"data": {"val": {}}})
    settings = SimpleNamespace(max_length=8, max_context=None, cache=tmp_path)
    answering: Any = SimpleNamespace(run=SimpleNamespace(model=None), device=torch.device("cpu"), settings=settings)
    names = []
    for model in ("one", "other", "one"):
        monkeypatch.setattr(choose, "processor", lambda model=model: model)
        names.append(choose._kept(answering, "bf16-mixed", "val"))
    assert names[0] == names[2] != names[1]


@pytest.mark.slow
def test_half_the_digits_are_told_to_cost_what_they_cost(
    run: RunDirectory, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = read_predictions(run.predictions("val"))
    capsys.readouterr()
    do(run, corpus(run), tmp_path / "out.csv", "precision=bf16-mixed")
    name, changed, _, before, after, difference = told(capsys.readouterr().err)
    rows = {row["id"]: row for row in read(tmp_path / "out.csv")}
    scores, others, furthest = {"before": 0.0, "after": 0.0}, 0, 0.0
    for item in own.tasks:
        given = [rows[key][f"{item.task.name}.pred"] for key in own.ids]
        decided = np.array([item.task.classes.index(label) for label in given])
        first = f"{item.task.name}.prob.{item.task.classes[0]}"
        assert item.probabilities is not None
        furthest = max(furthest, *np.abs(item.probabilities[:, 0] - [float(rows[key][first]) for key in own.ids]))
        others += int((decided != item.predicted).sum())
        labels = list(range(len(item.task.classes)))
        for when, said in (("before", item.predicted), ("after", decided)):
            pair = item.labels[item.known], said[item.known]
            scores[when] += f1_score(*pair, labels=labels, average="macro", zero_division=0) / len(own.tasks)
    assert furthest > 1e-5, "another arithmetic"
    assert (name, int(changed)) == ("bf16-mixed", others)
    assert (float(before), float(after)) == pytest.approx((scores["before"], scores["after"]), abs=1e-4)
    assert float(difference) == pytest.approx(scores["after"] - scores["before"], abs=1e-4)


@pytest.mark.slow
def test_what_it_costs_is_measured_once(
    run: RunDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    do(run, corpus(run), tmp_path / "out.csv", "precision=bf16-mixed")
    first = told(capsys.readouterr().err)
    asked, read_splits = list[RunDirectory](), costs.run_splits
    monkeypatch.setattr(costs, "run_splits", lambda of: asked.append(of) or read_splits(of))
    do(run, corpus(run), tmp_path / "out.jsonl", "precision=bf16-mixed")
    assert told(capsys.readouterr().err) == first
    assert not asked
    do(run, corpus(run), tmp_path / "other.csv", "precision=bf16-mixed", "batch_size=1")
    assert asked, "other rows beside a row may round it otherwise"


def test_what_the_tokenizer_does_not_know_is_told_of_the_input_alone(
    run: RunDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also the first time, when the validation rows, all of whose words are known, are asked as well."""
    path = tmp_path / "strange.csv"
    path.write_text("id,text\n" + "".join(f"{n},ключ {'я' * (n + 3)} the\n" for n in range(4)), encoding="utf-8")
    monkeypatch.setattr(choose, "version", lambda _: "new")
    said = []
    for _ in range(2):
        do(run, path, tmp_path / "out.csv", "precision=bf16-mixed", "overwrite=true")
        said.append(re.findall(r"\d+% of the tokens are unknown", capsys.readouterr().err))
    assert said[0] == said[1] != []


def test_the_runs_own_costs_nothing(run: RunDirectory, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number, more in enumerate(([], ["precision=32-true"])):
        do(run, corpus(run), tmp_path / f"{number}.csv", *more)
    assert (tmp_path / "0.csv").read_bytes() == (tmp_path / "1.csv").read_bytes()
    assert "precision=" not in capsys.readouterr().err


def test_an_arithmetic_that_gives_no_number_is_refused(
    run: RunDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choose, "version", lambda _: "another")  # of which no answers are kept
    monkeypatch.setattr(Predictor, "_ask", lambda self, _, total: [np.full((total, 2), np.nan) for _ in self.tasks])
    with pytest.raises(UserError, match="precision: in it 36 validation rows cannot be answered: the model gave no"):
        do(run, corpus(run), tmp_path / "out.csv", "precision=bf16-mixed")
    assert not (tmp_path / "out.csv").exists()


@pytest.mark.slow
def test_eight_bits(
    run: RunDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("onnxruntime")
    do(run, corpus(run), tmp_path / "out.csv", "precision=int8")
    first = told(capsys.readouterr().err)
    assert first[0] == "int8"
    rebuilt = rebuild(run.path, accelerator="cpu")
    graph = int8.GraphPredictor.of_graph(rebuilt, onnx.session_of(int8._graph(rebuilt).tobytes()))
    rows = read(corpus(run))[:20]
    logits, good, problems = graph.logits(Rows.unlabelled([row["text"] for row in rows]))
    assert (len(good), problems) == (20, {})
    written = read(tmp_path / "out.csv")[:20]
    for task, values in zip(rebuilt.tasks, rebuilt.decider.decide(logits), strict=True):
        assert [row[f"{task.name}.pred"] for row in written] == [task.classes[c] for c in values]
    own, _, _ = Predictor.of_run(rebuilt).logits(Rows.unlabelled([row["text"] for row in rows]))
    assert all(not np.array_equal(a, b) for a, b in zip(own, logits, strict=True)), "another arithmetic"
    monkeypatch.setattr(int8, "write_onnx", lambda *_: pytest.fail("the graph was made again"))
    do(run, corpus(run), tmp_path / "again.csv", "precision=int8")
    assert (tmp_path / "again.csv").read_bytes() == (tmp_path / "out.csv").read_bytes()
    assert told(capsys.readouterr().err) == first


def test_costs_are_those_of_the_decisions() -> None:
    own = predictions()
    decider = Decider.plain({item.task.name: item.task.classes for item in own.tasks})
    logits: list[Any] = [np.array(item.logits) for item in own.tasks]
    same = PrecisionCost.of(own, logits, decider)
    assert (same.changed, same.before, same.difference[0]) == (0, same.after, 0)
    logits[1][:30] = -logits[1][:30]
    other = PrecisionCost.of(own, logits, decider)
    assert other.changed == int((logits[1].argmax(axis=1) != np.asarray(own.tasks[1].logits).argmax(axis=1)).sum()) > 0
    assert other.difference[0] == pytest.approx(other.after - other.before) != 0
    assert (other.rows, other.decisions) == (len(own), len(own) * len(own.tasks))


def test_what_cannot_be_is_refused(run: RunDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*settings: str) -> str:
        with pytest.raises(UserError) as told:
            do(run, corpus(run), tmp_path / "out.csv", *settings)
        assert not (tmp_path / "out.csv").exists()
        return str(told.value)

    assert "precision: 'int4' is not valid" in refused("precision=int4")
    assert "precision: 16-mixed needs a GPU" in refused("precision=16-mixed")
    monkeypatch.setattr(onnx, "PACKAGES", ("no_such_package",))
    assert "precision: int8 needs no_such_package; install" in refused("precision=int8")


@pytest.mark.slow
@pytest.mark.skipif(find_spec("onnxruntime") is None, reason="onnxruntime is not installed")
def test_a_model_that_has_no_graph_is_refused(tmp_path: Path) -> None:
    run = train(tmp_path, "model=ngrams", "trainer.max_epochs=1", without=("model",))
    with pytest.raises(UserError, match="precision: int8 needs an encoder that exports to onnx; leave it out"):
        do(run, corpus(run), tmp_path / "out.csv", "precision=int8")
