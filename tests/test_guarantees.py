"""What the README promises, one test for each promise, named like it.

Each test tries the promise on a small model and says nothing about how it is kept; the folders beside this file test
that part by part. Three promises take longer than the others and have files of their own, partly slow: that every
setting of every preset has an effect or is refused (tests/config/test_effects.py), that two processes give the losses
and scores of one (tests/training/test_devices.py), and that a sweep goes on (tests/sweeps/test_multirun.py,
test_sharing.py).
"""

import json
import shutil
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from lightning import Trainer
from sklearn.metrics import accuracy_score, f1_score, precision_recall_fscore_support

import polarity
from polarity.config.overrides import COLLECTIONS
from polarity.config.preflight import prepare
from polarity.config.root import RootSettings
from polarity.config.sections import SECTIONS
from polarity.data.duplicates import NearDuplicates
from polarity.data.plan import EvalBatches
from polarity.data.rows import Rows
from polarity.errors import UserError
from polarity.evaluation.inference import predict_logits
from polarity.evaluation.metrics import score
from polarity.evaluation.predictions import read_predictions
from polarity.losses import CrossEntropyLoss, FocalLoss
from polarity.models.saving import load_model
from polarity.run import RunDirectory
from polarity.runs.rebuild import run_splits
from polarity.samplers import NaturalSampler
from polarity.tasks import IGNORE_INDEX
from polarity.train import check
from polarity.training import finish, verifying
from polarity.training.assembled import Assembled, Stages
from polarity.training.run import assemble
from tests import trials
from tests.command import ROOT
from tests.config import test_effects
from tests.running import composed, overrides, train, write_corpus
from tests.sameness import assert_same, assert_same_runs
from tests.training.test_resume import interrupted

CPU = torch.device("cpu")
OFTEN = ("trainer.log_every_n_steps=1",)  # so few batches would not be logged otherwise
NO_DROPOUT = ("model.dropout=0.0", "model.encoder_dropout=0.0")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    """A run from the first row read to the last number written."""
    return train(tmp_path_factory.mktemp("run"), *OFTEN, "callbacks.best.save_top_k=2", rows=150)


def macro_f1(table: pa.Table, task: str) -> float:
    """Of the labelled rows of a file of predictions, by scikit-learn."""
    pairs = zip(table[f"{task}.label"].to_pylist(), table[f"{task}.pred"].to_pylist(), strict=True)
    labels, decided = zip(*((label, guess) for label, guess in pairs if label is not None), strict=True)
    classes = [name.partition(".prob.")[2] for name in table.column_names if name.startswith(f"{task}.prob.")]
    return float(f1_score(labels, decided, labels=classes, average="macro", zero_division=0))


# The score


@pytest.mark.parametrize("rows", [1, 7, 64])
def test_the_score_does_not_depend_on_the_batch_size(rows: int, finished: RunDirectory) -> None:
    config = finished.config
    config["batching"]["eval_batch_size"] = rows
    run = assemble(prepare(config), Stages())
    model, _ = load_model(finished.model)
    run.module.model.load_state_dict(model.state_dict())
    batches = list(run.data.evaluation_batches("val"))
    sizes, there = [len(batch["labels"]) for batch in batches], len(run.data.splits.val)
    assert (len(sizes), sum(sizes)) == (ceil(there / rows), there)
    logits = predict_logits(model, iter(batches), len(run.data.inputs["val"]), device=CPU)
    again = score(model.tasks, run.data.splits.val.labels, [values.argmax(axis=1) for values in logits])
    wanted = json.loads(finished.metrics.read_text())["uncalibrated"]["val"]
    assert again.to_dict() == wanted

    trainer = Trainer(accelerator="cpu", logger=False, enable_progress_bar=False, use_distributed_sampler=False)
    (logged,) = trainer.validate(run.module, datamodule=run.data, verbose=False)  # as it is done after each epoch
    assert logged["val/macro_f1"] == pytest.approx(wanted["overall"], abs=1e-6)


