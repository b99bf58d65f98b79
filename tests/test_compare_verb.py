"""``polarity.compare``: known answers from folders made by hand, honest verdicts of runs, and refusals."""

import csv
import json
import unicodedata
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import f1_score

from polarity.compare import main, with_runs
from polarity.comparison import evidence
from polarity.comparison.result import Comparison
from polarity.config.verb import read_settings
from polarity.errors import UserError
from polarity.evaluation.predictions import read_predictions, write_predictions
from polarity.files import checksum
from polarity.statistics.seeds import Runs, SeedVariance, seed_variance
from polarity.verbs import compare as verb
from polarity.verbs.compare import CompareSettings, show_comparison, write
from tests import command
from tests.comparison.made import a_run, by_hand, noisy, some_labels
from tests.running import train

LABELS = some_labels()


def settings(*runs: Path | str, **more: object) -> CompareSettings:
    values: dict[str, object] = {
        "runs": [str(run) for run in runs],
        "split": "val",
        "select": None,
        "tasks": None,
        "baselines": True,
        "cluster": None,
        "resamples": 1000,
        "confidence": 0.95,
        "seed": 0,
        "margin": 1.0,
        "output": None,
    }
    return CompareSettings(**{**values, **more})  # type: ignore[arg-type]


def compare(chosen: CompareSettings) -> Comparison:
    (comparison,) = verb.compare(chosen)
    return comparison


def problems(*runs: Path | str, **more: object) -> str:
    with pytest.raises(UserError) as caught:
        compare(settings(*runs, **more))
    return "\n".join(caught.value.problems)


def seeds(folder: Path, name: str, right: float, count: int, *, first: int = 0, **config: Any) -> list[Path]:
    """Runs of one configuration."""
    return [
        a_run(folder / f"{name}-{seed}", LABELS, noisy(LABELS, right, 100 * first + seed), seed=seed, **config)
        for seed in range(count)
    ]


def test_a_known_answer(tmp_path: Path) -> None:
    labels = ["yes"] * 50 + ["no"] * 50
    right = by_hand(tmp_path / "right", {"stance": (labels, labels)})
    half = by_hand(tmp_path / "half", {"stance": (labels, ["yes"] * 75 + ["no"] * 25)})
    comparison = compare(settings(half, right))
    assert [group.name for group in comparison.groups] == ["right", "half"], "ranked by validation"
    assert [group.rank for group in comparison.groups] == [1, 2]
    expected = f1_score(labels, ["yes"] * 75 + ["no"] * 25, average="macro")
    assert comparison.groups[1].overall == pytest.approx(expected)
    (pair,) = comparison.pairs
    assert (pair.first, pair.second, pair.verdict) == ("half", "right", "better")
    assert pair.difference == pytest.approx(1 - expected)
    tests = {test.name: test for test in pair.tests}
    assert tests["McNemar"].p == pytest.approx(2 * 0.5**25)
    assert pair.sentence.startswith(f"right is better than half by {100 * (1 - expected):.1f} points in these two runs")
    assert "one run each" in pair.sentence
    assert comparison.differences == []


def test_seeds_of_one_configuration_are_grouped_and_never_compared(tmp_path: Path) -> None:
    runs = seeds(tmp_path, "a", 0.7, 5)
    comparison = compare(settings(*runs))
    (group,) = comparison.groups
    scores = [run.overall for run in comparison.systems]
    assert group.seeds == 5
    assert group.overall == pytest.approx(np.mean(scores))
    assert group.deviation == pytest.approx(np.std(scores, ddof=1))
    assert comparison.pairs == []
    assert "one configuration only" in " ".join(comparison.notes)


def test_configurations_that_really_differ_are_told_apart(tmp_path: Path) -> None:
    runs = seeds(tmp_path, "a", 0.6, 5) + seeds(
        tmp_path, "b", 0.7, 5, first=1, loss={"gamma": 1.0}, overrides=["loss.gamma=1.0"]
    )
    comparison = compare(settings(*runs))
    (pair,) = comparison.pairs
    assert (pair.second, pair.verdict, pair.seeds_included) == ("loss.gamma=1.0", "better", True)
    assert "over rows, and over 5 seeds" in pair.sentence
    assert {test.name for test in pair.tests} == {"rows and seeds", "permutation of runs"}
    assert [(item.key, list(item.values.values())) for item in comparison.differences] == [("loss.gamma", [2.0, 1.0])]


