"""What TensorBoard shows is what the other files of the run say."""

import csv
import re
from pathlib import Path
from typing import Any

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.backend.event_processing.io_wrapper import GetLogdirSubdirectories
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

from polarity.run import RunDirectory
from polarity.training.run import resume_run, start_run
from polarity.training.trainer import overrides_name
from tests.misfortune import misfortune
from tests.running import composed, overrides, train
from tests.sameness import history

EPOCHS = 3


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    return train(
        tmp_path_factory.mktemp("tensorboard"),
        f"trainer.max_epochs={EPOCHS}",
        "trainer.log_every_n_steps=1",
        "sampler=joint",
        "loss.gamma=1.5",
    )


@pytest.fixture(scope="module")
def events(run: RunDirectory) -> EventAccumulator:
    everything = {"scalars": 0, "images": 0, "tensors": 0}
    (folder,) = tensorboard_runs(run.path.parent)  # once, though `latest` names it as well
    return EventAccumulator(folder, size_guidance=everything).Reload()


def tensorboard_runs(folder: Path) -> list[str]:
    """What ``tensorboard --logdir FOLDER`` lists as runs."""
    return sorted(GetLogdirSubdirectories(str(folder)))


@pytest.mark.slow
def test_runs_are_named_by_what_was_chosen(run: RunDirectory) -> None:
    assert (run.path.parent / "latest").exists()
    (listed,) = tensorboard_runs(run.path.parent)
    name = Path(listed).relative_to(run.path).as_posix()
    assert re.fullmatch(r"tensorboard/[\w.,=+-]{40,160}", name)
    assert name.endswith(",trainer.max_epochs=3,trainer.log_every_n_steps=1,sampler=joint,loss.gamma=1.5")
    assert "data.path" not in name


@pytest.mark.parametrize(
    ("overrides", "name"),
    [
        ([], None),
        (["data.path=here/x.csv", "output_dir=runs", "data.tasks={a:[b,c]}"], None),
        (["loss=ce", "++optimizer.lr=0.001", "seed=2"], "loss=ce,optimizer.lr=0.001,seed=2"),
        (["sampler.boosts={tone:{no: 2.0}}", "model.name=a/b"], "sampler.boosts=_tone_no_2.0_,model.name=a_b"),
        (["data.text=தலைப்பு"], "data.text=தலைப்பு"),
    ],
)
def test_names_are_folders(overrides: list[str], name: str | None) -> None:
    assert overrides_name(overrides) == name


@pytest.mark.slow
def test_every_score_and_loss_of_every_epoch_is_that_of_the_history(
    run: RunDirectory, events: EventAccumulator
) -> None:
    rows = history(run)
    names = [name for name in rows[0] if name not in ("epoch", "step", "epoch_share", "train/lr")]
    assert {"val/tone/f1/none", "val/topic/f1/war", "val/macro_f1", "val/loss", "train/tone/loss"} <= set(names)
    for name in names:
        logged = [item.value for item in events.Scalars(name)]
        assert logged == pytest.approx([float(row[name]) for row in rows], rel=1e-6), name


def test_the_learning_rate_of_every_group_is_logged_at_every_step(run: RunDirectory, events: EventAccumulator) -> None:
    rates = [name for name in events.Tags()["scalars"] if name.startswith("lr-")]
    groups = {name.partition("/")[2] for name in rates}
    assert {"embeddings", "layer.0", "layer.3.no_decay", "head.tone", "head.topic.no_decay"} <= groups
    steps = int(history(run)[-1]["step"])
    for name in rates:
        values = [item.value for item in events.Scalars(name)]
        assert len(values) == steps
        assert values[0] < max(values) > values[-1]


def test_confusion_matrices_of_every_epoch_are_tables_in_any_script(events: EventAccumulator) -> None:
    assert events.Tags()["images"] == []  # what draws them without a browser has no letters of most scripts
    for task in ("tone", "topic"):
        assert len(events.Tensors(f"confusion/{task}/text_summary")) == EPOCHS
        assert len(events.Tensors(f"report/val/reliability/{task}/text_summary")) == 1


