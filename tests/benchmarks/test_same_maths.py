"""The peers of the speed comparison compute what the project computes, without using any of it."""

import ast
from pathlib import Path

import torch

from benchmarks import peers
from benchmarks import work as settings
from polarity.component import Progress
from polarity.losses.focal import FocalLoss
from polarity.regularizers.rdrop import RDrop
from polarity.tasks import IGNORE_INDEX, Task

TASK = Task("mood", ("bad", "fine", "good"), "mood")
COUNTS = [5, 2, 1]
LABELS = torch.tensor([0, 2, IGNORE_INDEX, 1, 0])


def test_peers_import_nothing_of_the_project() -> None:
    tree = ast.parse(Path(peers.__file__).read_text(encoding="utf-8"))
    imported = [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    imported += [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    assert not [name for name in imported if name.startswith("polarity")]


def test_focal_loss_is_the_same() -> None:
    loss = FocalLoss(gamma=settings.GAMMA, smoothing=settings.SMOOTHING, class_weights="balanced")
    loss.bind([TASK], [COUNTS])
    logits = torch.randn(5, 3)
    (expected,) = loss([logits], LABELS[:, None])
    torch.testing.assert_close(peers.focal(logits, LABELS, loss.weights[0]), expected)


def test_no_label_costs_nothing() -> None:
    logits = torch.randn(2, 3, requires_grad=True)
    peers.focal(logits, torch.full((2,), IGNORE_INDEX), torch.ones(3)).backward()
    torch.testing.assert_close(logits.grad, torch.zeros(2, 3))


def test_divergence_is_the_same() -> None:
    logits = torch.randn(2, 5, 3)
    regularizer = RDrop(alpha=settings.RDROP, warmup_epochs=0, ramp_epochs=1)
    (expected,) = regularizer.penalty([logits], LABELS[:, None], None, Progress())
    kept = LABELS != IGNORE_INDEX
    torch.testing.assert_close(settings.RDROP * peers.divergence(logits[0][kept], logits[1][kept]), expected)
