"""A training step by its numbers: the loss, dropout masks, when training may stop, what is scored and what is kept."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from polarity.clipping import NormClipping
from polarity.component import Progress
from polarity.evaluation.metrics import score
from polarity.losses import CrossEntropyLoss
from polarity.optimizers import AdamW
from polarity.regularizers import Distillation, NoRegularizer, RDrop, Regularizer
from polarity.schedulers import LinearScheduler, PlateauScheduler
from polarity.tasks import IGNORE_INDEX
from polarity.training.epoch import EpochSums
from polarity.training.module import MultiTaskModule
from tests.tiny import TASKS, tiny_batch, tiny_classifier

LABELS = torch.tensor([[0, 1], [1, IGNORE_INDEX], [2, 3]])
WINDOW = [torch.tensor([1.0, 1.0, 1.0]), torch.tensor([0.0, 1.0, 0.0, 1.0])]


class Watched(CrossEntropyLoss):
    """Cross-entropy that keeps how far it was told that training is."""

    def row_losses(self, task_number: int, logits: torch.Tensor, target: torch.Tensor, *more: Any) -> torch.Tensor:
        self.progress = more[-1]
        return super().row_losses(task_number, logits, target, *more)


class Module(MultiTaskModule):
    """With a Trainer that only answers, and what it has logged."""

    current_epoch = 9
    global_rank = 0

    def __init__(self, *, regularizer: Regularizer | None = None, dropout: float = 0.0, **settings: Any) -> None:
        torch.manual_seed(0)
        loss = Watched(task_weights={"tone": 2.0, "topic": 0.5})
        loss.bind(TASKS, [np.array([1, 1, 1]), np.array([1, 1, 1, 1])])
        encoder = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
        super().__init__(
            model=tiny_classifier(layers=1, width=8, dropout=dropout, **encoder),
            tasks=TASKS,
            loss=loss,
            regularizer=regularizer or NoRegularizer(),
            optimizer=AdamW(lr=0.05, layer_decay=1.0),
            scheduler=settings.pop("scheduler", LinearScheduler()),
            clipping=NormClipping(),
        )
        self.logged: dict[str, float] = {}
        splits = SimpleNamespace(val=SimpleNamespace(labels=LABELS.numpy()))
        usual = {"accumulate_grad_batches": 1, "world_size": 1, "should_stop": False, "max_steps": -1}
        usual |= {"global_step": 0, "num_training_batches": 7, "val_check_batch": 7, "estimated_stepping_batches": 10}
        usual |= {"max_epochs": 10, "sanity_checking": False, "datamodule": SimpleNamespace(splits=splits)}
        self.trainer_stub = SimpleNamespace(**usual | settings)

    @property
    def trainer(self) -> Any:
        return self.trainer_stub

    def log(self, name: str, value: Any, **_: Any) -> None:
        self.logged[name] = float(value)

    def log_dict(self, values: Any, **_: Any) -> None:
        self.logged |= {name: float(value) for name, value in values.items()}


def batch(rows: slice = slice(None)) -> dict[str, Any]:
    inputs = {name: value[rows] for name, value in tiny_batch().items()}
    return {**inputs, "labels": LABELS[rows], "window": WINDOW, "rows": torch.arange(3)[rows]}


def cross_entropies(module: MultiTaskModule) -> list[float]:
    with torch.no_grad():
        logits = module.model(**tiny_batch())
    collected = [torch.nn.functional.cross_entropy(values, LABELS[:, t]) for t, values in enumerate(logits)]
    return [float(value) for value in collected]


@pytest.mark.parametrize(("accumulate", "devices"), [(1, 1), (3, 1), (2, 4)])
def test_the_loss_is_the_weighted_sum_of_the_tasks_before_lightning_averages_it(accumulate: int, devices: int) -> None:
    module = Module(accumulate_grad_batches=accumulate, world_size=devices)
    tone, topic = cross_entropies(module)
    expected = (2.0 * tone + 0.5 * topic) * accumulate * devices
    assert float(module.training_step(batch(), 0).detach()) == pytest.approx(expected, rel=1e-5)
    assert module.logged["step/objective"] == pytest.approx(expected / accumulate, rel=1e-5)
    assert module.last_task_losses.tolist() == pytest.approx([tone, topic], rel=1e-5)


def test_the_objective_of_a_step_is_that_of_all_its_micro_batches() -> None:
    module, whole = Module(accumulate_grad_batches=2), Module()
    whole.training_step(batch(), 0)
    for number, rows in enumerate([slice(0, 2), slice(2, 3)] * 2):
        module.training_step(batch(rows), number)
        if number % 2:
            assert module.logged["step/objective"] == pytest.approx(whole.logged["step/objective"], rel=1e-5)
        module.on_train_batch_end(None, batch(rows), number)


def test_losses_are_told_the_epoch_of_those_that_are_planned() -> None:
    module = Module(max_epochs=12)
    module.on_train_start()
    module.task_losses(batch())
    assert module.loss.progress == Progress(epoch=9, epochs=12)


def test_the_micro_batches_of_a_window_sum_up_to_its_mean() -> None:
    module = Module()
    parts = [module.task_losses(batch(rows))[0] for rows in (slice(1), slice(1, 3))]
    assert sum(parts).tolist() == pytest.approx(cross_entropies(module), rel=1e-5)  # type: ignore[union-attr]


def test_copies_that_nothing_is_dropped_from_agree_row_by_row() -> None:
    """A row's copies stand where the labels expect them: the loss is that of one copy, and there is no penalty."""
    module = Module(regularizer=RDrop(alpha=1.0, warmup_epochs=0))
    losses, penalties = module.task_losses(batch())
    assert losses.tolist() == pytest.approx(cross_entropies(module), rel=1e-5)
    assert penalties.tolist() == pytest.approx([0, 0], abs=1e-6)