def test_every_score_can_be_recomputed_from_the_saved_predictions(finished: RunDirectory) -> None:
    metrics = json.loads(finished.metrics.read_text())
    for split in ("val", "test"):
        table = pq.read_table(finished.predictions(split)).to_pydict()
        scores = []
        for task in ("tone", "topic"):
            pairs = zip(table[f"{task}.label"], table[f"{task}.pred"], strict=True)
            labels, predicted = zip(*((label, guess) for label, guess in pairs if label is not None), strict=True)
            classes = list(metrics[split]["tasks"][task]["per_class"])
            scores.append(f1_score(labels, predicted, labels=classes, average="macro", zero_division=0))
            said = metrics[split]["tasks"][task]
            assert said["macro_f1"] == pytest.approx(scores[-1])
            assert said["accuracy"] == pytest.approx(accuracy_score(labels, predicted))
            measures = precision_recall_fscore_support(labels, predicted, labels=classes, zero_division=0)
            for name, values in zip(("precision", "recall", "f1", "support"), measures, strict=True):
                assert [one[name] for one in said["per_class"].values()] == pytest.approx(list(values))
        assert metrics[split]["overall"] == pytest.approx(np.mean(scores))


def test_a_fresh_reload_reproduces_the_score(finished: RunDirectory) -> None:
    best = json.loads(finished.metrics.read_text())["best"]
    run = assemble(prepare(finished.config), Stages())
    model, _ = load_model(finished.model)
    logits = predict_logits(model, run.data.evaluation_batches("val"), len(run.data.inputs["val"]), device=CPU)
    assert verifying.verify(best, run.data.splits.val, model, logits) == best["value"]
    with pytest.raises(verifying.ScoreMismatchError, match="its scores cannot be trusted"):
        verifying.verify({**best, "value": best["value"] + 0.001}, run.data.splits.val, model, logits)


def test_without_a_best_checkpoint_nothing_is_scored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    best = finish.best_checkpoint

    def after_it_was_lost(trainer: Trainer, run: RunDirectory) -> Any:
        for path in run.checkpoints.glob("epoch=*.ckpt"):
            path.unlink()
        return best(trainer, run)

    monkeypatch.setattr(finish, "best_checkpoint", after_it_was_lost)
    with pytest.raises(SystemExit) as ended:
        train(tmp_path, *OFTEN, "trainer.max_epochs=1", rows=150)
    assert ended.value.code == 1
    run = RunDirectory.open(next((tmp_path / "outputs").glob("2*")))
    assert run.status["state"] == "failed"
    assert "nothing else is scored in its place" in run.status["traceback"]
    assert not run.metrics.exists()
    assert not run.model.exists()


def test_a_checkpoint_loads_with_weights_only(finished: RunDirectory) -> None:
    paths = sorted(finished.checkpoints.glob("*.ckpt"))
    assert len(paths) == 4  # the two best, the point to resume from, and the one before it
    for path in paths:
        torch.load(path, weights_only=True)


# The loss


@pytest.mark.parametrize("reduction", ["weighted_mean", "mean"])
@pytest.mark.parametrize("smoothing", [0.0, {"sentiment": 0.1, "polarization": 0.08}])
def test_focal_loss_with_gamma_0_is_weighted_cross_entropy(reduction: Any, smoothing: Any) -> None:
    logits, labels = [torch.randn(30, 3) for _ in range(2)], torch.randint(3, (30, 2))
    labels[::4, 0] = IGNORE_INDEX
    outcomes = []
    for loss in (
        FocalLoss(gamma=0.0, class_weights="balanced", smoothing=smoothing, reduction=reduction),
        CrossEntropyLoss(class_weights="balanced", clip=[0.1, 10.0], smoothing=smoothing, reduction=reduction),
    ):
        loss.bind([trials.SENTIMENT, trials.POLARIZATION], [[500, 300, 40], [60, 900, 20]])
        leaves = [values.clone().requires_grad_() for values in logits]
        losses = loss(leaves, labels)
        losses.sum().backward()
        outcomes.append([losses.detach(), *(leaf.grad for leaf in leaves)])
    torch.testing.assert_close(outcomes[0], outcomes[1])


