"""The presets run1 ... run8 are the reference campaign as recorded, number by number; run4_as_executed as executed."""

import csv
import random
import re
from pathlib import Path
from typing import Any

import pytest

from polarity.train import check
from tests.presets import CHOICES, configurations
from tests.tiny import save_tiny_encoder

RUNS = {  # one line per parameter, one column per run, as the campaign recorded them; run 8 repeats run 4
    "trainer.max_epochs": (12, 20, 15, 20, 20, 20, 20),
    "callbacks.early_stopping.patience": (6, 8, 6, 8, 8, 8, 7),
    "optimizer.lr": (2.5e-5, 2.5e-5, 3.0e-5, 2.5e-5, 2.5e-5, 2.5e-5, 2.5e-5),
    "optimizer.weight_decay": (0.03, 0.03, 0.03, 0.03, 0.03, 0.03, 0.05),
    "loss.gamma.sentiment": (2.0, 3.0, 2.5, 2.5, 2.7, 2.5, 2.5),
    "loss.gamma.polarization": (2.5, 3.5, 3.0, 3.5, 3.5, 3.5, 3.5),
    "loss.smoothing.sentiment": (0.10, 0.10, 0.10, 0.10, 0.12, 0.10, 0.10),
    "loss.smoothing.polarization": (0.08, 0.08, 0.08, 0.08, 0.08, 0.08, 0.08),
    "loss.task_weights.sentiment": (1.0, 1.0, 1.0, 1.0, 1.1, 1.0, 1.0),
    "loss.task_weights.polarization": (1.3, 1.3, 1.3, 1.4, 1.4, 1.4, 1.4),
    "loss.multipliers.sentiment.negative": (1.10, 1.10, 1.10, 1.10, 1.30, 1.10, 1.10),
    "sampler.boosts.polarization.objective": (6.0, 10.0, 7.0, 8.5, 10.0, 8.5, 8.5),
    "sampler.boosts.sentiment.neutral": (2.5, 4.0, 3.0, 3.5, 3.0, 3.5, 3.5),
    "clipping.max_norm": (0.5, 0.5, 0.5, 0.5, 0.5, 1.0, None),
    "clipping.heads.sentiment": (None, None, None, None, None, None, 1.0),
    "clipping.heads.polarization": (None, None, None, None, None, None, 0.5),
    "optimizer.layer_decay": (0.90, 0.90, 0.90, 0.90, 0.90, 0.92, 0.90),
    "head.dropout": (0.25, 0.25, 0.25, 0.25, 0.25, 0.25, 0.30),
    "regularizer.alpha": (0.6, 0.6, 0.6, 0.6, 0.6, 0.6, 0.7),
    "callbacks.best.save_top_k": (3, 5, 5, 5, 5, 5, 5),
}
CONSTANT = {
    "batching.batch_size": 16,
    "batching.accumulate": 3,
    "batching.max_length": 224,
    "scheduler._target_": "polarity.schedulers.linear.LinearScheduler",
    "scheduler.warmup_ratio": 0.2,
    "optimizer._target_": "polarity.optimizers.adamw.AdamW",
    "optimizer.head_lr_multiplier": 3.0,
    "optimizer.head_lr_multipliers": {},
    "model.name": "google-bert/bert-base-multilingual-cased",
    "model.pooling": {"_target_": "polarity.models.pooling.last4_mean.Last4MeanPooling"},
    "model.dropout": 0.1,
    "model.gradient_checkpointing": True,
    "head.layers": 3,
    "head.width": 768,
    "head.trunk_width": 768,
    "loss._target_": "polarity.losses.focal.FocalLoss",
    "loss.class_weights": "balanced",
    "loss.clip": [0.1, 10.0],
    "loss.multipliers.sentiment.neutral": 1.80,
    "loss.multipliers.sentiment.positive": 1.30,
    "loss.multipliers.polarization.non_polarized": 1.20,
    "loss.multipliers.polarization.objective": 2.50,
    "loss.multipliers.polarization.partisan": 0.95,
    "regularizer._target_": "polarity.regularizers.rdrop.RDrop",
    "regularizer.warmup_epochs": 2,
    "regularizer.ramp_epochs": 2,
    "sampler._target_": "polarity.samplers.joint.JointSampler",
    "sampler.alpha": 0.70,
    "sampler.max_mult": 8.0,
    "sampler.rows_per_epoch": None,
    "data.split.val": 0.15,
    "data.split.test": 0.15,
    "data.text": "comment",
    "data.context": "title",
    "monitor": "val/macro_f1",
    "seed": 42,
}
EXECUTED = {  # one linear layer per task on the trunk; no smoothing under focal loss; the mean over rows
    "head.layers": 1,
    "head.width": None,
    "head.dropout": 0.0,
    "loss.smoothing": 0.0,
    "loss.reduction": "mean",
}
EXPERIMENTS = [file for file in CHOICES if file.startswith("experiment/")]
DEBUG = [file for file in CHOICES if file.startswith("debug/")]


