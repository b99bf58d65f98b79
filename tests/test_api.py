"""What the README promises from Python: train, load and predict, compare."""

import json
import os
import random
import subprocess
import sys
import threading
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from lightning.pytorch.callbacks import Callback

import polarity
from polarity.data.rows import Rows
from polarity.errors import RunError, UserError
from polarity.loaded_model import _columns
from polarity.run import RunDirectory
from polarity.runs.environment import read_environment
from polarity.runs.rebuild import run_splits
from polarity.runs.saved import saved_predictions
from tests.misfortune import misfortune
from tests.presets import VERBS
from tests.running import overrides


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("api")


@pytest.fixture(scope="module")
def run(folder: Path) -> RunDirectory:
    return polarity.train([*overrides(folder), "trainer.max_epochs=1"])


@pytest.fixture(scope="module")
def rows(run: RunDirectory) -> Rows:
    """The run's validation rows."""
    return run_splits(run).val


def test_training_returns_the_finished_run(run: RunDirectory) -> None:
    assert run.status["state"] == "finished"
    assert run.predictions("test").is_file(), "a single run scores test, as on the command line"
    assert "trainer.max_epochs=1" in run.overrides


def test_a_loaded_run_says_what_the_run_said(run: RunDirectory, rows: Rows) -> None:
    answers = polarity.load(run.path).predict(rows.text)
    kept = saved_predictions(run, "val")
    assert [answer.keys() for answer in answers] == [{"tone", "topic"}] * len(rows)
    for item in kept.tasks:
        classes = item.task.classes
        assert [answer[item.task.name].label for answer in answers] == [classes[c] for c in item.predicted]
        assert item.probabilities is not None
        collected = [[answer[item.task.name].probabilities[name] for name in classes] for answer in answers]
        np.testing.assert_allclose(collected, item.probabilities, atol=1e-6)


def test_order_and_number_of_texts_do_not_matter(run: RunDirectory, rows: Rows) -> None:
    model = polarity.load(str(run.path))
    assert model.predict([]) == []
    assert [task.name for task in model.tasks] == ["tone", "topic"]
    texts = rows.text[:3]
    alone = [model.predict([text])[0]["tone"].label for text in texts]
    assert [answer["tone"].label for answer in model.predict(texts[::-1])][::-1] == alone


def test_the_folder_is_known_from_everywhere(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    given = [text for text in overrides(folder) if not text.startswith("output_dir=")]
    run = polarity.train([*given, "trainer.max_epochs=1", "output_dir=here", "reporting.baselines=false"])
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert len(polarity.load(run.path).predict(["a text"])) == 1


@pytest.mark.slow
def test_trainings_in_threads_give_what_one_alone_gives(run: RunDirectory, folder: Path) -> None:
    """They share the random numbers of the process, so that one waits for the other."""
    made: list[RunDirectory] = []

    def train() -> None:
        made.append(polarity.train([*overrides(folder), "trainer.max_epochs=1"]))

    threads = [threading.Thread(target=train) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    weights = {(one.model / "model.safetensors").read_bytes() for one in (run, *made)}
    assert len(made) == 2
    assert len(weights) == 1


def test_wrong_calls_are_reported(run: RunDirectory, tmp_path: Path) -> None:
    model = polarity.load(run.path)
    with pytest.raises(UserError, match="give a list"):
        model.predict("one text")
    with pytest.raises(UserError, match="overrides: is one text; give a list"):
        polarity.train("seed=1")
    with pytest.raises(UserError, match="trained on single texts"):
        model.predict(["a"], ["b"])
    unreadable: list[Any] = ["a", None, float("nan"), " ", "half \ud800", 3]
    with pytest.raises(UserError) as error:
        model.predict(unreadable)
    assert [problem.partition(":")[0].split()[0] for problem in error.value.problems] == [
        f"texts[{number}]" for number in (1, 2, 3, 4, 5)
    ]
    with pytest.raises(UserError, match="batch_size: must be a whole number of at least 1, got 0"):
        polarity.load(run.path, batch_size=0)
    with pytest.raises(UserError, match="is no run's folder"):
        polarity.load(tmp_path / "nowhere")
    with pytest.raises(UserError, match=r"loss\.gama"):
        polarity.train([*overrides(tmp_path), "loss.gama=3"])
    assert not (tmp_path / "outputs").exists()
    with pytest.raises(UserError, match="resume: is for the command line"):
        polarity.train([f"resume={run.path}"])


def test_pairs_are_asked_as_pairs(folder: Path, rows: Rows) -> None:
    run = polarity.train(
        [*overrides(folder), "trainer.max_epochs=1", "data.context=source", f"output_dir={folder / 'pairs'}"]
    )
    model = polarity.load(run.path)
    texts = rows.text[:2]
    assert model.predict(texts, ["", "one"]) == model.predict(texts, [None, "one"])
    with pytest.raises(UserError, match="trained on pairs; give a first text"):
        model.predict(texts)
    with pytest.raises(UserError, match="there are 1 for 2 texts"):
        model.predict(texts, ["b"])
    unreadable: list[Any] = ["one", 3]
    with pytest.raises(UserError, match=r"contexts\[1\] is 3 \(int\)"):
        model.predict(texts, unreadable)
    said, table = model.predict(texts, ["b", ""]), pd.DataFrame({"text": texts, "source": ["b", None]})
    assert said == model.predict(table["text"], table["source"]) == model.predict(np.array(texts), np.array(["b", ""]))
    assert said == model.predict((text for text in texts), pd.Series(["b", float("nan")]))
    with pytest.raises(UserError, match="contexts: is one text; give a list"):
        model.predict(texts, "ab")
    with pytest.raises(UserError, match="texts: has to be a list, got int"):
        model.predict(3)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        (np.int64(3), "3"),
        (np.float32(0.5), "0.5"),
        (np.str_("a"), "a"),
        (np.bool_(1), "true"),
        (type("NAType", (), {})(), ""),
        (None, ""),
        (float("nan"), ""),
    ],
)
def test_values_of_numpy_and_pandas_are_those_of_files(value: object, cell: str) -> None:
    assert _columns({"one": [value]}, ["one"], 1) == _columns(pd.DataFrame({"one": [value]}), ["one"], 1)
    assert _columns({"one": [value]}, ["one"], 1) == {"one": [cell]}
    with pytest.raises(UserError, match=r"metadata\.one: is one text; give a list"):
        _columns({"one": "a"}, ["one"], 1)