def test_each_row_learns_the_answers_of_the_teacher() -> None:
    module = Module(regularizer=Distillation(teacher="outputs/run", temperature=1.0))
    with torch.no_grad():
        own = [values.log_softmax(dim=1) for values in module.model(**tiny_batch())]
    said = [torch.randn(values.shape).log_softmax(dim=1) for values in own]
    penalties = module.task_losses({**batch(), "teacher": said})[1]
    known = [LABELS[:, t] != IGNORE_INDEX for t in range(2)]
    divergence = [((p.exp() * (p - q)).sum(dim=1)[k]).mean() for p, q, k in zip(said, own, known, strict=True)]
    assert penalties.tolist() == pytest.approx([float(value) for value in divergence], rel=1e-4)


def test_copies_have_dropout_masks_of_their_own() -> None:
    module = Module(regularizer=RDrop(alpha=1.0, warmup_epochs=0), dropout=0.5)
    assert min(module.task_losses(batch())[1].tolist()) > 1e-4


@pytest.mark.parametrize("rank", [0, 1, 2])
def test_each_device_draws_masks_of_its_own(rank: int) -> None:
    module = Module()
    module.global_rank = rank
    torch.manual_seed(5)
    module.on_train_start()
    drawn = torch.rand(4)
    assert torch.equal(drawn, torch.rand(4, generator=torch.Generator().manual_seed(5 + rank)))


@pytest.mark.parametrize(
    ("batch_idx", "accumulate", "stops"), [(0, 1, True), (0, 2, False), (1, 2, True), (2, 2, False), (6, 2, True)]
)
def test_training_stops_between_steps_only(batch_idx: int, accumulate: int, *, stops: bool) -> None:
    module = Module(accumulate_grad_batches=accumulate, should_stop=True)
    module.on_train_batch_end(None, batch(), batch_idx)
    assert module.trainer.should_stop is stops
    module.on_train_batch_end(None, batch(), 6)
    assert module.trainer.should_stop, "it is not forgotten"


