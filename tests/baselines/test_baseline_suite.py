"""All baselines of a data set: learnt from training rows alone, tuned on validation, kept once."""

import multiprocessing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from polarity.baselines import BASELINES, baselines, linear, suite, write_baselines
from polarity.calibration import TemperatureScaling
from polarity.data.rows import Rows, Splits
from polarity.decisions import Argmax, BiasDecision
from polarity.evaluation.metrics import score
from polarity.evaluation.predictions import Predictions, read_predictions
from polarity.run import RunDirectory
from polarity.tasks import IGNORE_INDEX, Task
from tests.baselines.corpora import CHINESE, HINDI, splits
from tests.command import PATIENCE

RULE: dict[str, Any] = {"calibration": TemperatureScaling(), "decision": BiasDecision()}


def overall(predictions: Predictions) -> float:
    tasks = [item.task for item in predictions.tasks]
    return score(tasks, predictions.labels, [item.predicted for item in predictions.tasks]).overall


def relabelled(given: Splits, split: str, labels: np.ndarray) -> Splits:
    return replace(given, **{split: replace(getattr(given, split), labels=labels)})


@pytest.mark.parametrize("words", [None, HINDI, CHINESE], ids=["latin", "hindi", "chinese"])
@pytest.mark.parametrize("missing", [0.0, 0.4])
def test_the_linear_model_learns_and_the_majority_does_not(
    words: dict[str, str] | None, missing: float, tmp_path: Path
) -> None:
    given = splits(missing=missing) if words is None else splits(words=words, missing=missing)
    scored = baselines(given, tmp_path, **RULE)
    assert tuple(scored) == BASELINES
    for parts in scored.values():
        assert list(parts) == ["val", "test"]
        for name, predictions in parts.items():
            rows = dict(given.items())[name]
            assert predictions.ids == rows.ids
            np.testing.assert_array_equal(predictions.labels, rows.labels)
    assert overall(scored["linear"]["test"]) > (0.7 if words is CHINESE else 0.9)  # which has no spaces here
    assert overall(scored["majority"]["test"]) < 0.4
    assert overall(scored["linear+rule"]["test"]) > 0.7


def test_the_majority_is_that_of_training(tmp_path: Path) -> None:
    given = splits()
    labels = given.train.labels.copy()
    labels[:, 0], labels[:100, 0] = 0, 2
    scored = baselines(relabelled(given, "train", labels), tmp_path, **RULE)["majority"]["test"].tasks[0]
    assert (scored.predicted == 2).all()
    assert scored.probabilities is not None
    np.testing.assert_allclose(scored.probabilities[0], [20 / 120, 1e-6, 100 / 120], atol=1e-4)


def test_test_labels_decide_nothing(tmp_path: Path) -> None:
    given = splits()
    assert given.test is not None
    shuffled = relabelled(given, "test", given.test.labels[::-1].copy())
    one, other = baselines(given, tmp_path, **RULE), baselines(shuffled, tmp_path, **RULE)
    for name in BASELINES:
        for first, second in zip(one[name]["test"].tasks, other[name]["test"].tasks, strict=True):
            np.testing.assert_array_equal(first.predicted, second.predicted)
            np.testing.assert_array_equal(first.logits, second.logits)


@pytest.mark.parametrize(
    "shape", ["no test", "no test labels", "no val labels of a task", "one class", "tiny", "pairs"]
)
def test_data_of_every_shape(shape: str, tmp_path: Path) -> None:
    given = splits()
    assert given.test is not None
    if shape == "no test":
        given = splits(test=None)
    elif shape == "no test labels":
        given = relabelled(given, "test", np.full_like(given.test.labels, IGNORE_INDEX))
    elif shape == "no val labels of a task":
        labels = given.val.labels.copy()
        labels[:, 1] = IGNORE_INDEX
        given = relabelled(given, "val", labels)
    elif shape == "one class":
        given = relabelled(given, "train", np.zeros_like(given.train.labels))
    elif shape == "tiny":
        given = splits(3, 2, 1)
    elif shape == "pairs":
        given = replace(given, **{name: replace(rows, context=rows.text[::-1]) for name, rows in given.items()})
    scored = baselines(given, tmp_path, **RULE)
    assert set(scored["linear"]) == {name for name, _ in given.items()} - {"train"}
    for parts in scored.values():
        for predictions in parts.values():
            for item in predictions.tasks:
                assert item.logits is not None
                assert np.isfinite(item.logits).all()


def test_a_context_alone_can_tell_the_label(tmp_path: Path) -> None:
    given = splits()
    hidden = {name: replace(rows, context=rows.text, text=["..."] * len(rows)) for name, rows in given.items()}
    assert overall(baselines(replace(given, **hidden), tmp_path, **RULE)["linear"]["test"]) > 0.9