def test_an_ensemble_can_be_found_from_everywhere(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.setattr("polarity.ensembles.making.make", lambda _: RunDirectory("outputs/made"))
    assert polarity.ensemble("outputs/a").path == folder / "outputs" / "made"


def test_a_run_that_fails_is_an_error(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="power failure"):
        polarity.train([*overrides(folder), misfortune(tmp_path), f"output_dir={tmp_path}"])


@pytest.mark.slow
def test_each_training_reads_its_files_anew(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever works in a notebook changes a file, or the folder, and trains again by the same words."""
    words = [*overrides(folder), "trainer.max_epochs=1", "reporting.baselines=false", "data.path=corpus.csv"]
    sizes = []
    for name, kept in (("one", 200), ("one", 150), ("two", 120)):
        lines = (folder / "corpus.csv").read_text(encoding="utf-8").splitlines()[: kept + 1]
        (tmp_path / name).mkdir(exist_ok=True)
        (tmp_path / name / "corpus.csv").write_text("\n".join(lines), encoding="utf-8")
        monkeypatch.chdir(tmp_path / name)
        run = polarity.train(words)
        sizes.append(sum(split["rows"] for split in read_environment(run)["data"].values()))
    assert sizes == [200, 150, 120]


def test_a_training_leaves_the_process_as_it_was(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A script that draws its rows anew for each run would draw the same ones, and nothing would tell it."""
    monkeypatch.delenv("PL_GLOBAL_SEED", raising=False)

    def state() -> list[object]:
        return [dict(os.environ), len(warnings.filters), random.getstate(), torch.get_rng_state().tolist()]

    def drawn() -> list[float]:
        return [random.random(), np.random.random(), torch.rand(()).item()]  # noqa: NPY002 - the caller's own generator

    polarity.train([*overrides(folder), "trainer.max_epochs=1", f"output_dir={tmp_path}"])  # libraries are imported
    assert "PL_GLOBAL_SEED" not in os.environ, "what the caller seeds would take it for its own"
    drawn()
    before = state()
    polarity.train([*overrides(folder), "trainer.max_epochs=1", f"output_dir={tmp_path}"])
    assert state() == before
    with pytest.raises(RunError, match="power failure"):
        polarity.train([*overrides(folder), misfortune(tmp_path), f"output_dir={tmp_path}"])
    assert state() == before


class Leaking(Callback):
    """A component of a user's own that tells what it has taken from the environment where it fails."""

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        raise ConnectionError(f"refused: {os.environ['HUB_TOKEN']}")


def test_secrets_of_the_environment_are_not_written_from_python_either(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("polarity.secrets._known", set())
    monkeypatch.setenv("HUB_TOKEN", "Zq7-of-the-hub")
    own = "+callbacks.own={_target_: tests.test_api.Leaking}"
    with pytest.raises(RunError, match="refused"):
        polarity.train([*overrides(folder), own, f"output_dir={tmp_path}"])
    said = capsys.readouterr()
    assert "Zq7" not in said.out + said.err
    (run,) = tmp_path.glob("2*")
    assert "refused" in RunDirectory.open(run).status["traceback"]
    assert b"Zq7" not in (run / "status.json").read_bytes() + (run / "train.log").read_bytes()


def test_runs_are_compared(run: RunDirectory, folder: Path) -> None:
    other = polarity.train([*overrides(folder), "trainer.max_epochs=1", "optimizer.lr=1e-4"])
    (comparison,) = polarity.compare([run.path, other.path], resamples=200, baselines=False)
    assert [system.name for system in comparison.systems] != []
    assert len(comparison.pairs) == 1
    with pytest.raises(UserError, match="resamples"):
        polarity.compare([run.path, other.path], resamples=3)
    out = folder / "compared"
    polarity.compare([run.path, other.path], resamples=200, output=out)
    assert json.loads((out / "comparison.json").read_text(encoding="utf-8"))["pairs"]


def test_importing_the_package_does_not_import_torch() -> None:
    """Nor does that of a verb: --help, and a wrong setting, would be answered five seconds later."""
    verbs = ", ".join(f"polarity.{verb}" for verb in ["train", *VERBS])
    program = f"import sys, polarity, {verbs}; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", program], check=True)


def test_verbs_are_modules_still() -> None:
    import polarity.train as verb

    assert callable(verb.main)
    assert callable(polarity.train)
    with pytest.raises(AttributeError, match="nonsense"):
        _ = polarity.nonsense