def config_of(run: str) -> dict[str, Any]:
    (config,) = configurations([f"experiment={run}", "data.path=comments.csv"])
    return config


def at(config: Any, key: str) -> Any:
    for part in key.split("."):
        config = config.get(part) if isinstance(config, dict) else None
    return config


@pytest.mark.parametrize("number", range(1, 9))
def test_a_run_is_what_was_recorded(number: int) -> None:
    config, column = config_of(f"run{number}"), 3 if number == 8 else number - 1
    wanted = CONSTANT | {key: values[column] for key, values in RUNS.items()}
    assert {key: at(config, key) for key in wanted} == wanted
    assert config["head"]["trunk_dropout"] == config["head"]["dropout"]


def test_run_8_is_run_4() -> None:
    assert config_of("run8") == config_of("run4")


def test_run_4_as_executed_differs_in_what_was_executed() -> None:
    recorded, executed = config_of("run4"), config_of("run4_as_executed")
    for key, value in EXECUTED.items():
        section, name = key.split(".")
        assert recorded[section][name] != value
        recorded[section][name] = value
    for section, component in (("calibration", "none.NoCalibration"), ("decision", "argmax.Argmax")):
        assert executed.pop(section)["_target_"].endswith(component)
        assert not recorded.pop(section)["_target_"].endswith(component)
    assert executed == recorded


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Comments of the campaign's shape, and an encoder that reads 224 tokens."""
    folder = tmp_path_factory.mktemp("campaign")
    save_tiny_encoder(folder / "encoder", max_position_embeddings=256)
    draw = random.Random(0)
    with (folder / "comments.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["title", "comment", "sentiment", "polarization", "text"])
        for number in range(200):
            labels = (draw.choice(["negative", "neutral", "positive"]), draw.choice(["objective", "partisan"]))
            stance = "non_polarized" if number % 3 == 0 else labels[1]
            writer.writerow([f"title {number % 9}", f"comment {number}", labels[0], stance, f"text {number}"])
    return folder


ALIKE = re.compile(r"experiment/run(?!4\.)")
"""Runs of the campaign but the fourth, which differ in values that no debug preset sets."""
PAIRS = [
    pytest.param(one, debug, marks=[pytest.mark.slow] * bool(debug and ALIKE.match(one)))
    for one in EXPERIMENTS
    for debug in ["", *DEBUG]
]


@pytest.mark.parametrize(("experiment", "debug"), PAIRS)
def test_experiments_pass_the_preflight_with_every_debug_preset(experiment: str, debug: str, files: Path) -> None:
    arguments = [CHOICES[experiment][0], *(CHOICES[debug] if debug else ()), f"data.path={files / 'comments.csv'}"]
    name = Path(experiment).stem
    whole = name not in (
        "recommended",
        "recommended_frozen",
        "wide_deep",
    )  # there the encoder is a part of the model
    if not name.startswith("run"):  # on other data than the campaign's, or on any
        arguments += ["data=csv", "data.tasks={sentiment: [negative, neutral, positive]}"]
    arguments += [
        f"model.{'name' if whole else 'encoder.name'}={files / 'encoder'}",
        f"output_dir={files / 'outputs'}",
        "data.leakage.near=allow",
    ]
    check([*arguments, "data.split.near_duplicates_together=false", "trainer.accelerator=cpu"])
    assert not (files / "outputs").exists()