def test_rows_without_a_label_change_nothing(tmp_path: Path) -> None:
    run = trials.assembled(tmp_path, *NO_DROPOUT)
    labels = torch.tensor([[0, 1], [1, 0], [3, 1], [2, 0]])
    losses, before = trials.gradients(run, range(4), labels)

    none = torch.full((3, 2), IGNORE_INDEX)  # three more rows that have no label at all
    again, after = trials.gradients(run, range(7), torch.cat([labels, none]))
    torch.testing.assert_close(again, losses)
    torch.testing.assert_close(after, before)

    topic_only = torch.tensor([[IGNORE_INDEX, 0], [IGNORE_INDEX, 1], [IGNORE_INDEX, 1]])  # or have one for topic alone
    again, after = trials.gradients(run, range(7), torch.cat([labels, topic_only]))
    torch.testing.assert_close(again[0], losses[0])
    assert again[1] != losses[1]
    for name in before:
        if name.startswith("heads.tone"):
            torch.testing.assert_close(after[name], before[name])

    losses, silent = trials.gradients(run, range(3), none)  # and a batch without any label costs 0, with gradients of 0
    assert losses.tolist() == [0.0, 0.0]
    assert not any(value.any() for value in silent.values())


@pytest.mark.parametrize("drawn", [42, 34])  # the last batch of 16 rows has 10, and 2, which are fewer than its parts
def test_accumulated_and_cut_batches_are_one_big_batch(drawn: int, tmp_path: Path) -> None:
    weights = []
    for rows, accumulate, micro, parts in ((16, 1, 16, 1), (4, 4, 4, 1), (16, 1, 5, 4)):
        run = trials.assembled(
            tmp_path,
            *NO_DROPOUT,
            f"batching.batch_size={rows}",
            f"batching.accumulate={accumulate}",
            f"batching.micro_batch_size={micro}",
            "batching.mega_batches=null",  # the same rows in the same windows
            f"sampler.rows_per_epoch={drawn}",
            "clipping=none",
            "scheduler=constant",
            "scheduler.warmup_ratio=0",
        )
        run.module._optimizer = trials.PlainGradientDescent()
        before = {name: value.clone() for name, value in run.module.model.state_dict().items()}
        weights.append(trials.fit(run, accumulate=accumulate * parts))
    assert not torch.allclose(weights[0]["heads.tone.out.weight"], before["heads.tone.out.weight"])
    for other in weights[1:]:
        torch.testing.assert_close(other, weights[0], rtol=1e-4, atol=1e-6)


# What is drawn


@pytest.mark.parametrize("devices", [2, 3])
@pytest.mark.parametrize("epoch", [0, 1])
def test_ranks_partition_the_draw_and_their_number_changes_nothing(devices: int, epoch: int) -> None:
    alone, ranks = trials.plan(), [trials.plan(rank, devices) for rank in range(devices)]
    for batches in (alone, *ranks):
        batches.set_epoch(epoch)
    drawn = np.concatenate([batch.rows for batches in ranks for batch in batches])
    assert sorted(drawn) == sorted(alone.sampler.draw(epoch))
    for whole, *parts in zip(alone, *ranks, strict=True):
        assert sorted(np.concatenate([part.rows for part in parts])) == sorted(whole.rows)
        for part in parts:
            assert_same([list(counts) for counts in part.window or ()], [list(counts) for counts in whole.window or ()])


@pytest.mark.parametrize("devices", [1, 2, 3])
def test_evaluation_sees_each_row_once(devices: int) -> None:
    lengths = np.random.default_rng(0).integers(3, 60, size=50)
    ranks = [EvalBatches(lengths=lengths, batch_size=8, rank=rank, world_size=devices) for rank in range(devices)]
    seen = [row for batches in ranks for batch in batches for row in batch.rows]
    assert sorted(seen) == list(range(50))


# Golden values of the reference campaign