@pytest.mark.slow
def test_configurations_that_do_not_differ_are_not_told_apart(tmp_path: Path) -> None:
    called = 0
    for number in range(20):
        folder = tmp_path / str(number)
        runs = seeds(folder, "a", 0.6, 3, first=3 * number)
        runs += seeds(folder, "b", 0.6, 3, first=3 * number + 1, loss={"gamma": 1.0})
        (pair,) = compare(settings(*runs, resamples=300)).pairs
        called += pair.verdict != "unclear"
        if pair.verdict == "unclear":
            assert pair.sentence.startswith("no evidence of a difference")
            assert "to see 1 point" in pair.sentence
    assert called <= 1


def test_a_repeated_seed_is_no_further_evidence(tmp_path: Path) -> None:
    run = a_run(tmp_path / "a", LABELS, noisy(LABELS, 0.7, 0), seed=1)
    again = a_run(tmp_path / "again", LABELS, noisy(LABELS, 0.7, 0), seed=1)
    other = a_run(tmp_path / "b", LABELS, noisy(LABELS, 0.6, 1), seed=1, loss={"gamma": 0.0})
    comparison = compare(settings(run, again, other))
    assert [group.seeds for group in comparison.groups] == [1, 1]
    assert "again: repeats a seed" in " ".join(comparison.notes)


def test_a_score_of_one_seed_says_so(tmp_path: Path) -> None:
    runs = [a_run(tmp_path / "a", LABELS, noisy(LABELS, 0.8, 0)),
            a_run(tmp_path / "b", LABELS, noisy(LABELS, 0.5, 1), loss={"gamma": 0.0})]  # fmt: skip
    (pair,) = compare(settings(*runs)).pairs
    assert pair.verdict == "better"
    assert not pair.seeds_included
    assert pair.seeds_needed is None
    assert "what another seed would change is not in the interval" in pair.sentence


def test_of_one_group_nothing_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runs = [
        a_run(tmp_path / name, LABELS, noisy(LABELS, right, 1), loss={"gamma": right})
        for name, right in (("a", 0.4), ("b", 0.9))
    ]
    for run in runs:
        path = run / "predictions" / "val.parquet"
        predictions = read_predictions(path)
        write_predictions(path, replace(predictions, metadata={"post": ["one"] * len(predictions)}, group="post"))
        about = json.loads((run / "metrics.json").read_text(encoding="utf-8"))
        about["sha256"]["predictions/val.parquet"] = checksum(path)
        (run / "metrics.json").write_text(json.dumps(about), encoding="utf-8")
    comparison = compare(settings(*runs, cluster="auto"))
    (pair,) = comparison.pairs
    assert pair.verdict == "unclear"
    assert pair.sentence.startswith("nothing can be said about")
    assert {test.p for test in pair.tests} == {1.0}
    assert any(note.startswith("the rows are all of one post, or one outweighs") for note in comparison.notes)
    show_comparison(comparison)
    said = capsys.readouterr().out
    assert "unknown" in said
    assert "1.0000" not in said, "no p-value where nothing is known"
    write(comparison, tmp_path / "out")
    content = json.loads((tmp_path / "out/comparison.json").read_text(encoding="utf-8"))
    assert content["pairs"][0]["interval"] == content["groups"][0]["interval"] == {"low": None, "high": None}
    page = (tmp_path / "out/comparison.html").read_text(encoding="utf-8")
    assert "interval unknown" in page
    assert "1.000" not in page
    by_rows = compare(settings(*runs, cluster=None)).pairs[0]
    assert by_rows.verdict != "unclear"


def test_of_several_columns_of_groups_the_coarsest_counts_in_any_order(tmp_path: Path) -> None:
    runs = [a_run(tmp_path / str(n), LABELS, noisy(LABELS, 0.8, n), loss={"gamma": float(n)}) for n in (1, 2)]
    for run, column in zip(runs, ("post", "author"), strict=True):
        path = run / "predictions" / "val.parquet"
        predictions = read_predictions(path)
        authors = {"author": [f"author {number % 7}" for number in range(len(predictions))]}
        grouped = replace(predictions, metadata=predictions.metadata | authors, group=column)
        write_predictions(path, grouped)
        about = json.loads((run / "metrics.json").read_text(encoding="utf-8"))
        about["sha256"]["predictions/val.parquet"] = checksum(path)
        (run / "metrics.json").write_text(json.dumps(about), encoding="utf-8")
    one, other = compare(settings(*runs, cluster="auto")), compare(settings(*runs[::-1], cluster="auto"))
    for comparison in (one, other):
        assert comparison.setup.cluster == "author"
        assert any("several columns (author, post); author, with the fewest groups" in n for n in comparison.notes)
    assert one.pairs[0].verdict == other.pairs[0].verdict
    assert one.pairs[0].interval == other.pairs[0].interval


