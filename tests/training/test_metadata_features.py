"""``data.features``, as users meet it: labels that only a column tells, by every way to ask the finished run."""

import csv
import random
import shutil
from pathlib import Path

import numpy as np
import pytest

import polarity
from polarity.data.columns import declared_columns
from polarity.data.rows import Rows
from polarity.errors import UserError
from polarity.evaluation.predictions import read_predictions
from polarity.files import read_object
from polarity.models.metadata import MetadataReader
from polarity.run import RunDirectory
from polarity.train import check
from tests.running import FILLERS, overrides, train
from tests.verbs import said_by

FEATURES = "data.features={source:category,length:number}"
TOLD = {"right": "yes", "left": "no", "": "none"}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    """A run whose texts say nothing."""
    folder, draw = tmp_path_factory.mktemp("features"), random.Random(0)
    with (folder / "corpus.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "text", "tone", "topic", "source", "length"])
        for number in range(180):
            source, length = draw.choice([*TOLD]), draw.random()
            text = " ".join([*draw.choices(FILLERS, k=6), f"w{number}"])
            writer.writerow([number, text, TOLD[source], "war" if length > 0.5 else "food", source, f"{length:.3f}"])
    quick = ("head.init=linear_probe", "trainer.max_epochs=1", "optimizer.lr=1e-6", "trainer.log_every_n_steps=1")
    tasks = "data.tasks={tone:[yes,no,none],topic:[war,food]}"
    return train(folder, FEATURES, tasks, *quick, "reporting.resamples=100", "reporting.baselines=false")


def test_cells_of_which_nothing_can_be_made_are_told_by_rows_also_by_inspect(run: RunDirectory, tmp_path: Path) -> None:
    lines = (run.path.parents[1] / "corpus.csv").read_text(encoding="utf-8").splitlines()
    changed = [",".join([*line.split(",")[:-1], f'"0,{number}"', "31.01.2026"]) for number, line in enumerate(lines)]
    changed[0] = f"{lines[0]},day"
    (tmp_path / "corpus.csv").write_text("\n".join(changed), encoding="utf-8")
    data = overrides(tmp_path, "data.features={length:number,day:date}")
    with pytest.raises(UserError) as error:
        check(data)
    told = [
        "column 'length' (data.features.length) holds no number: row 1 (line 2) is '0,1', row 2 (line 3) is '0,2'",
        "column 'day' (data.features.day) holds no date: row 1 (line 2) is '31.01.2026', row 2 (line 3) is",
    ]
    ends = ["(180 in all); write a decimal point", "(180 in all); write dates as 2026-01-31"]
    for problem, begin, end in zip(error.value.problems[:2], told, ends, strict=True):
        assert begin in problem
        assert problem.endswith(end)
    own = [text for text in data if text.startswith(("data", "cache_dir"))]
    said = " ".join(said_by("inspect", *own, "labels=false").split())
    assert all(begin in said for begin in told)


def test_a_column_that_only_rows_without_a_label_tell_apart_is_refused() -> None:
    rows = Rows([*"abcd"], [*"abcd"], None, np.array([[0], [1], [-100], [-100]]), {"source": ["x", "x", "y", "z"]})
    with pytest.raises(UserError, match=r"^data.features.source: all training rows that have a label say the same"):
        MetadataReader.learn(rows, {"source": "category"})


def test_what_only_a_column_tells_is_learnt(run: RunDirectory) -> None:
    assert read_object(run.metrics)["test"]["overall"] > 0.9
    stored = (run.model / "metadata" / "metadata.json").read_text(encoding="utf-8")
    assert "right" not in stored, "values are kept as hashes"


def test_new_rows_need_the_same_columns(run: RunDirectory, tmp_path: Path) -> None:
    source, output = tmp_path / "in.csv", tmp_path / "out.csv"
    lines = ["source,text,length", "right,of it,0.9", "never,of it,0.1", ",of it,", "left,of it,0.95"]
    source.write_text("\n".join(lines), encoding="utf-8")
    said_by("predict", f"run={run.path}", f"input={source}", f"output={output}")
    with output.open(encoding="utf-8", newline="") as file:
        found = list(csv.DictReader(file))
    assert [row["tone.pred"] for row in found][::2] == ["yes", "none"]
    assert (found[0]["topic.pred"], found[1]["topic.pred"], found[3]["tone.pred"]) == ("war", "food", "no")
    model = polarity.load(run.path)
    columns = {"source": ["right", "never", None, "left"], "length": [0.9, "0.1", "\u200b", 0.95]}
    for answer, row in zip(model.predict(["of it"] * 4, metadata=columns), found, strict=True):
        assert answer["topic"].probabilities["war"] == pytest.approx(float(row["topic.prob.war"]), abs=1e-6)
    source.write_text("text,sources\nof it,right\n", encoding="utf-8")
    said = said_by("predict", f"run={run.path}", f"input={source}", f"output={tmp_path / 'no.csv'}", code=2)
    assert f"data.features.source: {source} has no column 'source'; did you mean 'sources'?" in " ".join(said.split())
    assert f"data.features.length: {source} has no column 'length'" in " ".join(said.split())
    source.write_text("text,source,length\nof it,right,long\n", encoding="utf-8")
    said = said_by("predict", f"run={run.path}", f"input={source}", f"output={tmp_path / 'no.csv'}", code=2)
    assert "data.features.length: 'long' is no number: row 1 (line 2)" in " ".join(said.split())
    assert not (tmp_path / "no.csv").exists()


def test_all_that_is_wrong_with_a_file_is_told_before_the_model_is_asked(run: RunDirectory, tmp_path: Path) -> None:
    """Also what stands beside the texts, and in another part of the file."""
    source = tmp_path / "in.csv"
    source.write_text('text,source,length\n,right,1\nof it,left,"3,5"\nof it,left,long\nof it,a,1\n', encoding="utf-8")
    said = said_by(
        "predict", f"run={run.path}", f"input={source}", f"output={tmp_path / 'no.csv'}", "chunk_rows=1", code=2
    )
    for problem in (
        "column 'text' is empty: row 1 (line 2)",
        "data.features.length: '3,5' is no number; write a decimal point: row 2 (line 3)",
        "data.features.length: 'long' is no number: row 3 (line 4)",
    ):
        assert problem in " ".join(said.split()), said


def test_a_column_of_errors_is_named_only_where_there_is_one(run: RunDirectory, tmp_path: Path) -> None:
    source, output = tmp_path / "in.csv", tmp_path / "out.csv"
    source.write_text("text,source,length\nof it,right,1\n", encoding="utf-8")
    asked = (f"run={run.path}", f"input={source}", f"output={output}", "error_column=wrong")
    said = said_by("predict", *asked, code=2)
    assert "error_column: has no effect with on_error=stop" in said
    said_by("predict", *asked, "on_error=keep")
    assert "wrong" in output.read_text(encoding="utf-8").splitlines()[0]


def test_new_rows_of_a_run_on_private_texts_are_private_too(run: RunDirectory, tmp_path: Path) -> None:
    private = RunDirectory(shutil.copytree(run.path, tmp_path / "private"))
    settings = (private.path / "config.yaml").read_text(encoding="utf-8")
    assert settings.count("\n  texts: true\n") == 1
    (private.path / "config.yaml").write_text(
        settings.replace("\n  texts: true\n", "\n  texts: false\n"), encoding="utf-8"
    )
    source, more = tmp_path / "in.csv", ("accelerator=cpu", f"output={tmp_path / 'no.csv'}")
    source.write_text("text,source,length\nof it,right,confidential\n", encoding="utf-8")
    for one, shown in ((run, True), (private, False)):
        said = said_by("predict", f"run={one.path}", f"input={source}", *more, code=2)
        assert ("confidential" in said) == shown
        model = polarity.load(one.path)
        with pytest.raises(UserError) as refused:
            model.predict(["of it"], metadata={"source": ["right"], "length": ["confidential"]})
        assert ("confidential" in str(refused.value)) == shown


def test_values_that_training_never_saw_are_counted(run: RunDirectory, tmp_path: Path) -> None:
    source = tmp_path / "in.csv"
    source.write_text("text,source,length\n" + "of it,1.0,1\n" * 5, encoding="utf-8")
    said = said_by("predict", f"run={run.path}", f"input={source}", f"output={tmp_path / 'out.csv'}")
    assert "note: 100% of the rows have a value of 'source' that no training row has\n" in said


def test_from_python_columns_are_a_mapping(run: RunDirectory) -> None:
    model = polarity.load(run.path)
    assert model.columns == ("source", "length")
    for metadata, problem in (
        (None, "the run reads the column 'source' beside the texts"),
        ({"source": ["a"], "length": [1, 2]}, r"metadata.length: there are 2 for 1 text"),
        ({"source": ["a"], "length": [1], "day": [1]}, r"metadata.day: the run does not read it"),
        ({"source": [["a"]], "length": [1]}, r"metadata.source: holds something that is no text or number"),
        ({"source": ["a"], "length": ["long"]}, r"texts\[0\]: data.features.length: 'long' is no number"),
    ):
        with pytest.raises(UserError, match=problem):
            model.predict(["of it"], metadata=metadata)  # type: ignore[arg-type]


def test_it_is_evaluated_on_data_that_have_them(run: RunDirectory, tmp_path: Path) -> None:
    assert "reproduced" in said_by("evaluate", f"run={run.path}", "resamples=100")
    new = tmp_path / "new.csv"
    new.write_text("text,tone,topic\nnew one,yes,war\nnew two,no,food\n", encoding="utf-8")
    said = said_by("evaluate", f"run={run.path}", f"data.path={new}", "resamples=100", code=2)
    assert "has no column 'source', which data.features.source asks for" in " ".join(said.split())
    refused = " ".join(said_by("export", f"run={run.path}", "format=hf", code=2).split())
    assert "holds encoders of transformers alone, not BertModel and columns beside the text" in refused


def test_columns_with_another_part_are_refused() -> None:
    settings = {"text": "text", "tasks": {"tone": ["yes", "no"]}, "id": "id", "group": "post", "leakage": None}
    features = {"tone": "category", "post": "category", "part": "category", "length": "number"}
    _, problems = declared_columns({**settings, "features": features}, "part")  # type: ignore[typeddict-item]
    assert problems == [
        "features.tone: is the column of tasks.tone; one column, one part",
        "features.post: is the group, of which new rows have other values; leave it out",
        "features.part: is the column of split_column; one column, one part",
    ]


def test_validation_rows_are_those_of_the_data(run: RunDirectory) -> None:
    assert set(read_predictions(run.predictions("val")).metadata) == {"source", "length"}
