"""The best of a sweep is shown beside the linear baseline."""

import shutil
from pathlib import Path

import pytest

from polarity.comparison.chosen import rank
from polarity.run import RunDirectory
from tests.comparison.made import a_run, noisy, some_labels


@pytest.mark.parametrize(("right", "where"), [(0.9, "ABOVE"), (0.3, "below")])
def test_a_recommendation_below_the_linear_baseline_says_so(right: float, where: str, tmp_path: Path) -> None:
    labels = some_labels(300)
    runs = [
        a_run(tmp_path / name, labels, noisy(labels, share, number), loss={"gamma": share})
        for number, (name, share) in enumerate({"a": 0.6, "b": 0.5}.items())
    ]
    assert rank(runs).best[0].baseline is None
    assert "linear baseline" not in " ".join(rank(runs).best[0].sentences)
    other = a_run(tmp_path / "other", labels, noisy(labels, right, 7))
    place = RunDirectory(runs[0]).baseline("linear", "val")
    place.parent.mkdir(parents=True)
    shutil.copy2(RunDirectory(other).predictions("val"), place)
    best = rank(runs).best[0]
    assert best.baseline is not None
    apart = 100 * abs(best.shortlist.score - best.baseline)
    assert best.sentences[-1].startswith(f"linear baseline: {best.baseline:.4f}, {apart:.1f} points {where} what is")
    assert best.sentences[-1].endswith(
        f"; python -m polarity.compare {best.recommended[0]} tells whether that is chance"
    )


def test_a_perfect_score_is_not_known_without_error(tmp_path: Path) -> None:
    labels = some_labels(60)
    nearly = labels.copy()
    nearly[0] = (labels[0] + 1) % 3
    runs = [
        a_run(tmp_path / name, labels, decided, loss={"gamma": number})
        for number, (name, decided) in enumerate({"first": nearly, "perfect": labels}.items())
    ]
    (best,) = rank(runs).best
    assert (best.shortlist.error or 0) > 0.005
    assert [Path(name).name for name in best.recommended] == ["first"]
    assert best.chosen.interval.high == 1.0


def test_what_is_tied_with_the_best_need_not_be_what_comes_next(tmp_path: Path) -> None:
    labels = some_labels(300)
    wrong = {"best": range(20), "second": range(30), "third": range(20, 51)}
    runs = []
    for number, (name, rows) in enumerate(wrong.items()):
        decided = labels.copy()
        decided[list(rows)] = (labels[list(rows)] + 1) % 3
        runs.append(a_run(tmp_path / name, labels, decided, loss={"gamma": number}))
    (best,) = rank(runs).best
    assert [folder.name for folder in best.tied] == ["best", "third"], "the second is wrong in ten rows more"
    assert best.sentences[1] == "1 of the 2 other configurations cannot be told apart from the best"
    (best,) = rank([runs[0], runs[2]]).best
    assert best.sentences[1] == "the best of 2 configurations cannot be told apart from any other"


def test_scores_on_other_rows_have_no_winner(tmp_path: Path) -> None:
    labels, others = some_labels(300), some_labels(200)
    first, second = (
        a_run(tmp_path / name, labels, noisy(labels, share, 1), loss={"gamma": share})
        for name, share in (("a", 0.6), ("b", 0.5))
    )
    third = a_run(tmp_path / "c", others, noisy(others, 0.9, 2), loss={"gamma": 9.0})
    whole = rank([first, second])
    assert (whole.winner, whole.apart) == (whole.best[0], [])
    parted = rank([first, second, third])
    assert parted.winner is None
    assert parted.best[0].chosen.of == 2
    assert parted.apart[0].startswith("runs on other rows are compared among themselves only: c: has other rows than a")
    assert parted.apart[1:] == ["c: nothing else has its rows"]
    alone = rank([first, third])
    assert (alone.best, alone.winner) == ([], None)
    assert alone.apart[1:] == ["a: nothing else has its rows", "c: nothing else has its rows"]


def test_what_cannot_be_read_leaves_the_others(tmp_path: Path) -> None:
    labels = some_labels(300)
    runs = [a_run(tmp_path / name, labels, noisy(labels, 0.6, n), loss={"gamma": n}) for n, name in enumerate("abc")]
    (runs[0] / "predictions" / "val.parquet").unlink()
    left = rank(runs)
    assert left.winner is not None
    assert left.winner.chosen.of == 2
    (told,) = left.unread
    assert told.startswith(f"left out: {runs[0]}")
    assert rank(runs[:2]).winner is None
    assert rank(runs[:2]).unread == [told]
    assert list(rank([runs[0]] * 2).unread) == [told]
    assert not rank([]).apart


def test_one_lucky_seed_is_no_candidate_where_others_have_several(tmp_path: Path) -> None:
    labels = some_labels(300)
    runs = [
        a_run(tmp_path / name, labels, noisy(labels, share, number), seed=number % 2, loss={"gamma": share})
        for number, (name, share) in enumerate({"a0": 0.6, "a1": 0.6, "b0": 0.5, "b1": 0.5, "lucky": 0.9}.items())
    ]
    best = rank(runs, 2).best[0]
    assert {folder.name for folder in best.folders} == {"a0", "a1"}
    assert best.chosen.of == 2
    assert "no candidates, since they have fewer seeds than the others: lucky" in best.sentences[3]
    assert [folder.name for folder in rank(runs, 1).best[0].folders] == ["lucky"]
    assert [folder.name for folder in rank(runs[2:], 2).best[0].folders] == ["lucky"], "none is left to choose from"