def test_training_goes_on_if_nothing_asks_it_to_stop() -> None:
    module = Module()
    for number in range(7):
        module.on_train_batch_end(None, batch(), number)
        assert not module.trainer.should_stop


@pytest.mark.parametrize(("most", "done", "at"), [(-1, 9, 7), (9, 8, 7), (9, 9, 3), (1, 1, 3), (0, 0, 7)])
def test_the_last_step_is_validated_at_once(most: int, done: int, at: int) -> None:
    module = Module(max_steps=most, global_step=done)
    module.on_train_batch_end(None, batch(), 2)
    assert module.trainer.val_check_batch == at


def validated(module: Module) -> torch.Tensor:
    """Returns what was decided, by row."""
    module.eval()
    module.on_validation_epoch_start()
    with torch.no_grad():
        last, first = (module.validation_step(batch(rows), 0) for rows in (slice(2, 3), slice(2)))
    module.on_validation_epoch_end()
    return torch.cat([first, last])


def test_validation_scores_each_row_once_over_all_batches() -> None:
    module = Module()
    validated(module)
    decided = validated(module)
    assert module.logged["val/tone/loss"] == pytest.approx(cross_entropies(module)[0], rel=1e-5)
    assert module.logged["val/topic/loss"] == pytest.approx(cross_entropies(module)[1], rel=1e-5)
    expected = score(TASKS, LABELS.numpy(), list(decided.T.numpy()))
    assert module.scores is not None
    assert module.scores.to_dict() == expected.to_dict()
    assert module.logged["val/tone/accuracy"] == (decided[:, 0] == LABELS[:, 0]).double().mean()
    assert module.validation == pytest.approx(module.logged)
    assert not module.metrics.state_dict(), "a checkpoint holds none of it"


def test_a_plateau_is_told_the_score_of_each_validation_but_the_sanity_check() -> None:
    module = Module(scheduler=PlateauScheduler(monitor="val/loss", mode="min", warmup_ratio=0.0))
    optimizer = module.configure_optimizers()
    assert isinstance(optimizer, torch.optim.Optimizer)
    module.trainer.sanity_checking = True
    validated(module)
    assert module._plateau.state_dict()["best"] == float("inf")
    module.trainer.sanity_checking = False
    validated(module)
    assert module._plateau.state_dict()["best"] == pytest.approx(module.logged["val/loss"])
    saved: dict[str, Any] = {}
    module.on_save_checkpoint(saved)
    again = Module(scheduler=PlateauScheduler(monitor="val/loss", mode="min", warmup_ratio=0.0))
    again.on_load_checkpoint(saved)
    again.configure_optimizers()
    assert again._plateau.state_dict()["best"] == pytest.approx(module.logged["val/loss"])


def test_an_epochs_sums_go_on_where_they_were_saved() -> None:
    module, saved = Module(), dict[str, Any]()
    module.training_step(batch(), 0)
    module.on_save_checkpoint(saved)
    again = Module()
    again.on_load_checkpoint(saved)
    assert torch.equal(again._sums.table, module._sums.table)
    assert module._sums.table.any()
    module.on_train_epoch_start()
    assert not module._sums.table.any()
    another = Module()
    another.global_rank = 1  # there was one device, and there are two now
    another.on_load_checkpoint(saved)
    assert not another._sums.table.any()


def test_the_norm_before_clipping_is_logged() -> None:
    module = Module()
    module.training_step(batch(), 0).backward()
    norm = torch.stack([p.grad.norm() for p in module.model.parameters() if p.grad is not None]).norm()
    module.configure_gradient_clipping(None)
    assert module.logged["gradient/total"] == pytest.approx(float(norm), rel=1e-5)
    module.trainer.strategy = SimpleNamespace(reduce=lambda table, **_: table)
    module.on_train_epoch_end()
    assert module.logged["train/gradient_norm"] == pytest.approx(float(norm), rel=1e-5)
    means = [module.logged[f"train/{task.name}/loss"] for task in TASKS]
    assert module.logged["train/loss"] == pytest.approx(np.mean(means)), "validation has labels of both tasks"