def test_golden_class_weights() -> None:
    loss = FocalLoss(
        multipliers={
            "sentiment": {"negative": 1.10, "neutral": 1.80, "positive": 1.30},
            "polarization": {"non_polarized": 1.20, "objective": 2.50, "partisan": 0.95},
        }
    )
    loss.bind([trials.SENTIMENT, trials.POLARIZATION], [[4133, 1874, 968], [1942, 405, 4628]])
    sentiment, polarization = loss.weights
    assert sentiment.tolist() == pytest.approx([0.618800, 2.233191, 3.122417], abs=5e-7)
    assert polarization.tolist() == pytest.approx([1.436663, 10.0, 0.477258], abs=5e-7)


def test_golden_sampling_weights() -> None:
    weights = trials.campaign_weights()
    golden = {
        ("positive", "objective"): 5.9,
        ("negative", "objective"): 3.838281,
        ("neutral", "objective"): 2.295154,
        ("positive", "non_polarized"): 1.971218,
    }
    assert weights == pytest.approx({cell: golden.get(cell, 1.0) for cell in weights}, abs=5e-7)
    largest = {}
    for run, objective, neutral in (("R1", 6.0, 2.5), ("R2", 10.0, 4.0), ("R3", 7.0, 3.0), ("R4", 8.5, 3.5)):
        boosted = trials.campaign_weights(objective=objective, neutral=neutral)
        largest[run] = round(max(boosted.values()), 2)
    assert largest == {"R1": 35.40, "R2": 91.81, "R3": 48.20, "R4": 68.28}


# Runs


def test_stopped_and_resumed_equals_uninterrupted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hard = ["regularizer=rdrop", "regularizer.warmup_epochs=1", "sampler=joint", "batching.accumulate=2"]
    hard += [*OFTEN, "callbacks.resume.minutes=0"]
    for name in ("whole", "stopped"):
        (tmp_path / name).mkdir()
        write_corpus(tmp_path / name / "corpus.csv", rows=120)
    whole = train(tmp_path / "whole", *hard)
    assert_same_runs(whole, interrupted(tmp_path / "stopped", (1, 3), monkeypatch, *hard))


def test_as_many_kills_are_tried_as_is_said() -> None:
    """Each is followed by what a user would type, and compared with what nothing has happened to.

    A test that kills more or less often than it is marked with fails itself (tests/faults/conftest.py).
    """
    counted: list[int] = []

    class Counting:
        def pytest_itemcollected(self, item: pytest.Item) -> None:
            counted.extend(mark.args[0] for mark in item.iter_markers("kills"))

    faults = str(ROOT / "tests" / "faults")
    assert pytest.main(["--collect-only", "-q", "-p", "no:cacheprovider", faults], plugins=[Counting()]) == 0
    kills = sum(counted)
    assert kills >= 60
    assert f"({kills} kills, of verbs as well)" in (ROOT / "README.md").read_text(encoding="utf-8")
    assert f"in {kills} drawn moments" in (ROOT / "docs" / "training.md").read_text(encoding="utf-8")


def test_a_seed_gives_the_same_weights_bit_for_bit_and_another_one_others(tmp_path: Path) -> None:
    """With the seed change the weights that heads begin with, the rows drawn, their order, and the dropout masks."""

    def made(seed: int) -> dict[str, Any]:
        run = trials.assembled(tmp_path, "sampler=joint", f"seed={seed}")
        begun = {name: value.clone() for name, value in run.module.model.state_dict().items()}
        inputs = run.data.inputs["train"].batch(np.arange(8))
        inside = run.module.model.encoder.train()(**inputs).detach()  # weights that were read, and are the same
        draws = [run.data.sampler.draw(epoch).tolist() for epoch in (0, 1)]
        ended = trials.fit(run, epochs=2)
        return {"begun": begun, "masks": inside, "draws": draws, "order": order_of_one_draw(run), "ended": ended}

    def order_of_one_draw(run: Assembled) -> list[list[int]]:
        run.data.sampler = NaturalSampler(rows_per_epoch=None)
        run.data.sampler.fit(run.data.splits.train.labels, run.module.tasks, seed=0)
        run.data.train_dataloader()
        assert run.data.train_batches is not None
        return [batch.rows.tolist() for batch in run.data.train_batches]

    first, second, other = (made(seed) for seed in (3, 3, 4))
    assert_same(first, second)
    for epoch in (0, 1):
        assert sorted(first["draws"][epoch]) != sorted(other["draws"][epoch]), "other rows, not in another order alone"
    assert first["order"] != other["order"]
    assert not torch.equal(first["masks"], other["masks"])
    for name, value in first["begun"].items():
        assert torch.equal(value, other["begun"][name]) == (not name.startswith("heads")), name
    assert not [name for name, value in first["ended"].items() if torch.equal(value, other["ended"][name])]