def test_the_rule_is_the_configured_one(tmp_path: Path) -> None:
    scored = baselines(splits(), tmp_path, calibration=TemperatureScaling(), decision=Argmax())
    for split in ("val", "test"):
        for plain, ruled in zip(scored["linear"][split].tasks, scored["linear+rule"][split].tasks, strict=True):
            np.testing.assert_array_equal(plain.predicted, ruled.predicted)
    assert all(item.crossfit is not None for item in scored["linear+rule"]["val"].tasks)
    assert all(item.crossfit is None for item in scored["linear+rule"]["test"].tasks)


def same(one: suite.Linear, other: suite.Linear) -> bool:
    pairs = [(one.logits[split], other.logits[split]) for split in one.logits]
    return one.strengths == other.strengths and all(
        np.array_equal(first, second) for parts in pairs for first, second in zip(*parts, strict=True)
    )


def counted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    calls: list[int] = []
    train = suite._train

    def counting(given: Splits) -> dict[str, np.ndarray]:
        calls.append(1)
        return train(given)

    monkeypatch.setattr(suite, "_train", counting)
    return calls


def test_it_is_trained_once_for_the_same_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = counted(monkeypatch)
    first, second = linear(splits(), tmp_path), linear(splits(), tmp_path)
    assert len(calls) == 1
    assert same(first, second)


def test_another_version_of_scikit_learn_trains_it_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = counted(monkeypatch)
    linear(splits(), tmp_path)
    monkeypatch.setattr(suite, "version", lambda _: "99.0")
    linear(splits(), tmp_path)
    assert len(calls) == 2


def changed(given: Splits, what: str) -> Splits:
    train = given.train
    if what == "a training text":
        return replace(given, train=replace(train, text=["other words", *train.text[1:]]))
    if what == "a validation label":
        return relabelled(given, "val", 1 - np.minimum(given.val.labels, 1))
    if what == "the order of classes":
        first = given.tasks[0]
        return replace(given, tasks=(Task(first.name, first.classes[::-1], first.column), given.tasks[1]))
    if what == "no test split":
        return replace(given, test=None)
    return replace(given, train=replace(train, context=[""] * len(train)))


@pytest.mark.parametrize(
    "what", ["a training text", "a validation label", "the order of classes", "no test split", "empty contexts"]
)
def test_other_data_are_other_baselines(what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = counted(monkeypatch)
    linear(splits(), tmp_path)
    linear(changed(splits(), what), tmp_path)
    assert len(calls) == 2


@pytest.mark.parametrize("damage", ["cut off", "flipped", "manifest", "missing"])
def test_a_damaged_cache_is_made_again(damage: str, tmp_path: Path) -> None:
    wanted = linear(splits(), tmp_path)
    (folder,) = (tmp_path / "baselines").iterdir()
    file = folder / "val-0.npy"
    content = file.read_bytes()
    if damage == "cut off":
        file.write_bytes(content[: len(content) // 2])
    elif damage == "flipped":
        file.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    elif damage == "manifest":
        (folder / "manifest.json").write_text("{", encoding="utf-8")
    else:
        file.unlink()
    assert same(linear(splits(), tmp_path), wanted)
    assert file.read_bytes() == content


def test_results_are_not_bound_to_the_cache(tmp_path: Path) -> None:
    linear(splits(), tmp_path)
    (folder,) = (tmp_path / "baselines").iterdir()
    scored = linear(splits(), tmp_path).logits["val"][0]
    kept = scored.copy()
    scored += 1  # neither refused nor written back
    assert (linear(splits(), tmp_path).logits["val"][0] == kept).all()
    assert folder.is_dir()


def _at_once(cache: Path, queue: Any) -> None:
    queue.put(linear(splits(), cache).logits["val"][0].tobytes())


def test_several_processes_may_make_them_at_once(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    workers = [context.Process(target=_at_once, args=(tmp_path, queue)) for _ in range(4)]
    for worker in workers:
        worker.start()
    result = {queue.get(timeout=PATIENCE) for _ in workers}
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0] * 4
    assert result == {linear(splits(), tmp_path).logits["val"][0].tobytes()}
    assert len(list((tmp_path / "baselines").iterdir())) == 1


def test_a_runs_folder_gets_them(tmp_path: Path) -> None:
    run = RunDirectory.create(tmp_path / "outputs", {"seed": 1}, [])
    scored = write_baselines(run, splits(), tmp_path / "cache", **RULE)
    for name in BASELINES:
        for split in ("val", "test"):
            read = read_predictions(run.baseline(name, split))
            assert read.ids == scored[name][split].ids
            for back, item in zip(read.tasks, scored[name][split].tasks, strict=True):
                np.testing.assert_array_equal(back.predicted, item.predicted)
                np.testing.assert_array_equal(back.logits, item.logits)


def test_rows_can_be_selected_beforehand(tmp_path: Path) -> None:
    given = splits()
    fewer: Rows = given.train.select(range(30))
    assert linear(replace(given, train=fewer), tmp_path).logits["val"][0].shape == (60, 3)
