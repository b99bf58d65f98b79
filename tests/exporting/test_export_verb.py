"""``polarity.export`` makes folders that others can use, and that say what the run says."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from huggingface_hub import ModelCard
from sklearn.metrics import f1_score
from transformers import AutoModel, AutoTokenizer

from polarity.config.verb import read_settings
from polarity.data.rows import Rows
from polarity.errors import UserError
from polarity.evaluation.predictions import Predictions, read_predictions
from polarity.exporting import modeling
from polarity.exporting.answers import (
    EXACT,
    TOLERANCE,
    Agreement,
    answers_of_folder,
    answers_of_run,
    measure_agreement,
    refuse_disagreement,
)
from polarity.exporting.card_tokens import CardTokens
from polarity.exporting.onnx import GRAPH, SMALL_GRAPH
from polarity.exporting.source import load_exported
from polarity.models import load_model
from polarity.models.huggingface.loading import quiet_transformers
from polarity.run import RunDirectory
from polarity.runs.rebuild import rebuild, run_splits
from polarity.verbs.export import export
from tests.exporting.snippets import run_without, snippet
from tests.prediction.jobs import read
from tests.running import train

KNOWN = """
import csv, json
from modeling import load
model, wanted = load("."), json.load(open("wanted.json"))
rows = list(csv.DictReader(open(wanted["corpus"], encoding="utf-8", newline="")))
texts = [row["text"] for row in rows]
contexts = [row["source"] for row in rows] if model.about["pairs"] else None
json.dump(dict(zip([row["id"] for row in rows], model.classify(texts, contexts))), open(wanted["output"], "w"))
"""


def do(run: RunDirectory, *more: str) -> Path:
    settings = read_settings("export", [f"run={run.path}", *more])
    assert settings is not None
    return export(settings)


@pytest.fixture(scope="session")
def folder(run: RunDirectory, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return do(run, "format=hf", f"output={tmp_path_factory.mktemp('hf') / 'model'}")


def assert_same(result: dict[str, dict[str, dict[str, object]]], stored: Predictions) -> None:
    """Another library's kernels round 32 bits otherwise, by an amount that is each processor's own (`TOLERANCE`)."""
    for item in stored.tasks:
        name, classes = item.task.name, item.task.classes
        assert [result[key][name]["label"] for key in stored.ids] == [classes[c] for c in item.predicted]
        values = np.array([list(result[key][name]["probabilities"].values()) for key in stored.ids])  # type: ignore[attr-defined]
        assert item.probabilities is not None
        assert np.abs(values - item.probabilities).max() < 1e-5


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["run", "pairs", "left"])
def test_plain_transformers_code_gives_the_numbers_of_the_run(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    run = request.getfixturevalue(kind)
    made = do(run, "format=hf", f"output={tmp_path / 'model'}")
    output = tmp_path / "told.json"
    (made / "wanted.json").write_text(json.dumps({"corpus": run.config["data"]["path"], "output": str(output)}))
    run_without(made, KNOWN, "polarity", "lightning", "hydra", "omegaconf", real=False)
    content = json.loads(output.read_text(encoding="utf-8"))
    for split in ("val", "test"):
        assert_same(content, read_predictions(run.predictions(split)))


@pytest.mark.slow
def test_the_program_of_the_card_runs_as_it_stands(folder: Path) -> None:
    said = run_without(folder, snippet(folder), "polarity")
    assert said.startswith("[{'tone': {'label': ")
    assert said.count("'topic'") == 2


@pytest.mark.slow
def test_the_encoder_and_the_tokenizer_are_read_by_their_names(folder: Path, run: RunDirectory) -> None:
    model, _ = load_model(run.model)
    with quiet_transformers():
        encoder, tokenizer = AutoModel.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
    state = encoder.state_dict()
    assert all(torch.equal(value, state[key]) for key, value in model.encoder.backbone.state_dict().items())
    assert len(tokenizer) == model.encoder.backbone.config.vocab_size


def test_this_project_reads_it_back(folder: Path, run: RunDirectory) -> None:
    own, exported = load_model(run.model)[0].state_dict(), load_model(folder)[0].state_dict()
    assert all(torch.equal(value, exported[key]) for key, value in own.items())


def test_plain_argmax_can_be_exported(run: RunDirectory, tmp_path: Path) -> None:
    model = load_exported(do(run, "format=hf", f"output={tmp_path / 'model'}", "decision=argmax", "check_rows=5"))
    assert [decision.rule["kind"] for decision in model.decisions] == ["argmax", "argmax"]
    card = (tmp_path / "model" / "README.md").read_text(encoding="utf-8")
    assert "argmax (chosen at export)" in card
    assert "this model, decision rule" not in card


def test_the_card_has_the_numbers_of_the_predictions(folder: Path, run: RunDirectory) -> None:
    card = ModelCard.load(folder / "README.md")
    for split, actual in (("val", "crossfit"), ("test", "predicted")):
        stored = read_predictions(run.predictions(split))
        for item in stored.tasks:
            decided = getattr(item, actual)
            labels, classes = item.labels[item.known], range(len(item.task.classes))
            wanted = f1_score(labels, decided[item.known], labels=list(classes), average="macro", zero_division=0)
            (collected,) = [
                result.metric_value
                for result in card.data.eval_results
                if (result.dataset_split, result.metric_name) == (split, f"macro-F1, {item.task.name}")
            ]
            assert collected == pytest.approx(wanted, abs=1e-4)
            assert f"{wanted:.3f} (" in card.text
    for part in ("## Data", "## Scores", "## Calibration", "## Limits", "## Settings", "linear model", "plain argmax"):
        assert part in card.text
    assert "looked at" in card.text
    for setting, value in (("loss.gamma", "2.0"), ("head.layers", run.config["head"]["layers"]), ("seed", "42")):
        assert f"| `{setting}` | {value} |" in card.text
    assert not re.search(r"\n\n\|[^-].*\n\n\|", card.text), "tables are in one piece"


def test_an_export_tells_nothing_about_the_machine(folder: Path, run: RunDirectory) -> None:
    secret = str(Path(run.config["output_dir"]).parent)
    for file in filter(Path.is_file, folder.iterdir()):  # Python may have put its bytecode beside modeling.py
        assert secret.encode() not in file.read_bytes(), file.name


def test_the_folder_of_the_run_is_the_place_that_needs_no_name(run: RunDirectory) -> None:
    made = do(run, "format=hf", "check_rows=3")
    assert made.is_relative_to(run.path)
    with pytest.raises(UserError, match="overwrite=true"):
        do(run, "format=hf")
    assert do(run, "format=hf", "overwrite=true", "check_rows=3") == made
    shutil.rmtree(made.parent)


def test_an_export_without_the_data_says_that_it_was_not_checked(
    run: RunDirectory, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = tmp_path / "run"
    shutil.copytree(run.path, copy)
    config = (copy / "config.yaml").read_text(encoding="utf-8")
    (copy / "config.yaml").write_text(config.replace("corpus.csv", "moved.csv"), encoding="utf-8")
    moved = RunDirectory.open(copy)
    with pytest.raises(UserError, match=r"moved.csv does not exist"):
        do(moved, "format=hf")
    assert not (copy / "export").exists()
    made = do(moved, "format=hf", "check_rows=0")
    assert "not checked" in capsys.readouterr().out
    assert "Not checked against the run's own model" in (made / "README.md").read_text(encoding="utf-8")


def test_settings_without_sense_are_reported_together(run: RunDirectory, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("precious")
    with pytest.raises(UserError) as refused:
        do(run, "format=hf", "int8=true", "check_rows=0", f"output={tmp_path}")
    problems = refused.value.problems
    assert [problem.split(":")[0] for problem in problems] == ["output", "int8", "int8"]
    assert (tmp_path / "mine.txt").read_text() == "precious"
    with pytest.raises(UserError, match="format"):
        do(run, "format=pickle")


def test_a_copy_that_says_something_else_is_refused() -> None:
    refuse_disagreement(Agreement(10, 1e-6, 1e-6, 0), "graph")
    for worst in (0.01, float("nan")):
        with pytest.raises(UserError, match="does not reproduce the run"):
            refuse_disagreement(Agreement(10, 1.0, worst, 3), "graph")


@pytest.mark.slow
def test_a_run_in_16_bits_is_exported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its copy, in 32 bits, is compared with the run's model in 32 bits; how far that is from its answers is told."""
    run = train(tmp_path, "trainer.precision=bf16-mixed", "optimizer.lr=0.05", "trainer.max_epochs=3")
    made = do(run, "format=hf")
    told = "the run answers in bf16-mixed, its copy in 32 bits"
    assert told in " ".join(capsys.readouterr().out.split())
    assert told in " ".join((made / "README.md").read_text(encoding="utf-8").split())
    rows = run_splits(run).val
    rebuilt, copy = rebuild(run.path, accelerator="cpu"), answers_of_folder(made, rows, 32)
    exact, rounded = (
        measure_agreement(answers_of_run(rebuilt, rows, precision), copy) for precision in (EXACT, "bf16-mixed")
    )
    assert exact.probabilities < 1e-5
    assert rounded.probabilities > TOLERANCE, "so that only the comparison in 32 bits can pass"