def test_clusters_widen_the_interval_and_leave_mcnemar_out(tmp_path: Path) -> None:
    labels = np.repeat(LABELS[:40], 30)
    decided = [np.repeat(noisy(LABELS[:40], right, seed), 30) for seed, right in ((1, 0.8), (2, 0.6))]
    order = np.argsort(np.tile(np.arange(30), 40), kind="stable")  # rows of one post stand apart, as they do in files
    runs = [
        a_run(tmp_path / str(n), labels[order], own[order], loss={"gamma": float(n)}) for n, own in enumerate(decided)
    ]
    plain, clustered = compare(settings(*runs)), compare(settings(*runs, cluster="post"))
    width = [result.pairs[0].interval.high - result.pairs[0].interval.low for result in (plain, clustered)]
    assert width[1] > 3 * width[0]
    assert [test.name for test in clustered.pairs[0].tests] == ["jackknife over groups", "approximate randomisation"]
    assert "cluster: no predictions have the column 'pots'; did you mean 'post'?" in problems(*runs, cluster="pots")


def test_few_groups_suffice_for_what_is_far_apart(tmp_path: Path) -> None:
    """Among 32 swaps of five groups none is rare enough for any verdict, however many rows they have."""
    labels = np.repeat(LABELS[:50], 10)
    runs = [
        a_run(tmp_path / name, labels, noisy(labels, right, seed), loss={"gamma": right}, posts=5)
        for name, right, seed in (("good", 0.97, 1), ("bad", 0.5, 2), ("alike", 0.96, 3))
    ]
    found = {(pair.first, pair.second): pair for pair in compare(settings(*runs, cluster="post")).pairs}
    verdicts = {frozenset(names): pair.verdict for names, pair in found.items()}
    assert sorted(verdicts.values()).count("unclear") + sorted(verdicts.values()).count("equal") == 1
    for pair in found.values():
        jackknife, swaps = pair.tests
        assert swaps.name == "approximate randomisation"
        assert swaps.p > 0.05
        assert (jackknife.corrected < 0.05) == (pair.verdict in ("better", "worse"))