@pytest.mark.parametrize(("accumulate", "windows"), [(1, 3), (2, 2), (3, 1), (5, 1)])
def test_the_means_of_an_epoch(accumulate: int, windows: int) -> None:
    """Cross-entropy is a mean over labelled rows, the objective one over windows, the norm one over finite steps."""
    sums = EpochSums(2)
    logits = [torch.randn(3, 3), torch.randn(3, 4)]
    for number in range(3):
        objective, penalty = torch.tensor([1.0, 2.0]) * number, torch.tensor([0.5, 0.25])
        sums.add_batch(objective, penalty, logits, LABELS, first=True)
        sums.add_batch(0 * objective, 0 * penalty, logits, LABELS, first=False)  # another device's
    for norm in ([3.0, 4.0], [0.0, 7.0], [float("nan"), 1.0]):
        sums.add_step([torch.tensor(value) for value in norm], first=True)
        sums.add_step([torch.tensor(100.0)], first=False)
    weights = torch.tensor([2.0, 0.5])
    result = sums.means(TASKS, [True, True], weights, accumulate, lambda table: table)
    entropies = [torch.nn.functional.cross_entropy(values, LABELS[:, t]).item() for t, values in enumerate(logits)]
    expected = {
        "train/tone/loss": entropies[0],
        "train/topic/loss": entropies[1],
        "train/loss": np.mean(entropies),
        "train/tone/objective": 3 / windows,
        "train/topic/objective": 6 / windows,
        "train/tone/regularizer": 1.5 / windows,
        "train/topic/regularizer": 0.75 / windows,
        "train/objective": (2 * (3 + 1.5) + 0.5 * (6 + 0.75)) / windows,
        "train/gradient_norm": 6.0,
    }
    assert result == pytest.approx(expected, rel=1e-5)
    assert sums.means(TASKS, [False, True], weights, 1, lambda table: table)["train/loss"] == pytest.approx(
        entropies[1]
    )
    doubled = sums.means(TASKS, [True, True], weights, accumulate, lambda table: 2 * table)
    assert doubled["train/tone/loss"] == pytest.approx(entropies[0])


def test_sums_are_kept_where_the_batches_are() -> None:
    sums, there = EpochSums(1), {"device": "meta"}
    sums.add_batch(
        torch.zeros(1, **there), torch.zeros(1, **there), [torch.zeros(3, 3, **there)], LABELS[:, :1].to("meta"),
        first=True,
    )  # fmt: skip
    assert sums.table.is_meta


def test_sums_of_many_batches_do_not_drift() -> None:
    """In float32 the mean of a hundred thousand batches is off in the fourth digit."""
    sums = EpochSums(1)
    sums.table[:] = 1e6
    before = sums.table.clone()
    for _ in range(1000):
        sums.add_batch(torch.tensor([0.1]), torch.tensor([0.0]), [torch.zeros(3, 3)], LABELS[:, :1], first=True)
    found = (sums.table - before)[0, 0]
    assert float(found) == pytest.approx(1000 * float(torch.tensor(0.1)), rel=1e-6)


def test_the_means_of_a_single_task() -> None:
    sums = EpochSums(1)
    sums.add_batch(torch.tensor([1.5]), torch.tensor([0.0]), [torch.zeros(3, 3)], LABELS[:, :1], first=True)
    sums.add_step([torch.tensor(2.0)], first=True)
    result = sums.means(TASKS[:1], [True], torch.ones(1), 1, lambda table: table)
    assert result["train/objective"] == pytest.approx(1.5)
    assert result["train/gradient_norm"] == pytest.approx(2)
    assert result["train/loss"] == pytest.approx(np.log(3))