def test_what_is_known_after_an_epoch_stands_at_its_last_step(events: EventAccumulator) -> None:
    ends = {item.step for item in events.Scalars("val/macro_f1")}
    tags = events.Tags()
    steps = {name: {item.step for item in events.Scalars(name)} for name in tags["scalars"]}
    steps |= {name: {item.step for item in events.Tensors(name)} for name in tags["tensors"] if name[0] != "_"}
    late = ("val/", "train/", "best/", "confusion/", "report/", "exposure")
    beside = {name: found for name, found in steps.items() if name.startswith(late) and not found <= ends}
    assert beside == {}


def test_curves_of_the_best_checkpoint_are_logged_for_every_class(events: EventAccumulator) -> None:
    curves = {name for name in events.Tags()["tensors"] if name.startswith("report/val/precision_recall/")}
    tone = {f"report/val/precision_recall/tone/{label}" for label in ("yes", "no", "none", "1")}
    assert curves == tone | {f"report/val/precision_recall/topic/{label}" for label in ("war", "food")}


def test_exposure_is_that_of_the_table(run: RunDirectory, events: EventAccumulator) -> None:
    with (run.details / "exposure.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["kind"] == "class"]
    assert len(rows) == EPOCHS * 6
    for name in {row["name"] for row in rows}:
        own = [row for row in rows if row["name"] == name]
        tag = name.replace("=", "/")
        for column, prefix in (("realised", "exposure"), ("expected", "exposure_expected")):
            logged = [item.value for item in events.Scalars(f"{prefix}/{tag}")]
            assert logged == pytest.approx([float(row[column]) for row in own], rel=1e-5)


def hparams(events: EventAccumulator, tag: str) -> Any:
    content = HParamsPluginData()
    content.ParseFromString(events.summary_metadata[f"_hparams_/{tag}"].plugin_data.content)
    return content


def test_hparams_hold_the_settings_and_the_best_score(run: RunDirectory, events: EventAccumulator) -> None:
    settings = hparams(events, "session_start_info").session_start_info.hparams
    assert settings["loss.gamma"].number_value == 1.5
    assert settings["data.tasks.topic"].string_value == '["war", "food"]'
    assert settings["sampler"].string_value == "joint"
    assert not {"optimizer.betas", "head.layers"} & set(settings), "what nobody has changed tells no runs apart"
    metrics = {item.name.tag for item in hparams(events, "experiment").experiment.metric_infos}
    assert {"best/val/macro_f1", "best/val/tone/macro_f1", "best/val/topic/f1/war"} <= metrics
    assert "hp_metric" not in events.Tags()["scalars"]
    best = max(float(row["val/macro_f1"]) for row in history(run))
    (shown,) = events.Scalars("best/val/macro_f1")
    assert shown.value == pytest.approx(best)
    assert all(item.value >= 0 for name in metrics for item in events.Scalars(name))


def test_steps_that_come_again_after_a_resume_stand_there_once(tmp_path: Path) -> None:
    arguments = overrides(tmp_path, "trainer.log_every_n_steps=1", misfortune(tmp_path, epoch=1, batch=4))
    with pytest.raises(SystemExit):
        start_run(composed(*arguments), arguments, keep_going=False)
    (path,) = (tmp_path / "outputs").glob("2*")
    resume_run(str(path), trust="tests.misfortune")
    (folder,) = {file.parent for file in path.rglob("events.out.*")}
    events = EventAccumulator(str(folder), size_guidance={"scalars": 0})
    events.Reload()
    steps = [event.step for event in events.Scalars("step/objective")]
    assert steps == list(range(steps[-1] + 1))
    epochs = [event.step for event in events.Scalars("val/macro_f1")]
    assert len(epochs) == len(set(epochs)) == 2
