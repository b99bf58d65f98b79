"""What the promises are tried on: parts of a run, a plan of batches, the campaign's rows, files that overlap."""

import csv
import random
from collections.abc import Sequence
from pathlib import Path
from string import ascii_lowercase
from typing import Any

import numpy as np
import torch
from lightning import Trainer
from torch import Tensor

import polarity
from polarity.config.preflight import prepare
from polarity.data.plan import TrainBatches
from polarity.optimizers import Optimizer
from polarity.run import RunDirectory
from polarity.samplers import JointSampler
from polarity.tasks import Task
from polarity.training.assembled import Assembled, Stages
from polarity.training.run import assemble
from tests.running import composed, overrides

SENTIMENT = Task("sentiment", ("negative", "neutral", "positive"), "sentiment")
POLARIZATION = Task("polarization", ("non_polarized", "objective", "partisan"), "polarization")
JOINT = {  # rows of the reference campaign's training split: sentiment by polarization
    "negative": (673, 128, 3332),
    "neutral": (998, 227, 649),
    "positive": (271, 50, 647),
}


def assembled(folder: Path, *settings: str) -> Assembled:
    """A run that is ready to train."""
    return assemble(prepare(composed(*overrides(folder, *settings, rows=150))), Stages())


def fit(run: Assembled, *, accumulate: int = 1, epochs: int = 1) -> dict[str, Tensor]:
    """Train, and nothing else. Returns the weights."""
    trainer = plain_trainer(max_epochs=epochs, accumulate_grad_batches=accumulate)
    trainer.fit(run.module, datamodule=run.data)
    return {name: value.detach().clone() for name, value in run.module.model.state_dict().items()}


def plain_trainer(**settings: Any) -> Trainer:
    """One that trains, and writes and shows nothing."""
    return Trainer(
        accelerator="cpu",
        use_distributed_sampler=False,
        num_sanity_val_steps=0,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        **settings,
    )


class PlainGradientDescent(Optimizer):
    """Its steps are as large as the gradients, so that a wrong scale cannot hide, as it does under Adam."""

    def build(self, model: Any) -> torch.optim.Optimizer:
        return torch.optim.SGD([{"params": list(model.parameters()), "name": "all"}], lr=0.5)


def gradients(run: Assembled, rows: Sequence[int], labels: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
    """Losses of a batch of these training rows with these labels, and the gradient of every parameter."""
    module = run.module
    counts = [
        torch.stack([(labels[:, number] == c).sum() for c in range(len(task.classes))]).float()
        for number, task in enumerate(module.tasks)
    ]
    batch = {**run.data.inputs["train"].batch(np.array(rows)), "labels": labels, "window": counts}
    module.zero_grad()
    losses, penalties = module.task_losses(batch)
    (losses + penalties).sum().backward()
    return losses.detach(), {name: value.grad.clone() for name, value in module.model.named_parameters()}


def plan(rank: int = 0, world_size: int = 1, *, seed: int = 0) -> TrainBatches:
    labels = np.random.default_rng(0).integers(0, 3, size=(103, 2))
    sampler = JointSampler(alpha=0.7, max_mult=8.0, boosts={}, rows_per_epoch=None)
    sampler.fit(labels, [SENTIMENT, POLARIZATION], seed=seed)
    return TrainBatches(
        sampler=sampler,
        labels=labels,
        class_numbers=[3, 3],
        lengths=np.random.default_rng(1).integers(3, 60, size=103),
        batch_size=10,
        accumulate=3,
        mega_batches=4,
        seed=seed,
        rank=rank,
        world_size=world_size,
    )


def campaign_weights(**boosts: float) -> dict[tuple[str, str], float]:
    """Sampling weight of a row of each joint cell."""
    cells = [(s, p) for s in range(3) for p in range(3)]
    rows = [JOINT[SENTIMENT.classes[s]][p] for s, p in cells]
    labels = np.repeat(np.array(cells), rows, axis=0)
    named = {"sentiment": {"neutral": boosts.get("neutral", 1.0)}}
    named |= {"polarization": {"objective": boosts.get("objective", 1.0)}}
    sampler = JointSampler(alpha=0.70, max_mult=8.0, boosts=named, rows_per_epoch=None)
    sampler.fit(labels, [SENTIMENT, POLARIZATION], seed=0)
    first = np.cumsum([0, *rows[:-1]])
    names = [(SENTIMENT.classes[s], POLARIZATION.classes[p]) for s, p in cells]
    return dict(zip(names, sampler.weights[first].tolist(), strict=True))


def leaked(folder: Path, *, nearly: bool, first: str = "train", second: str = "test") -> list[str]:
    """A command line with three files, of which a text of the second split stands in the first, too, or nearly so."""
    draw = random.Random(0)
    rows = [f'{_noise(draw)} é "{_noise(draw)}" <{_noise(draw)}> &\n{_noise(draw)}' for _ in range(60)]
    parts = {"train": rows[:40], "val": rows[40:50], "test": rows[50:]}
    text = parts[first][0]
    parts[second].append(f"{text[:-1]}?" if nearly else f"  {text} ")
    for name, texts in parts.items():
        rows_of = [(f"{name}-{number}", text, ("yes", "no")[number % 2]) for number, text in enumerate(texts)]
        _write(folder / f"{name}.csv", rows_of)
    return _on_files(folder)


def half(folder: Path, number: int, *settings: str) -> RunDirectory:
    """A run that has learnt one half of the words, and is validated on all of them: the same rows for both halves."""
    folder.mkdir(exist_ok=True)
    words = (("good", "bad"), ("fine", "awful"))
    for name, known in (("train", words[number : number + 1]), ("val", words)):
        draw = random.Random(name)
        texts = [
            (f"{name}-{row}", f"{known[row // 2 % len(known)][row % 2]} {_noise(draw)}", ("yes", "no")[row % 2])
            for row in range(120)
        ]
        _write(folder / f"{name}.csv", texts)
    quick = ("model=ngrams", "model.lr=0.05", "optimizer.lr=0.01", "reporting.baselines=false", *settings)
    usual = [text for text in _on_files(folder) if not text.startswith(("model", "batching.max_length"))]
    return polarity.train([*usual, *quick])


def _noise(draw: random.Random) -> str:
    return " ".join("".join(draw.choices(ascii_lowercase, k=6)) for _ in range(3))


def _write(path: Path, rows: Sequence[tuple[str, str, str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "text", "tone"])
        writer.writerows(rows)


def _on_files(folder: Path) -> list[str]:
    """The command line of a small run on the files of a folder."""
    usual = [text for text in overrides(folder) if not text.startswith(("data.", "data="))]
    return ["data=csv", f"data.path={folder}", "data.id=id", "data.tasks={tone:[yes,no]}", *usual]
