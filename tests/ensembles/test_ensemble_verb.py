"""``python -m polarity.ensemble``, as users meet it: the folder that it makes, and every verb on it."""

import re
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from safetensors.torch import load_file
from scipy.special import softmax

import polarity
from polarity.ensembles.console import SPEEDS
from polarity.ensembles.soup_greedy import SoupGreedy
from polarity.errors import UserError
from polarity.evaluation.predictions import Predictions, read_predictions
from polarity.files import read_object, read_yaml
from polarity.run import RunDirectory
from polarity.runs.ledger import ledger_of
from polarity.runs.manifest import check_unchanged
from polarity.runs.rebuild import run_splits
from polarity.training.run import start_run
from tests import command
from tests.running import composed, overrides, train, train_by_one_post
from tests.verbs import said_by

pytestmark = pytest.mark.slow

SEEDS = (1, 2)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two runs, seeds of one configuration, and ensembles of them."""
    folder = tmp_path_factory.mktemp("ensembles")
    for seed in SEEDS:
        run = train(folder, f"seed={seed}", "reporting.resamples=100")
        run.path.rename(folder / f"seed-{seed}")
    return folder


def make(home: Path, *settings: str, runs: tuple[str, ...] = ("seed-1", "seed-2")) -> tuple[RunDirectory, str]:
    """A new ensemble, and what was said."""
    names = ",".join(str(home / name) for name in runs)
    said = said_by("ensemble", f"runs=[{names}]", f"output_dir={home / 'made'}", *settings)
    return RunDirectory.open(home / "made" / "latest"), said


def refused(home: Path, *settings: str, runs: tuple[str, ...] = ("seed-1", "seed-2")) -> str:
    names = ",".join(str(home / name) for name in runs)
    there = sorted((home / "made").glob("*")) if (home / "made").exists() else []
    said = said_by("ensemble", f"runs=[{names}]", f"output_dir={home / 'made'}", *settings, code=2)
    assert (sorted((home / "made").glob("*")) if (home / "made").exists() else []) == there, "nothing is written"
    return " ".join(said.split())


@pytest.fixture(scope="module")
def average(home: Path) -> Path:
    run, _ = make(home, "method=average", "gate=false", "baseline=true", "test=true")
    return run.path


def stored(run: Path | RunDirectory, split: str = "val") -> Predictions:
    folder = run if isinstance(run, Path) else run.path
    return read_predictions(RunDirectory(folder).predictions(split))


def test_an_ensemble_of_one_is_that_model(home: Path) -> None:
    run, said = make(home, "method=greedy", "method.rounds=1", "gate=false")
    taken = re.search(r"no ensemble: greedy took (seed-\d) alone, since no other member made it better", said)
    assert taken is not None
    assert not run.members.exists()
    assert (run.model / "model.safetensors").read_bytes() == (home / taken[1] / "model/model.safetensors").read_bytes()


def test_it_says_why_there_are_no_intervals(tmp_path: Path) -> None:
    """As a run does: of one group nothing is known of others, so the error of a gain is not 0 either."""
    for seed in SEEDS:
        run = train_by_one_post(tmp_path, f"seed={seed}", "trainer.max_epochs=1", "reporting.baselines=false")
        run.path.rename(tmp_path / f"seed-{seed}")
    run, said = make(tmp_path, "method=average", "gate=false")
    assert "val: all rows are of one post, which cannot say how it would be in another: there are no intervals" in said
    assert "paired 95 % intervals" not in said
    assert "standard error unknown" in said
    assert "standard error 0.00" not in said
    (gain,) = read_object(run.metrics)["ensemble"]["gains"].values()
    assert gain["standard_error"] is None


def test_it_says_the_mean_of_what_its_members_say(home: Path, average: Path) -> None:
    content = read_object(RunDirectory(average).combination)
    assert [one["folder"] for one in content["members"]] == ["1-seed-1", "2-seed-2", "3-linear"]
    assert content["tasks"][0]["combined"]["weights"] == pytest.approx([1 / 3] * 3)
    ours, members = stored(average), [stored(home / f"seed-{seed}") for seed in SEEDS]
    linear = read_predictions(RunDirectory(home / "seed-1").baseline("linear", "val"))
    for number, item in enumerate(ours.tasks):
        scalings = content["tasks"][number]["combined"]["calibrations"]
        logits = [np.asarray(one.tasks[number].logits, float) for one in (*members, linear)]
        said = []
        for scaling, z in zip(scalings, logits, strict=True):
            said.append(softmax(z * scaling["scale"] + scaling["shift"], axis=1))
        assert item.logits == pytest.approx(np.log(np.mean(said, axis=0)), abs=1e-5)


def test_what_a_rule_gains_is_told_as_the_table_tells_it(home: Path) -> None:
    decision = ("decision=bias", "decision.standard_errors=0")
    run, _ = make(home, "method=average", "gate=false", *decision)
    metrics = read_object(run.metrics)
    for name, shown in metrics["crossfit"]["val"]["tasks"].items():
        rule = metrics["calibration"][name]["decision"]
        assert rule["macro_f1"]["honest"] == pytest.approx(shown["macro_f1"], abs=1e-12)
        plain = metrics["uncalibrated"]["val"]["tasks"][name]["macro_f1"]
        assert rule["honest_gain"] == pytest.approx(shown["macro_f1"] - plain, abs=1e-12)
        gain = f"{100 * rule['honest_gain']:+.2f}"
        if rule["kept"]:
            assert rule["reason"].endswith(f"own fold it is {gain}")
        elif rule["honest_gain"]:
            assert f"the cross-fitted score is {gain} points from that of argmax" in rule["reason"]


def test_every_verb_takes_it_when_its_members_are_gone_and_it_has_moved(
    home: Path, average: Path, tmp_path: Path
) -> None:
    moved = tmp_path / "elsewhere" / "mine"
    shutil.copytree(average, moved)
    for seed in SEEDS:
        (home / f"seed-{seed}").rename(home / f"away-{seed}")
    try:
        assert "reproduced" in said_by("evaluate", f"run={moved}", "resamples=100")
        assert "reproduced" in said_by("evaluate", f"run={moved}", "split=test", "resamples=100")
        assert "report.html" in said_by("report", f"run={moved}")
        new = f"data.path={home / 'corpus.csv'}"
        assert "stand in the train split" in said_by("evaluate", f"run={moved}", new, "resamples=100")
        assert "method=average" in said_by("compare", str(moved), str(home / "away-1"), "resamples=200")
        assert "1-seed-1" in said_by("export", f"run={moved}", "format=hf", code=2)
        assert "finished already" in said_by("train", f"resume={moved}", code=2)
        start = said_by("train", *overrides(home, f"from={moved}"), code=2)
        assert "is an ensemble" in " ".join(start.split())
        inner = said_by("evaluate", f"run={moved / 'members' / '1-seed-1'}", "resamples=100")
        assert "reproduced" in inner, "a member is a run as it was"
        answer = polarity.load(moved).predict(["good great bread"])[0]["tone"]
        assert sum(answer.probabilities.values()) == pytest.approx(1)
    finally:
        for seed in SEEDS:
            (home / f"away-{seed}").rename(home / f"seed-{seed}")


@pytest.mark.parametrize(
    ("chunk", "alone"), [(1000, False), (7, False), pytest.param(1000, True, marks=pytest.mark.slow)]
)
def test_predict_gives_the_validation_predictions(average: Path, tmp_path: Path, chunk: int, *, alone: bool) -> None:
    rows = run_splits(RunDirectory(average)).val
    pq.write_table(pa.table({"id": rows.ids, "text": rows.text}), tmp_path / "in.parquet")
    arguments = [f"run={average}", f"input={tmp_path / 'in.parquet'}", f"output={tmp_path / 'out.parquet'}"]
    if alone:  # as its users start it
        command.run("predict", *arguments, folder=tmp_path)
    else:
        said_by("predict", *arguments, f"chunk_rows={chunk}")
    out = pq.read_table(tmp_path / "out.parquet")
    for item in stored(average).tasks:
        assert out[f"{item.task.name}.pred"].to_pylist() == [item.task.classes[c] for c in item.predicted]
        for number, name in enumerate(item.task.classes):
            wanted = item.probabilities[:, number]  # type: ignore[index]
            given = out[f"{item.task.name}.prob.{name}"].to_numpy()
            assert np.array_equal(given, wanted) if chunk == 1000 else given == pytest.approx(wanted, abs=1e-5)


def test_making_it_again_gives_the_same(home: Path, average: Path) -> None:
    again, _ = make(home, "method=average", "gate=false", "baseline=true", "test=true")
    for split in ("val", "test"):
        for first, second in zip(stored(average, split).tasks, stored(again, split).tasks, strict=True):
            assert np.array_equal(first.logits, second.logits)  # type: ignore[arg-type]
            assert np.array_equal(first.honest, second.honest)
    folders = ",".join(f'"{home / f"seed-{seed}"}"' for seed in SEEDS)
    assert again.overrides == [f"runs=[{folders}]", "baseline=true", "method=average", "gate=false", "test=true"]
    assert read_yaml(again.path / "config.yaml", dict) == read_yaml(average / "config.yaml", dict)


def test_export_advises_members_that_it_can_export(average: Path, tmp_path: Path) -> None:
    """Others than those of transformers name their class."""
    shutil.copytree(average, tmp_path / "one")
    config = tmp_path / "one" / "members" / "1-seed-1" / "model" / "config.json"
    config.write_text('{"_target_": "polarity.models.ngrams.encoder.NgramEncoder"}', encoding="utf-8")
    said = " ".join(said_by("export", f"run={tmp_path / 'one'}", "format=hf", code=2).split())
    assert re.search(r"give one of its members: \S+/2-seed-2(?!,)", said)
    assert "1-seed-1" not in said


def test_whoever_changes_a_member_is_found_out(average: Path, tmp_path: Path) -> None:
    shutil.copytree(average, tmp_path / "changed")
    weights = tmp_path / "changed" / "members" / "3-linear" / "linear.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\0")
    assert "linear.safetensors: was changed" in said_by("evaluate", f"run={tmp_path / 'changed'}", code=2)


def test_without_a_convincing_gain_the_best_member_is_kept_alone(home: Path) -> None:
    run, said = make(home, "gate=9")
    assert "no ensemble: seed-" in said
    assert not run.is_ensemble
    assert not run.members.exists()
    best = read_object(run.metrics)["ensemble"]["best_member"]
    for first, second in zip(stored(run).tasks, stored(home / best).tasks, strict=True):
        assert np.array_equal(first.logits, second.logits)  # type: ignore[arg-type]
        assert np.array_equal(first.predicted, second.predicted)
        assert np.array_equal(first.honest, second.honest)
    check_unchanged(run)
    assert "hf folder" in said_by("export", f"run={run.path}", "format=hf")
    assert f"cost: none, it is {best} alone" in said
    scores = said.partition("cross-fitted, all by the same kinds of rule")[2].partition("└")[0]
    (own,) = (line for line in scores.splitlines() if line.startswith(f"│ {best} "))
    assert own.startswith(f"│ {best} alone "), "with one score, its own"
    assert own.split("│")[5].strip() == "", "it is not compared with itself"
    assert f"is an ensemble; give a run as training makes it ({best})" in " ".join(
        said_by("refit", f"run={run.path}", code=2).split()
    )


def test_a_look_at_the_test_split_is_recorded_and_none_is_taken_unasked(home: Path) -> None:
    ledger, mark = ledger_of(RunDirectory(home / "seed-1").config), ""
    mark = read_object(RunDirectory(home / "seed-1").environment)["data"]["test"]["fingerprint"]
    before = ledger.evaluations(mark).times
    run, said = make(home, "method=weighted", "gate=false")
    assert not run.predictions("test").exists()
    assert ledger.evaluations(mark).times == before
    assert "looked at" not in said
    assert "reproduced" in said_by("evaluate", f"run={run.path}", "split=test", "resamples=100"), "later it can be"
    run, said = make(home, "method=weighted", "gate=false", "test=true")
    look = ledger.evaluations(mark).entries[-1]
    assert (look.verb, look.run) == ("ensemble", str(run.path))
    assert "looked at" in said
    page = run.report.read_text(encoding="utf-8")
    assert ledger.sentence(mark).partition("has been ")[2] in page, "this look included"
    said_by("report", f"run={run.path}", "resamples=100")
    assert run.report.read_text(encoding="utf-8") == page


def test_a_soup_is_one_model_with_the_mean_of_the_weights(home: Path) -> None:
    run, _ = make(home, "method=soup_uniform", "gate=false")
    ours, *members = (
        load_file(folder / "model" / "model.safetensors") for folder in (run.path, *(home / f"seed-{s}" for s in SEEDS))
    )
    for name, value in ours.items():
        assert torch.equal(value, torch.stack([one[name].double() for one in members]).mean(0).to(value.dtype))
    assert "reproduced" in said_by("evaluate", f"run={run.path}", "resamples=100")
    assert "hf folder" in said_by("export", f"run={run.path}", "format=hf", f"output={run.path.parent / 'soup'}")
    card = " ".join((run.path.parent / "soup" / "README.md").read_text(encoding="utf-8").split())
    assert f"The weights are the mean of those of {len(SEEDS)} runs: {', '.join(f'seed-{s}' for s in SEEDS)}." in card


def test_a_soup_is_the_same_in_any_order_of_its_members(home: Path) -> None:
    """Its configuration is that of the member by which it was read and judged, the best one."""
    one, other = (
        make(home, "method=soup_uniform", "gate=false", runs=order)[0]
        for order in (("seed-1", "seed-2"), ("seed-2", "seed-1"))
    )
    assert (one.model / "model.safetensors").read_bytes() == (other.model / "model.safetensors").read_bytes()
    for first, second in zip(stored(one).tasks, stored(other).tasks, strict=True):
        assert np.array_equal(first.logits, second.logits)  # type: ignore[arg-type]
    configs = [read_yaml(run.path / "config.yaml", dict) for run in (one, other)]
    assert len({config["seed"] for config in configs}) == 1
    scores = {seed: read_object(RunDirectory(home / f"seed-{seed}").metrics)["uncalibrated"] for seed in SEEDS}
    plain = {seed: own["val"]["overall"] for seed, own in scores.items()}
    assert plain[configs[0]["seed"]] == max(plain.values())


def test_members_that_were_trained_with_other_dropout_and_attention_have_a_soup(home: Path) -> None:
    """It answers as the member does whose configuration and description it has."""
    settings = ("model.dropout=0.3", "model.encoder_dropout=0.2", "model.attention=sdpa", "reporting.baselines=false")
    run = train(home, "seed=3", *settings)
    run.path.rename(home / "sdpa")
    cards = dict[int, object]()
    for names in (("seed-1", "sdpa"), ("sdpa", "seed-1")):
        made, _ = make(home, "method=soup_uniform", "gate=false", runs=names)
        config = read_yaml(made.path / "config.yaml", dict)
        card = read_object(made.model / "polarity.json")
        assert (card["attention"], card["dropout"]) == (
            ("sdpa", 0.3) if config["seed"] == 3 else ("eager", config["model"]["dropout"])
        )
        cards[config["seed"]] = card
        assert "reproduced" in said_by("evaluate", f"run={made.path}", "resamples=100")
    assert len(cards) == 1, "in any order"


def test_what_is_kept_of_one_member_is_read_with_the_rows_of_that_member(home: Path) -> None:
    """Members may have other training rows, and their data other places: both are recorded of the one that is kept."""
    if not (home / "few").exists():
        run = train(home, "limit.train=60", "trainer.max_epochs=1", "reporting.baselines=false")
        run.path.rename(home / "few")
    for names in (("few", "seed-1"), ("seed-1", "few")):
        made, said = make(home, "method=average", runs=names)
        assert "no ensemble: seed-1" in said or "took seed-1 alone" in said
        assert read_object(made.environment)["data"] == read_object(home / "seed-1" / "environment.json")["data"]
        assert "reproduced" in said_by("evaluate", f"run={made.path}", "resamples=100")


def test_members_that_read_otherwise_have_no_soup(home: Path) -> None:
    if not (home / "short").exists():
        run = train(home, "batching.max_length=8", "trainer.max_epochs=1", "reporting.baselines=false")
        run.path.rename(home / "short")
    said = refused(home, "method=soup_greedy", runs=("short", "seed-1"))
    assert "seed-1 reads and answers by batching.max_length=32" in said
    assert "batching.max_length=8" in said


def test_the_cost_is_told_beside_what_the_table_says(home: Path) -> None:
    """Its gain over the member that it names, not over the best of each fold."""
    run, said = make(home, "method=average", "gate=false")
    named, words = read_object(run.metrics)["ensemble"]["best_member"], " ".join(said.split())
    assert words.count(SPEEDS) == words.count("┃ rows/s ┃") > 0, "below each table with speeds stands what they are"
    assert re.search(r"cost: [\d,]+ rows/s just now, where", words)
    row = next(line for line in said.splitlines() if line.startswith(f"│ {named} "))
    gain = 100 * float(row.split("│")[5].split()[0])
    told = re.search(rf"where {named} alone does .* for ([\d.]+) points (more|less) than it", words)
    assert told is not None
    assert float(told[1]) == pytest.approx(abs(gain), abs=0.006)
    assert (told[2] == "less") == (gain < -0.006)
    content = read_object(run.metrics)["ensemble"]
    seconds = {name: 1 / speed for name, speed in content["rows_per_second"].items()}
    times = sum(seconds[name] for name in content["used"]) / seconds[named]
    assert f"({times:.1f} times the time)" in words, "no more than its members take together"


def test_a_soup_costs_no_more_than_one_model(home: Path) -> None:
    run, said = make(home, "method=soup_uniform", "gate=false")
    content = read_object(run.metrics)["ensemble"]
    assert f"cost: none, it is one model as {content['best_member']} is, for " in " ".join(said.split())


def test_a_greedy_soup_is_never_worse_by_what_chose_it_than_its_best_member(home: Path) -> None:
    run, _ = make(home, "method=soup_greedy", "gate=false")
    overall = read_object(run.metrics)["uncalibrated"]["val"]["overall"]
    members = [read_object(home / f"seed-{s}" / "metrics.json")["uncalibrated"]["val"]["overall"] for s in SEEDS]
    assert overall >= max(members) - 1e-9


def test_what_does_not_fit_together_is_refused_all_at_once(home: Path, average: Path, tmp_path: Path) -> None:
    if not (home / "others").exists():
        other = train(tmp_path, "data.split.seed=5", "trainer.max_epochs=1", "reporting.baselines=false")
        shutil.copytree(other.path, home / "others")
    said = refused(home, runs=("seed-1", "others"))
    assert "others was evaluated on other val rows than seed-1" in said
    said = refused(home, runs=("seed-1", "nothing", "../nowhere"))
    assert "2 problems" in said
    assert "is an ensemble, or a linear model, and not one model of a run; give one of its members" in refused(
        home, runs=("seed-1", f"made/{average.name}")
    )
    assert "an ensemble needs two members" in refused(home, runs=("seed-1", "seed-1"))
    assert "no soup can be made" in refused(home, "method=soup_uniform", "baseline=true")
    shutil.copytree(home / "seed-1", tmp_path / "copy")
    assert "seed-1; give each run once" in refused(home, runs=("seed-1", "seed-2", str(tmp_path / "copy")))
    damaged = tmp_path / "damaged"
    shutil.copytree(home / "seed-2", damaged)
    (damaged / "model" / "decision.json").unlink()
    assert "decision.json: there is no such file" in refused(home, runs=("seed-1", str(damaged)))
    assert "gate: has to be" in refused(home, "gate=true")
    assert "trust: the members name nothing of 'mine'" in refused(home, "trust=mine")
    with pytest.raises(UserError, match="trust: the members name nothing of 'mine'"):
        polarity.load(average, trust="mine")


def test_rows_that_one_learnt_from_are_no_evidence_for_another(home: Path, tmp_path: Path) -> None:
    """The same validation rows, but a training split that holds some of the test rows of the other."""
    files = tmp_path / "files"
    files.mkdir()
    splits = run_splits(RunDirectory(home / "seed-1"))
    assert splits.test is not None
    lines = (home / "corpus.csv").read_text(encoding="utf-8").splitlines()
    by_id = {line.partition(",")[0]: line for line in lines}
    parts = {"train": splits.train.ids + splits.test.ids[:5], "val": splits.val.ids}
    for name, ids in parts.items():
        (files / f"{name}.csv").write_text("\n".join([lines[0], *(by_id[one] for one in ids)]) + "\n", encoding="utf-8")
    usual = [text for text in overrides(home, "trainer.max_epochs=1") if not text.startswith("data")]
    given = ["data=csv", f"data.path={files}", "data.tasks={tone:[yes,no,none,1],topic:[war,food]}", "data.id=id"]
    arguments = [*given, "data.leakage.near=allow", "data.absent_classes=warn", *usual]
    start_run(composed(*arguments), arguments, keep_going=False)
    said = refused(home, runs=("seed-1", f"outputs/{RunDirectory.open(home / 'outputs' / 'latest').path.name}"))
    assert "test: 5 of" in said
    assert "stand in the train split" in said


@pytest.mark.parametrize("gate", ["false", "2"])
@pytest.mark.parametrize("taken", [0, 1])
def test_a_way_that_takes_one_member_alone_is_no_reason_for_a_worse_one(
    taken: int, gate: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SoupGreedy, "choose", lambda *_: [taken])
    run, said = make(home, "method=soup_greedy", f"gate={gate}")
    said = " ".join(said.split())
    alone = re.search(r"(seed-\d), which decides better, is kept|took (seed-\d) alone, since", said)
    assert alone is not None
    best = alone[1] or alone[2]
    assert f"soup_greedy took seed-{SEEDS[taken]} alone" in said
    assert (run.model / "model.safetensors").read_bytes() == (home / best / "model/model.safetensors").read_bytes()
    honest = [one.tasks[0].honest.tolist() for one in (stored(run), stored(home / best))]
    assert honest[0] == honest[1], "the same model has the same score"


def test_a_member_may_be_called_as_a_way_is(home: Path) -> None:
    (home / "seed-1").rename(home / "average")
    try:
        _, said = make(home, "method=average", "gate=false", runs=("average", "seed-2"))
    finally:
        (home / "average").rename(home / "seed-1")
    assert "average of ./average, seed-2: kept as asked for" in " ".join(said.split())
    _, usual = make(home, "method=average", "gate=false")
    points = [re.search(r"each fold is ([+-][\d.]+) points", " ".join(text.split())) for text in (said, usual)]
    assert points[0] is not None
    assert points[1] is not None
    assert points[0][1] == points[1][1]