def test_every_output_holds_the_numbers_and_the_marks(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POLARITY_CACHE", str(tmp_path / "cache"))  # with a ledger that knows no other test
    runs = [a_run(tmp_path / name, LABELS, noisy(LABELS, 0.7, seed), split="test", loss={"gamma": float(seed)})
            for seed, name in enumerate("ab")]  # fmt: skip
    comparison = compare(settings(*runs, split="test"))
    assert [group.rank for group in comparison.groups] == [None, None]
    assert (
        comparison.marks[0]
        == "compared on the test split: this test split has been looked at 2 times by 2 configurations"
    )
    assert comparison.marks[1].startswith("not ranked")
    by_test = compare(settings(*runs, split="test", select="test"))
    assert "4 times by 2 configurations" in by_test.marks[0]
    assert by_test.marks[1].startswith("ranked by TEST scores")
    assert [group.rank for group in by_test.groups] == [1, 2]
    show_comparison(by_test)
    write(by_test, tmp_path / "out")
    said = capsys.readouterr().out
    for mark in by_test.marks:
        assert mark in said
        assert mark in json.loads((tmp_path / "out" / "comparison.json").read_text())["marks"]
    assert by_test.pairs[0].sentence in said
    for name in ("configuration", "scores", "runs", "pairs", "tests"):
        with (tmp_path / "out" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            lines = list(csv.DictReader(file))
        assert lines, name
        assert {line["marks"] for line in lines} == {"; ".join(by_test.marks)}
    assert (tmp_path / "out" / "comparison.html").stat().st_size > 1000


def test_validation_is_no_look(tmp_path: Path) -> None:
    runs = seeds(tmp_path, "a", 0.7, 2, fingerprint="never seen")
    assert compare(settings(*runs)).marks == []


def same(name: str, folder: Path, **changes: object) -> Path:
    columns = {"stance": (["yes", "no", None, "no"] * 5, ["yes", "no", "no", "yes"] * 5)}
    return by_hand(folder / name, **{"tasks": columns, **changes})  # type: ignore[arg-type]


def test_other_rows_are_refused_with_the_first_difference(tmp_path: Path) -> None:
    a = same("a", tmp_path)
    labels = ["yes", "no", None, "no"] * 5
    labels[6] = "yes"
    b = same("b", tmp_path, tasks={"stance": (labels, ["no"] * 20)})
    c = same("c", tmp_path, ids=[f"row-{n + (n > 6)}" for n in range(20)])
    d = same("d", tmp_path, tasks={"other": (["yes", "no"] * 10, ["no"] * 20)})
    assert problems(a, b) == (
        "b: has other labels than a; by their ids, the first difference is id 'row-6', task 'stance': "
        "no label in a, 'yes' in b (1 row differs)"
    )
    assert problems(a, c) == (
        "c: has other rows than a; the first difference is row 8 of a, id 'row-7', which c does not have "
        "(a has 20 rows, c 20)"
    )
    assert "d: has no task 'stance', which a has" in problems(a, d)
    assert "tasks: 'stanse' is no task of a; did you mean 'stance'?" in problems(a, b, tasks=["stanse"])


def test_the_order_of_the_rows_changes_nothing(tmp_path: Path) -> None:
    """Also not what is drawn: intervals and p-values are the same to the last digit."""
    generator = np.random.default_rng(0)
    labels, ours, theirs = (generator.choice(["yes", "no"], 200).tolist() for _ in range(3))
    order, ids = generator.permutation(200), [f"row-{n}" for n in range(200)]

    def folder(name: str, said: list[str], rows: np.ndarray) -> Path:
        tasks = {"stance": ([labels[n] for n in rows], [said[n] for n in rows])}
        return by_hand(tmp_path / name, tasks, ids=[ids[n] for n in rows])

    other = folder("other", theirs, np.arange(200))
    pairs = [compare(settings(folder(name, ours, rows), other)).pairs[0] for name, rows in
             (("plain", np.arange(200)), ("mixed", order))]  # fmt: skip
    assert pairs[0].difference != 0
    assert (pairs[0].interval, pairs[0].tests) == (pairs[1].interval, pairs[1].tests)
    assert pairs[0].rows_needed == pairs[1].rows_needed


def test_rows_in_another_order_are_the_same_rows(tmp_path: Path) -> None:
    order = np.random.default_rng(0).permutation(20)
    labels, decided = ["yes", "no", None, "no"] * 5, ["yes", "no", "no", "yes"] * 5
    mixed = by_hand(
        tmp_path / "mixed",
        {"stance": ([labels[n] for n in order], [decided[n] for n in order])},
        ids=[f"row-{n}" for n in order],
    )
    (pair,) = compare(settings(same("a", tmp_path), mixed)).pairs
    assert pair.difference == 0
    assert pair.verdict == "unclear"


def test_ids_are_the_same_however_their_characters_are_composed(tmp_path: Path) -> None:
    ids = {form: [unicodedata.normalize(form, f"caf\u00e9-{n}") for n in range(20)] for form in ("NFC", "NFD")}
    (pair,) = compare(settings(*(same(form, tmp_path, ids=ids[form]) for form in ids))).pairs
    assert pair.difference == 0
    both = [*ids["NFC"][:10], *ids["NFD"][:10]]
    assert len(compare(settings(*(same(name, tmp_path, ids=both) for name in "ab"))).pairs) == 1
    assert "id 'caf\u00e9-10', which a does not have" in problems(tmp_path / "NFC", tmp_path / "a")


def test_other_texts_under_the_same_ids_are_refused(tmp_path: Path) -> None:
    a = a_run(tmp_path / "a", LABELS, noisy(LABELS, 0.7, 0))
    b = a_run(tmp_path / "b", LABELS, noisy(LABELS, 0.7, 1), fingerprint="0ther")
    assert "but other texts (data fingerprint 0ther, not f00)" in problems(a, b)


def test_other_classes_are_refused_and_another_order_is_not(tmp_path: Path) -> None:
    a = a_run(tmp_path / "a", LABELS, LABELS)
    turned = a_run(tmp_path / "b", 2 - LABELS, 2 - LABELS, classes=("good", "flat", "bad"), loss={"gamma": 1.0})
    assert compare(settings(a, turned)).pairs[0].difference == 0
    c = a_run(tmp_path / "c", LABELS, LABELS, classes=("bad", "flat", "good", "awful"))
    assert "c: task 'tone' has the class 'awful', which a lacks" in problems(a, c)
    made = by_hand(tmp_path / "d", {"tone": ([("bad", "flat", "good")[n] for n in LABELS], ["flat"] * len(LABELS))})
    assert compare(settings(a, made)).setup.tasks == {"tone": ["bad", "flat", "good"]}


def test_broken_folders_are_named_all_at_once(tmp_path: Path) -> None:
    good = a_run(tmp_path / "good", LABELS, LABELS)
    edited, cut = (a_run(tmp_path / name, LABELS, LABELS) for name in ("edited", "cut"))
    predictions = read_predictions(edited / "predictions" / "val.parquet")
    predictions.tasks[0].predicted[3] = 0 if predictions.tasks[0].predicted[3] else 1
    write_predictions(edited / "predictions" / "val.parquet", predictions)
    path = cut / "predictions" / "val.parquet"
    path.write_bytes(path.read_bytes()[:-100])
    running = a_run(tmp_path / "running", LABELS, LABELS)
    (running / "status.json").write_text('{"state": "running"}')
    failed = a_run(tmp_path / "failed", LABELS, LABELS)
    (failed / "status.json").write_text('{"state": "failed", "error": "out of memory"}')
    pruned = a_run(tmp_path / "pruned", LABELS, LABELS)
    ended = {"state": "failed", "error": "median", "interrupted": True, "pruned": True}
    (pruned / "status.json").write_text(json.dumps(ended))
    said = problems(good, edited, cut, running, failed, pruned)
    assert f"{edited}/predictions/val.parquet: was changed after the run wrote it" in said
    assert f"{path}: is damaged or cut off" in said
    assert f"{running}: the run was cut off before its end; go on with it: python -m polarity.train resume=" in said
    assert f"{failed}: the run failed (out of memory)" in said
    assert f"{pruned}: its search ended the run early and does not count it (median); it has no scores" in said
    assert f"{good}: has no predictions of split 'test' (there are: val)" in problems(good, edited, split="test")
    assert "goood is no run's folder, nor one with predictions/*.parquet; did you mean 'good'?" in problems(
        tmp_path / "goood"
    )


@pytest.mark.parametrize("gone", ["status.json", "config.yaml"])
def test_what_is_left_of_a_run_is_no_folder_made_by_hand(gone: str, tmp_path: Path) -> None:
    """Its decisions would be ranked beside those of the whole run, as of another system."""
    runs = [a_run(tmp_path / name, LABELS, noisy(LABELS, 0.7, 0)) for name in "ab"]
    (runs[0] / gone).unlink()
    assert f"is no run's folder any more: {gone} is gone, which a run writes" in problems(*runs)


def test_a_checksum_beside_predictions_made_by_hand_has_to_hold(tmp_path: Path) -> None:
    a, b = same("a", tmp_path), same("b", tmp_path)
    (a / "metrics.json").write_text(json.dumps({"sha256": {"predictions/val.parquet": "0" * 64}}))
    assert "was changed after its checksum was written" in problems(a, b)


def test_patterns_find_runs_and_say_what_they_leave_out(tmp_path: Path) -> None:
    seeds(tmp_path / "outputs" / "sweep", "a", 0.7, 2)
    made = by_hand(
        tmp_path / "outputs" / "made", {"tone": ([("bad", "flat", "good")[n] for n in LABELS], ["flat"] * len(LABELS))}
    )
    failed = a_run(tmp_path / "outputs" / "failed", LABELS, LABELS)
    (failed / "status.json").write_text('{"state": "failed", "error": "x"}')
    (tmp_path / "outputs" / "newest").symlink_to("sweep/a-0", target_is_directory=True)
    (tmp_path / "outputs" / "latest").write_text("a-0\n")
    comparison = compare(settings(f"{tmp_path}/outputs/**"))
    assert sorted(run.name for run in comparison.systems) == ["made", "sweep/a-0", "sweep/a-1"]
    assert any("left out" in note and "failed" in note for note in comparison.notes)
    assert made.is_dir()
    assert "matches" in problems(f"{tmp_path}/nothing/*")


def test_selection_has_to_name_the_split_that_is_compared(tmp_path: Path) -> None:
    assert "only select=val has an effect" in problems(same("a", tmp_path), select="test")


def test_folders_may_stand_alone_on_the_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("seed=1, é").mkdir()  # else it would be a setting
    names = ["outputs/a", "it's/seed=1", "outputs\\b", "outputs/é", "seed=1, é"]
    read = read_settings("compare", [*names, "split=test"], rewrite=with_runs)
    assert read is not None
    assert [str(name) for name in read.runs] == names
    assert with_runs(["runs=[a]"]) == ["runs=[a]"]
    with pytest.raises(UserError, match="give one of the two"):
        with_runs(["a", "runs=[b]"])


@pytest.mark.parametrize("line", ["split=test --cfg job job outputs/b", "job --cfg job split=test outputs/b"])
def test_options_stand_anywhere_among_folders_and_overrides(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert read_settings("compare", line.split(), rewrite=with_runs) is None
    said = capsys.readouterr().out
    assert "split: test" in said
    assert "- job\n- outputs/b\n" in said


def test_the_command(tmp_path: Path) -> None:
    a, b = same("a b", tmp_path), same("c", tmp_path)
    said = command.run("compare", str(a), str(b), "resamples=500", "output=out", folder=tmp_path)
    assert "no evidence of a difference" in said
    assert (tmp_path / "out" / "comparison.json").is_file()


def test_wrong_settings_end_with_a_list(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["compare", f"runs=[{tmp_path}]", "resample=3", "confidence=2"])
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 2
    said = capsys.readouterr().err
    assert "did you mean 'resamples'?" in said
    assert "confidence: must be" in said
    monkeypatch.setattr("sys.argv", ["compare"])
    with pytest.raises(SystemExit):
        main()
    assert "runs: has to be given, as runs=..." in capsys.readouterr().err
    monkeypatch.setattr("sys.argv", ["compare", "--help"])
    main()
    assert "runs: ???" in capsys.readouterr().out


@pytest.mark.slow
def test_real_runs(tmp_path: Path) -> None:
    runs = [train(tmp_path, f"seed={seed}", "logger=csv") for seed in (1, 2)]
    other = train(tmp_path, "seed=1", "optimizer.lr=1e-6", "logger=csv")
    comparison: Comparison = compare(settings(runs[0].path, runs[1].path, other.path))
    assert {group.seeds for group in comparison.groups} == {1, 2}
    assert [item.key for item in comparison.differences] == ["optimizer.lr", "seed"]
    assert {system.kind for system in comparison.systems} == {"run", "baseline"}
    stored = read_predictions(runs[0].predictions("val"))
    label, decided = stored.labels[:, 0], stored.tasks[0].honest
    known = label >= 0
    macro = f1_score(label[known], decided[known], labels=[0, 1, 2, 3], average="macro", zero_division=0)
    assert comparison.systems[0].macro_f1["tone"] == pytest.approx(macro)
    tested = compare(settings(runs[0].path, other.path, split="test"))
    assert tested.marks[0].count("looked at") == 1, "the baseline is in the ledger of the runs"
    assert json.loads(json.dumps(tested.to_dict()))["setup"]["ranked"] is False


def test_runs_on_other_rows_are_compared_among_themselves(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    others = some_labels(rows=500, seed=9)
    for name, seed, labels in (("a", 1, LABELS), ("b", 2, LABELS), ("c", 3, others), ("d", 4, others)):
        a_run(tmp_path / "out" / name, labels, noisy(labels, 0.7, seed), loss={"gamma": float(seed)}, seed=seed)
    a_run(tmp_path / "out" / "lone", LABELS[:90], LABELS[:90])
    first, second = verb.compare(settings(f"{tmp_path}/out/**"))
    assert [sorted(run.name for run in result.systems) for result in (first, second)] == [["a", "b"], ["c", "d"]]
    assert "lone: nothing else has its rows" in first.notes
    assert any(
        note.startswith("runs on other rows are compared among themselves only: c: has other") for note in first.notes
    )
    assert {run.label for run in first.systems} == {"a, seed 1", "b, seed 2"}


def test_a_broken_run_does_not_break_a_pattern(tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 2), ("cut", 3), ("odd", 4)):
        a_run(tmp_path / "out" / name, LABELS, noisy(LABELS, 0.7, seed), loss={"gamma": float(seed)})
    path = tmp_path / "out" / "cut" / "predictions" / "val.parquet"
    path.write_bytes(path.read_bytes()[:-50])
    (tmp_path / "out" / "odd" / "config.yaml").write_text("{[", encoding="utf-8")
    comparison = compare(settings(f"{tmp_path}/out/*"))
    assert sorted(run.name for run in comparison.systems) == ["a", "b"]
    for name in ("cut", "odd"):
        assert any(note.startswith("left out: ") and name in note for note in comparison.notes), comparison.notes
    assert "cut" in problems(tmp_path / "out" / "a", tmp_path / "out" / "cut")


def test_equal_scores_share_the_first_place(tmp_path: Path) -> None:
    worse = noisy(LABELS, 0.3, 1)
    said = [noisy(LABELS, 0.6, 0)] * 2 + [worse]
    runs = [a_run(tmp_path / str(n), LABELS, one, loss={"gamma": float(n)}) for n, one in enumerate(said)]
    chosen = compare(settings(*runs)).chosen
    assert chosen is not None
    assert chosen.equal == 1
    assert "is the first of 2 with the best score of 3, chosen on these rows" in chosen.sentence


def test_the_chosen_one_is_marked_and_corrected_in_every_output(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = [a_run(tmp_path / str(n), LABELS, noisy(LABELS, 0.6, n), loss={"gamma": float(n)}) for n in range(8)]
    comparison = compare(settings(*runs))
    assert comparison.chosen is not None
    assert (comparison.chosen.name, comparison.chosen.of) == (comparison.groups[0].name, 8)
    assert comparison.chosen.corrected is not None
    assert comparison.chosen.score == comparison.groups[0].overall > comparison.chosen.corrected + 0.003
    show_comparison(comparison)
    write(comparison, tmp_path / "out")
    said = " ".join(capsys.readouterr().out.split())
    assert f"is the best of 8, chosen on these rows: {comparison.chosen.score:.4f} is too high for that reason" in said
    content = json.loads((tmp_path / "out" / "comparison.json").read_text())["chosen"]
    assert content["corrected"] == comparison.chosen.corrected
    with (tmp_path / "out" / "scores.csv").open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    assert [line["chosen"] for line in lines] == ["best of 8, chosen on these rows", *[""] * 7]
    assert "is the best of 8" in (tmp_path / "out" / "comparison.html").read_text(encoding="utf-8")
    assert compare(settings(*runs[:1], *runs[1:2])).chosen is not None


def test_too_few_resamples_are_reported_by_the_pairs_they_have_to_serve(tmp_path: Path) -> None:
    runs = [a_run(tmp_path / str(n), LABELS, noisy(LABELS, 0.6, n), loss={"gamma": float(n)}) for n in range(6)]
    few, enough = (compare(settings(*runs, resamples=n)) for n in (250, 400))
    assert "no p-value that is corrected for 15 pairs can be below 0.05; resamples=300" in " ".join(few.notes)
    assert "resamples" not in " ".join(enough.notes), "the further tests are no part of the family"


def test_other_texts_are_seen_wherever_a_folder_stands_that_knows_none(tmp_path: Path) -> None:
    a = a_run(tmp_path / "a", LABELS, noisy(LABELS, 0.7, 0))
    b = a_run(tmp_path / "b", LABELS, noisy(LABELS, 0.7, 1), fingerprint="0ther")
    names = [("bad", "flat", "good")[n] for n in LABELS]
    made = by_hand(tmp_path / "made", {"tone": (names, names)})
    for runs in ([made, a, b], [a, made, b], [a, b, made]):
        (comparison,) = verb.compare(settings(*runs))
        assert any("but other texts" in note for note in comparison.notes)
        assert len(comparison.groups) == 2


def test_numbers_are_labels_and_values_as_texts_are(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    labels, ours, theirs = (generator.integers(0, 2, 300) for _ in range(3))
    posts = [n % 6 for n in range(300)]

    def folders(kind: Any) -> list[Path]:
        return [
            by_hand(
                tmp_path / f"{kind.__name__}-{name}",
                {"stance": ([kind(one) for one in labels], [kind(one) for one in said])},
                posts=[kind(one) for one in posts],
            )
            for name, said in (("a", ours), ("b", theirs))
        ]

    numbers, texts = (compare(settings(*folders(kind), cluster="post")).pairs[0] for kind in (int, str))
    assert (numbers.interval, numbers.tests) == (texts.interval, texts.tests)


def test_nothing_is_compared_by_rows_without_labels(tmp_path: Path) -> None:
    folders = [
        by_hand(tmp_path / name, {"stance": ([None] * 9, [said] * 9)}) for name, said in (("a", "x"), ("b", "y"))
    ]
    assert problems(*folders) == "split: no row of val has a label, so there is nothing to compare by"
    empty = [by_hand(tmp_path / f"empty-{name}", {"stance": ([], [])}) for name in "ab"]
    assert "no row of val has a label" in problems(*empty)


def test_rows_without_labels_leave_the_others_to_be_compared(tmp_path: Path) -> None:
    blind = by_hand(tmp_path / "blind", {"stance": ([None] * 7, ["yes"] * 7)})
    a, b = same("a", tmp_path), same("b", tmp_path)
    for runs in ([blind, a, b], [a, blind, b], [a, b, blind]):
        comparison = compare(settings(*runs))
        assert sorted(one.name for one in comparison.systems) == ["a", "b"]
        assert comparison.notes.count("left out: blind: no row of val has a label") == 1
        assert not any("other rows" in note for note in comparison.notes)
    said = problems(blind, a)
    assert said.startswith("runs: only ")
    assert "left out: blind: no row of val has a label" in said
    assert "is no task of blind" in problems(blind, a, b, tasks=["tone"])


def test_a_task_that_is_named_twice_is_refused(tmp_path: Path) -> None:
    assert problems(same("a", tmp_path), same("b", tmp_path), tasks=["stance", "stance"]) == (
        "tasks: 'stance' is named twice"
    )


def test_a_look_at_rows_made_by_hand_is_one_whatever_is_compared_on_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POLARITY_CACHE", str(tmp_path / "cache"))
    labels = ["yes", "no"] * 10

    def folder(name: str, said: list[str]) -> Path:
        return by_hand(tmp_path / name, {"a": (labels, said), "b": (labels, labels)}, split="test")

    a, b, c = folder("a", ["yes"] * 20), folder("b", ["no"] * 20), folder("c", ["perhaps"] * 20)
    compare(settings(a, b, split="test"))
    compare(settings(a, b, split="test", tasks=["a"]))
    (mark, *_) = compare(settings(c, a, split="test", tasks=["b"])).marks
    assert "6 times by 3 configurations" in mark


def test_what_is_refused_is_no_look_at_any_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POLARITY_CACHE", str(tmp_path / "cache"))
    labels = ["yes", "no"] * 10
    pairs = [
        by_hand(tmp_path / f"{rows}-{name}", {"a": (labels[:rows], labels[:rows])}, split="test", **more)
        for rows, more in ((20, {"posts": ["p", "q"] * 10}), (10, {}))
        for name in "ab"
    ]
    with pytest.raises(UserError, match="no predictions have the column 'post'"):
        verb.compare(settings(*pairs, split="test", cluster="post"))
    assert not list((tmp_path / "cache").rglob("*.json*"))


def test_a_task_of_one_group_takes_nothing_from_the_others(tmp_path: Path) -> None:
    generator = np.random.default_rng(1)
    tone = generator.choice(["good", "bad"], 400).tolist()
    heat = [("high" if n % 2 else "low") if n % 40 == 0 else None for n in range(400)]
    folders = [
        by_hand(
            tmp_path / name,
            {
                "tone": (tone, np.where(generator.random(400) < right, tone, "good").tolist()),
                "heat": (heat, ["low"] * 400),
            },
            posts=[f"p{n % 40}" for n in range(400)],
        )
        for name, right in (("a", 0.9), ("b", 0.4))
    ]
    comparison = compare(settings(*folders, cluster="post"))
    (pair,) = comparison.pairs
    assert any(note.startswith("the labels of heat are all of one post, or one outweighs") for note in comparison.notes)
    assert not pair.interval.known
    assert not pair.macro_f1_intervals["heat"].known
    assert pair.macro_f1_intervals["tone"].known


def test_of_one_group_no_choice_is_corrected(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tone = ["good", "bad"] * 50
    folders = [
        by_hand(tmp_path / str(n), {"tone": (tone, ["good"] * n + tone[n:])}, posts=["one"] * 100) for n in (20, 60)
    ]
    comparison = compare(settings(*folders, cluster="post"))
    assert comparison.chosen is not None
    assert comparison.chosen.corrected is None
    assert comparison.chosen.sentence.endswith("is too high for that reason; rows of one group cannot say by how much")
    show_comparison(comparison)
    write(comparison, tmp_path / "out")
    assert "rows of one group cannot say by how much" in " ".join(capsys.readouterr().out.split())


def test_of_one_group_systems_with_the_same_score_are_not_said_to_flatter(tmp_path: Path) -> None:
    tone = ["good", "bad"] * 50
    decided = {"tone": (tone, ["good"] * 20 + tone[20:])}
    folders = [by_hand(tmp_path / name, decided, posts=["one"] * 100) for name in "ab"]
    chosen = compare(settings(*folders, cluster="post")).chosen
    assert chosen is not None
    assert chosen.sentence.endswith(f"cannot say whether its {chosen.score:.4f} is too high for that reason")


def test_the_seeds_of_many_configurations_are_looked_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def counted(runs: Sequence[Runs]) -> SeedVariance | None:
        asked.append(len(runs))
        return seed_variance(runs)

    monkeypatch.setattr(evidence, "seed_variance", counted)
    runs = [run for n in range(5) for run in seeds(tmp_path, f"c{n}", 0.5, 2, first=n, loss={"gamma": float(n)})]
    compare(settings(*runs, resamples=200))
    assert asked == [5, 5, 5]  # overall, macro-F1 and accuracy of the one task