# What is typed, and what is read


@pytest.mark.parametrize("nearly", [False, True])
@pytest.mark.parametrize(("first", "second"), [("train", "val"), ("train", "test"), ("val", "test")])
def test_overlap_between_splits_is_caught(first: str, second: str, nearly: bool, tmp_path: Path) -> None:
    arguments = trials.leaked(tmp_path, nearly=nearly, first=first, second=second)
    with pytest.raises(UserError) as refused:
        check(arguments)
    (problem,) = refused.value.problems
    same = "nearly the same text" if nearly else "the same text"
    pieces = (f"{first} and {second}: 1 row of {first} has {same}", f"'{first}-0'", f"'{second}-10'")
    assert all(piece in problem for piece in pieces)
    kind = "near" if nearly else "exact"
    for reaction in ("drop", "allow"):
        check([*arguments, f"data.leakage.{kind}={reaction}"])  # only when told to


def test_an_ensemble_is_kept_only_if_validation_says_that_it_is_better(tmp_path: Path) -> None:
    """Members that know half of the words each are better as one; those that know the same half are not."""
    halves = {"one": trials.half(tmp_path / "one", 0), "other": trials.half(tmp_path / "other", 1)}
    halves["same"] = trials.half(tmp_path / "one", 0, "seed=7")
    given = {"method": "average", "output_dir": str(tmp_path / "made"), "resamples": 100, "texts": False}
    scores = {name: macro_f1(pq.read_table(run.predictions("val")), "tone") for name, run in halves.items()}
    for other, gate, kept in (("other", 2.0, "average"), ("same", 2.0, None), ("same", False, "average")):
        made = polarity.ensemble([halves["one"], halves[other]], gate=gate, **given)
        assert json.loads(made.metrics.read_text())["ensemble"]["kept"] == kept
        assert made.members.exists() == (kept is not None)
        reached = macro_f1(pq.read_table(made.predictions("val")), "tone")
        if other == "other":
            assert reached > max(scores["one"], scores["other"])
        elif kept is None:
            assert reached == max(scores["one"], scores["same"])


def test_an_ensemble_needs_none_of_its_members(finished: RunDirectory, tmp_path: Path) -> None:
    member = shutil.copytree(finished.path, tmp_path / "member")
    given = {"baseline": True, "output_dir": str(tmp_path / "made"), "resamples": 100}
    alone = polarity.ensemble(member, **given)  # a linear model that is right about all, and one that hardly is
    assert json.loads(alone.metrics.read_text())["ensemble"]["kept"] is None
    assert [path.name for path in alone.members.iterdir()] == ["1-linear"]
    both = polarity.ensemble(member, method="average", gate=False, **given)
    moved = both.path.rename(tmp_path / "moved")
    shutil.rmtree(member)
    rows = run_splits(RunDirectory(moved)).val
    stored = read_predictions(RunDirectory(moved).predictions("val"))
    answers = polarity.load(moved).predict(rows.text)
    for item in stored.tasks:
        assert [answer[item.task.name].label for answer in answers] == [item.task.classes[c] for c in item.predicted]
        given_there = [list(answer[item.task.name].probabilities.values()) for answer in answers]
        assert np.asarray(given_there) == pytest.approx(item.probabilities, abs=1e-6)


