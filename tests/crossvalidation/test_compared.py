"""Cross-validations compared: fold by fold, with the corrected resampled t-test, and only on the same folds."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml
from scipy.stats import t as student

import polarity
from polarity.evaluation.metrics import score
from polarity.evaluation.out_of_fold import HeldOut, write_out_of_fold
from polarity.evaluation.predictions import Predictions, TaskPredictions
from polarity.files import checksum, write_json
from polarity.run import RunDirectory
from polarity.runs.manifest import seal
from polarity.statistics.counts import Counts
from polarity.statistics.unseen import hidden_error
from polarity.tasks import Task
from tests.running import composed, overrides
from tests.verbs import outcome_of, said_by

TASKS = (Task("tone", ("no", "yes"), "tone"), Task("topic", ("war", "food"), "topic"))
FOLDS, ROWS = 5, 200


def decided(error: float, seed: int) -> list[HeldOut]:
    """Folds whose rows are wrong with this probability."""
    labels = np.random.default_rng(0).integers(0, 2, (ROWS, 2))
    wrong = np.random.default_rng(seed).random(labels.shape) < error
    folds = []
    for fold in range(1, FOLDS + 1):
        rows = np.arange(fold - 1, ROWS, FOLDS)
        tasks = tuple(
            TaskPredictions(task, labels[rows, t], np.where(wrong, 1 - labels, labels)[rows, t])
            for t, task in enumerate(TASKS)
        )
        folds.append(HeldOut(fold, 1, Predictions([f"row-{row}" for row in rows], tasks)))
    return folds


def finished(folder: Path, name: str, folds: list[HeldOut], *changed: str, prints: str = "rows") -> RunDirectory:
    """What a cross-validation leaves that a comparison reads."""
    arguments = overrides(folder, f"folds={FOLDS}", *changed)
    run = RunDirectory.create(folder / "outputs", composed(*arguments), arguments, name=name)
    path = run.predictions("out_of_fold")
    path.parent.mkdir()
    write_out_of_fold(path, folds, [f"row-{row}" for row in range(ROWS)])
    known = [{"fold": item.fold, "fingerprint": f"{prints}-{item.fold}"} for item in folds]
    write_json(run.metrics, {"folds": known, "sha256": {"predictions/out_of_fold.parquet": checksum(path)}})
    write_json(run.environment, {"data": {}})
    seal(run)
    run.finish()
    run.lock.release()
    return run


@pytest.fixture
def runs(tmp_path: Path) -> tuple[RunDirectory, RunDirectory]:
    return (
        finished(tmp_path, "weak", decided(0.4, 1), "optimizer.lr=1e-4"),
        finished(tmp_path, "strong", decided(0.1, 2), "optimizer.lr=1e-3"),
    )


def of_fold(item: HeldOut) -> float:
    tasks = [task.task for task in item.predictions.tasks]
    return score(tasks, item.predictions.labels, [task.predicted for task in item.predictions.tasks]).overall


def test_the_test_is_that_of_the_paper(runs: tuple[RunDirectory, RunDirectory]) -> None:
    (found,) = polarity.compare([run.path for run in runs])
    gaps = [of_fold(b) - of_fold(a) for a, b in zip(decided(0.4, 1), decided(0.1, 2), strict=True)]
    error = np.sqrt((1 / FOLDS + 1 / (FOLDS - 1)) * np.var(gaps, ddof=1))
    (pair,) = found.pairs
    assert found.setup.split == "out_of_fold"
    assert pair.difference == pytest.approx(np.mean(gaps))
    (test,) = pair.tests
    assert test.name == "corrected resampled t-test"
    assert test.p == pytest.approx(2 * student.sf(np.mean(gaps) / error, FOLDS - 1))
    assert pair.interval.low == pytest.approx(np.mean(gaps) - student.ppf(0.975, FOLDS - 1) * error)
    assert pair.verdict == "better"
    assert pair.sentence.endswith("(mean over 5 folds, each with other rows and a seed of its own)")
    assert found.chosen is not None


def test_it_is_said_and_written(runs: tuple[RunDirectory, RunDirectory], tmp_path: Path) -> None:
    said = said_by("compare", *(str(run.path) for run in runs), f"output={tmp_path / 'written'}")
    assert "corrected resampled t-test, overall" in said
    assert "differences are means over 5 folds" in said
    assert "corrected resampled t-test" in (tmp_path / "written" / "comparison.html").read_text(encoding="utf-8")


def test_repeats_count_alike_in_scores_ranks_and_what_the_best_is_worth(tmp_path: Path) -> None:
    """The first repeat alone would choose the other one."""
    errors = {"steady": (0.25, 0.25, 0.25), "lucky": (0.15, 0.4, 0.4)}
    runs, means = [], {}
    for number, (name, of_repeats) in enumerate(errors.items(), 1):
        repeats = [
            [replace(item, fold=item.fold + FOLDS * r, repeat=r + 1) for item in decided(error, 10 * number + r)]
            for r, error in enumerate(of_repeats)
        ]
        folds = [item for repeat in repeats for item in repeat]
        runs.append(finished(tmp_path, name, folds, f"optimizer.lr={number}e-4", "repeats=3"))
        means[name] = np.mean([whole_score(repeat) for repeat in repeats])
        assert (name == "lucky") == (whole_score(repeats[0]) > 0.8)
    (found,) = polarity.compare([run.path for run in runs])
    assert {Path(one.folder).name: one.overall for one in found.systems} == pytest.approx(means)
    best, other = found.groups
    assert (best.rank, best.members, best.overall) == (1, ["steady"], pytest.approx(means["steady"]))
    assert found.chosen is not None
    assert found.chosen.score == pytest.approx(means["steady"])
    assert found.pairs[0].difference > 0, "of the better one to the other"
    assert other.interval.low < other.overall < other.interval.high
    assert any("means over repeats" in note for note in found.notes)


def whole_score(folds: list[HeldOut]) -> float:
    tasks = zip(*(item.predictions.tasks for item in folds), strict=True)
    decisions = [np.concatenate([item.predicted for item in of_task]) for of_task in tasks]
    labels = np.concatenate([item.predictions.labels for item in folds])
    return score(TASKS, labels, decisions).overall


def test_one_task_is_compared_by_its_own_scores(runs: tuple[RunDirectory, RunDirectory]) -> None:
    (whole,) = polarity.compare([run.path for run in runs])
    (tone,) = polarity.compare([run.path for run in runs], tasks=["tone"])
    assert tone.pairs[0].difference == pytest.approx(whole.pairs[0].macro_f1["tone"])
    assert tone.pairs[0].difference != pytest.approx(whole.pairs[0].difference)


def test_equal_systems_are_not_told_apart(tmp_path: Path) -> None:
    same = [finished(tmp_path, name, decided(0.2, 1), f"optimizer.lr={lr}") for name, lr in (("a", 1e-4), ("b", 1e-3))]
    (found,) = polarity.compare([run.path for run in same])
    (pair,) = found.pairs
    assert pair.difference == 0
    assert pair.verdict in ("equal", "unclear")
    assert pair.interval.low < 0 < pair.interval.high, "other rows might tell them apart"


def test_where_all_folds_differ_by_the_same_the_rows_tell_what_others_may_change(tmp_path: Path) -> None:
    """Not what one task alone may hide, in which nothing tells the two apart."""
    size = ROWS // FOLDS
    labels = np.stack([np.arange(size) % 2] * 2, axis=1)

    def folds(wrong: int) -> list[HeldOut]:
        said = [np.where(np.arange(size) < wrong, 1 - labels[:, 0], labels[:, 0]), labels[:, 1]]
        tasks = tuple(TaskPredictions(task, labels[:, t], said[t]) for t, task in enumerate(TASKS))
        rows = [range(fold - 1, ROWS, FOLDS) for fold in range(1, FOLDS + 1)]
        return [HeldOut(n, 1, Predictions([f"row-{row}" for row in own], tasks)) for n, own in enumerate(rows, 1)]

    runs = [finished(tmp_path, name, folds(wrong), f"seed={wrong}", f"loss.gamma={wrong}") for name, wrong in
            (("a", 4), ("b", 6))]  # fmt: skip
    pair = polarity.compare([str(run.path) for run in runs])[0].pairs[0]
    every = np.concatenate([labels] * FOLDS)
    systems = [[np.concatenate([item.predictions.tasks[t].predicted for item in folds(wrong)]) for t in (0, 1)]
               for wrong in (4, 6)]  # fmt: skip
    hidden = hidden_error(Counts(TASKS, every, systems), [0], [1])
    assert 0 < hidden < 0.01
    assert pair.interval.high - pair.interval.low > 2 * 2 * 1.96 * hidden
    assert pair.equal.p > 0.05


def test_no_interval_has_zero_width(tmp_path: Path) -> None:
    perfect = [
        finished(tmp_path, name, decided(0.0, 1), f"optimizer.lr={lr}") for name, lr in (("a", 1e-4), ("b", 1e-3))
    ]
    (found,) = polarity.compare([run.path for run in perfect])
    assert all(0.9 < group.interval.low < 1 for group in found.groups)


def test_seeds_of_one_configuration_are_one(tmp_path: Path) -> None:
    several = [finished(tmp_path, f"seed-{seed}", decided(0.3, seed), f"seed={seed}") for seed in (1, 2)]
    other = finished(tmp_path, "other", decided(0.1, 3), "optimizer.lr=1e-3")
    (found,) = polarity.compare([run.path for run in (*several, other)])
    (pair,) = found.pairs
    means = np.mean([[of_fold(item) for item in decided(0.3, seed)] for seed in (1, 2)], axis=0)
    gaps = np.array([of_fold(item) for item in decided(0.1, 3)]) - means
    assert pair.difference == pytest.approx(gaps.mean())


def other_prints(run: RunDirectory) -> None:
    metrics = json.loads(run.metrics.read_text(encoding="utf-8"))
    write_json(run.metrics, {**metrics, "folds": [{"fold": 1, "fingerprint": "rows-1"}]})
    seal(run)


def no_folds(run: RunDirectory) -> None:
    config = yaml.safe_load((run.path / "config.yaml").read_text(encoding="utf-8"))
    (run.path / "config.yaml").write_text(yaml.safe_dump({**config, "folds": None}), encoding="utf-8")
    shutil.copy(run.predictions("out_of_fold"), run.predictions("val"))
    mark = checksum(run.predictions("val"))
    write_json(run.metrics, {"sha256": {"predictions/val.parquet": mark}})
    seal(run)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (
            other_prints,
            "strong: has other folds (1 of its 1 hold out the same rows as those of weak); folds, repeats and",
        ),
        (no_folds, "strong: is no cross-validation, as weak is"),
    ],
)
def test_other_folds_are_refused(
    change: Callable[[RunDirectory], None], problem: str, runs: tuple[RunDirectory, RunDirectory]
) -> None:
    change(runs[1])
    code, said = outcome_of("compare", *(str(run.path) for run in runs))
    assert code == 2
    assert problem in said


def test_test_scores_are_none_of_its_own(runs: tuple[RunDirectory, RunDirectory]) -> None:
    code, said = outcome_of("compare", *(str(run.path) for run in runs), "split=test")
    assert code == 2
    assert "is a cross-validation, so it has no scores on test; leave out split" in said


def test_a_pattern_takes_the_whole_and_not_its_folds(runs: tuple[RunDirectory, RunDirectory], tmp_path: Path) -> None:
    for run in runs:
        shutil.copytree(run.path, run.fold(1), ignore=shutil.ignore_patterns("fold-*"))
    found = polarity.compare(str(tmp_path / "outputs" / "**"))
    assert [system.name for system in found[0].systems] == ["strong", "weak"]
    assert len(found) == 1


def test_a_file_in_which_a_row_is_missing_or_stands_twice_is_never_written(tmp_path: Path) -> None:
    folds, ids = decided(0.1, 1), [f"row-{row}" for row in range(ROWS)]
    for wrong in (folds[1:], [folds[0], *folds], [replace(folds[0], predictions=folds[1].predictions), *folds[1:]]):
        with pytest.raises(ValueError, match="do not hold out every row exactly once"):
            write_out_of_fold(tmp_path / "file.parquet", wrong, ids)
    assert not list(tmp_path.iterdir())