def test_a_failed_export_leaves_nothing(run: RunDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("polarity.verbs.export.write_hf", fail)
    with pytest.raises(OSError, match="No space left"):
        do(run, "format=hf", f"output={tmp_path / 'model'}")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["run", "pairs", "left"])
def test_onnx_gives_the_numbers_of_the_run(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    run = request.getfixturevalue(kind)
    made = do(run, "format=onnx", "int8=true", f"output={tmp_path / 'model'}")
    result = capsys.readouterr().out
    assert re.search(r"checked on 36 validation rows: logits differ by at most \d\.\de-0[5-9]", result)
    assert re.search(r"int8: .* MiB; macro-F1 .* -> 0\.\d+, difference [+-]0\.\d+ \(95 % interval", result)
    assert {GRAPH, SMALL_GRAPH, "README.md", "inference.json", "tokenizer.json"} <= {p.name for p in made.iterdir()}
    program = snippet(made).split("rows = tokenizer")[0] + ONNX_ALL
    rows = read(Path(run.config["data"]["path"]))
    texts = [(row["source"], row["text"]) if kind == "pairs" else row["text"] for row in rows]
    (made / "texts.json").write_text(json.dumps(texts), encoding="utf-8")
    output = run_without(made, program, "polarity", "torch", "transformers")
    answers = dict(zip([row["id"] for row in rows], json.loads(output), strict=True))
    for split in ("val", "test"):
        assert_same(answers, read_predictions(run.predictions(split)))
    assert run_without(made, snippet(made), "polarity", "torch").startswith("tone [")
    special = ["this [SEP] was [CLS] the apple this was the table", "was [SEP] the"]
    asked = list(zip(special, special, strict=True)) if kind == "pairs" else special
    program = snippet(made).split("rows = tokenizer")[0] + f"tokenizer.no_padding()\nasked = {asked}\n" + ONNX_IDS
    ids = json.loads(run_without(made, program, "polarity", "torch"))
    table = Rows(special, special, special if kind == "pairs" else None, np.zeros((2, 2), dtype=np.int64))
    assert ids == [row.tolist() for row in CardTokens.read(made, table).ids], "as the check of the export reads them"
    for name in (GRAPH, SMALL_GRAPH):
        assert str(Path(modeling.__file__).parents[1]).encode() not in (made / name).read_bytes(), "no stack traces"
        session = onnxruntime.InferenceSession(made / name)
        assert all(not isinstance(size, int) for item in session.get_inputs() for size in item.shape)


ONNX_IDS = """
rows = tokenizer.encode_batch([(shortened(t[0]), t[1]) if isinstance(t, tuple) else t for t in asked])
print(json.dumps([row.ids for row in rows]))
"""

ONNX_ALL = """
answers = []
texts = json.load(open("texts.json", encoding="utf-8"))
for start in range(0, len(texts), 7):
    part = texts[start : start + 7]
    rows = tokenizer.encode_batch([(shortened(t[0]), t[1]) if isinstance(t, list) else t for t in part])
    tokens = {
        "input_ids": [row.ids for row in rows],
        "attention_mask": [row.attention_mask for row in rows],
        "token_type_ids": [row.type_ids for row in rows],
    }
    feed = {item.name: np.array(tokens[item.name], dtype=np.int64) for item in session.get_inputs()}
    names = [item.name for item in session.get_outputs()]
    outputs = dict(zip(names, session.run(names, feed)))
    for number in range(len(rows)):
        answers.append({
            task: {
                "label": classes[int(outputs[f"{task}.decision"][number])],
                "probabilities": dict(zip(classes, map(float, outputs[f"{task}.probabilities"][number]))),
            }
            for task, classes in about["tasks"].items()
        })
print(json.dumps(answers))
"""