def test_each_row_of_a_cross_validation_is_scored_once_by_a_model_that_has_not_seen_its_like(tmp_path: Path) -> None:
    path = write_corpus(tmp_path / "corpus.csv", rows=150)
    header, *lines = path.read_text(encoding="utf-8").splitlines()
    doubled = [f"{line.replace('row-', 'again-')}".replace(" the ", " THE!! ") for line in lines[:20]]
    grouped = [f"{line},post-{number % 40}" for number, line in enumerate([*lines, *doubled])]
    path.write_text("\n".join([f"{header},post", *grouped]), encoding="utf-8")
    settings = ("folds=3", "data.group=post", "data.split.near_duplicates_together=true")
    quick = ("trainer.max_epochs=1", "reporting.baselines=false", *OFTEN)
    run = polarity.train(overrides(tmp_path, *settings, *quick))
    table = pq.read_table(run.predictions("out_of_fold"))
    scored = {row["id"]: row for row in table.to_pylist()}
    whole = prepare(composed(*overrides(tmp_path, *settings))).splits
    assert sorted(table["id"].to_pylist()) == sorted([*whole.train.ids, *whole.val.ids])
    assert len(scored) == len(table) > 100
    for fold in (1, 2, 3):
        own = RunDirectory(run.fold(fold))
        splits = run_splits(own)
        assert splits.test is not None
        assert sorted(splits.test.ids) == sorted(name for name, row in scored.items() if row["#fold"] == fold)
        seen = Rows.joined([splits.train, splits.val])
        assert not set(seen.metadata["post"]) & set(splits.test.metadata["post"])
        groups = NearDuplicates().groups([*seen.text, *splits.test.text])
        assert not set(groups[: len(seen)].tolist()) & set(groups[len(seen) :].tolist())
        for name, answers in zip(splits.test.ids, polarity.load(own).predict(splits.test.text), strict=True):
            for task, answer in answers.items():
                assert scored[name][f"{task}.pred"] == answer.label
                chances = [scored[name][f"{task}.prob.{label}"] for label in answer.probabilities]
                assert chances == pytest.approx(list(answer.probabilities.values()), abs=1e-5)
    told = json.loads(run.metrics.read_text())["out_of_fold"]
    recomputed = {task: macro_f1(table, task) for task in ("tone", "topic")}
    assert {task: found["macro_f1"] for task, found in told["tasks"].items()} == pytest.approx(recomputed)
    assert told["overall"] == pytest.approx(np.mean(list(recomputed.values())))
    assert told["rows"] == len(table)


def test_unknown_settings_are_refused(tmp_path: Path) -> None:
    wrong = ["loss.gama=3", "++model.dropuot=0.9", "+sead=1", "optimizer.lr=abc"]
    with pytest.raises(UserError) as refused:
        check(overrides(tmp_path, *wrong))
    problems = "\n".join(refused.value.problems)
    for piece in ("did you mean 'gamma'", "did you mean 'dropout'", "did you mean 'seed'", "optimizer.lr: must be a"):
        assert piece in problems
    with pytest.raises(UserError, match="monitor: no score is logged as 'val/f1'; did you mean 'val/macro_f1'"):
        check(overrides(tmp_path, "monitor=val/f1"))  # which scores there are is known when the data have been read
    assert not (tmp_path / "outputs").exists()


def test_the_command_line_wins_over_experiments_and_these_over_presets() -> None:
    run4 = ("experiment=run4", "data.path=comments.csv")
    assert composed("loss=focal")["loss"]["gamma"] == 2.0
    assert composed(*run4)["loss"]["gamma"] == {"sentiment": 2.5, "polarization": 3.5}
    assert composed("loss.gamma=1.5", *run4)["loss"]["gamma"] == 1.5
    assert composed("model=xlmr_base", *run4)["model"]["name"] == "FacebookAI/xlm-roberta-base"
    assert composed("sampler=natural", *run4)["sampler"]["_target_"].endswith("NaturalSampler")


def test_every_setting_of_every_preset_has_an_effect_or_is_refused() -> None:
    """The promise is tried in tests/config/test_effects.py; here, that nothing of a configuration is left out there."""
    examined = {examination.path for examination in test_effects.EXAMINATIONS} | {"data"}
    assert examined == {*SECTIONS, *COLLECTIONS}
    assert set(test_effects.ROOT) == set(RootSettings.__dataclass_fields__)
