"""What the components that need no text do: losses, samplers, schedules and the like."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from polarity.component import Progress
from polarity.models import Head, MultiTaskClassifier
from polarity.models.ngrams.settings import Ngrams
from polarity.optimizers import group_table
from polarity.regularizers import Distillation
from polarity.tasks import IGNORE_INDEX
from polarity.training.linear_probe import begin_as_probe
from tests.effects.corpus import COUNTS, RARE, TASKS, rows, splits
from tests.effects.outcome import Effect, Section, Situation, built
from tests.effects.settings import Special
from tests.tiny import tiny_classifier

SPECIAL: Special = {
    ("FocalLoss", "gamma"): [0.0, 1.0, 4.0, {"sentiment": 1.0, "polarization": 3.0}],
    ("MultiTaskLoss", "smoothing"): [0.0, 0.05, 0.2, {"sentiment": 0.3, "polarization": 0.1}],
    ("MultiTaskLoss", "multipliers"): [{}, {"sentiment": {"neutral": 2.0}}],
    ("MultiTaskLoss", "clip"): [None, [0.5, 10.0], [0.1, 1.5]],
    ("MultiTaskLoss", "effective_beta"): [None, 0.9, 0.99],
    ("MultiTaskLoss", "task_weights"): [{}, {"polarization": 2.5}],
    ("JointSampler", "boosts"): [{}, {"polarization": {"objective": 3.0}}],
    ("JointSampler", "max_mult"): [None, 4.0, 12.0],
    ("Sampler", "rows_per_epoch"): [100, 1000],
    ("AdamW", "betas"): [[0.8, 0.999], [0.9, 0.99]],
    ("AdamW", "eps"): [1e-3],
    ("AdamW", "head_lr_multipliers"): [{"sentiment": 7.0}],
    ("AdamW", "no_decay"): [[], ["bias"], ["norm"], ["bias", "norm", "embedding"]],
    ("AdamW", "fused"): [False],
    ("PlateauScheduler", "monitor"): ["val/loss"],
    ("PlateauScheduler", "min_delta"): [0.06],
    ("Head", "width"): [None, 32, 48],
    ("Distillation", "teacher"): ["outputs/another"],
    ("PerTaskClipping", "heads"): [0.5, 2.0, {"sentiment": 0.5, "polarization": 2.0}],
    ("Limit", "train"): [None, 100, 513],
    ("Limit", "val"): [None, 100, 257],
    ("Limit", "test"): [None, 100, 257],
}
ONLY_PLACES = {
    ("AdamW", "fused"): "the same update by another kernel",
    ("Distillation", "teacher"): "whose answers are learnt: tests/training/test_distillation.py",
}
SYNONYMS = {
    # null is the width of the head's input, which may be the one that is given
    ("Head", "width"): lambda head, other: (head["width"] or head["trunk_width"]) == (other or head["trunk_width"]),
    # where all weights are 1, the mean over their sum is the mean over rows
    ("MultiTaskLoss", "reduction"): lambda loss, _: loss["class_weights"] is None and not loss["multipliers"],
}
SCORES = {
    "val/macro_f1": (0.3, 0.5, 0.55, 0.5, 0.5, 0.6, 0.6, 0.6, 0.6, 0.7, 0.7, 0.7),
    "val/loss": (1.0, 0.9, 0.95, 0.7, 0.7, 0.7, 0.7, 0.8, 0.8, 0.8, 0.5, 0.5),
}


def random_logits(*shape: int) -> list[Tensor]:
    generator = torch.Generator().manual_seed(1)
    return [2 * torch.randn(*shape, 3, generator=generator) for _ in TASKS]


def counts_of(labels: Tensor) -> list[Tensor]:
    one_hot = torch.nn.functional.one_hot(labels.clamp_min(0), 3) * (labels != IGNORE_INDEX)[..., None]
    return list(one_hot.sum(dim=0).float())


def loss(section: Section, counts: Sequence[Sequence[int]] = RARE) -> Effect:
    component = built("loss", section, TASKS)
    component.bind(TASKS, counts)
    labels = torch.from_numpy(rows(40).labels)
    logits = [values.requires_grad_() for values in random_logits(40)]
    window = [3 * counts + 1 for counts in counts_of(labels)]
    losses = [component(logits, labels), component(logits, labels, window)]
    total = (component.task_weights * losses[1]).sum()
    total.backward()
    return Effect([*(values.detach() for values in losses), total.detach(), *(values.grad for values in logits)])


def regularizer(section: Section) -> Effect:
    component = built("regularizer", section, TASKS)
    labels, steps = torch.from_numpy(rows(10).labels), []
    for now in map(Progress, range(9)):
        copies = component.copies(now)
        given = (random_logits(copies, 10), labels, None, now)
        said = [{"teacher": [-z.square() for z in random_logits(10)]}] if isinstance(component, Distillation) else [{}]
        steps += [(copies, component.penalty(*given, **more)) for more in said]
    return Effect(steps, places=[getattr(component, "teacher", None)])


def sampler(section: Section) -> Effect:
    component = built("sampler", section, TASKS)
    component.fit(splits().train.labels, TASKS, seed=3)
    return Effect([component.weights, component.draw(0), component.draw(1), component.rows_drawn])


def optimizer(section: Section) -> Effect:
    component = built("optimizer", section, TASKS)
    torch.manual_seed(0)
    model = tiny_classifier(tasks=TASKS, pooling="attention", head=Head(trunk_width=8, trunk_dropout=0.1), layers=2)
    made = component.build(model)
    for step in range(1, 4):
        for number, parameter in enumerate(model.parameters(), start=step):
            parameter.grad = torch.full_like(parameter, 1e-3 * (-1) ** number * step)
        made.step()
    table = [tuple(row) for row in group_table(made)]
    return Effect([table, [values.detach() for values in model.parameters()]], places=made.defaults["fused"])


def scheduler(section: Section) -> Effect:
    component = built("scheduler", section, TASKS)
    parameter = torch.nn.Parameter(torch.zeros(1))
    made = torch.optim.SGD([parameter], lr=1.0)
    schedule = component.build(made, 60)
    rates = []
    for epoch in range(12):
        for _ in range(5):
            rates.append(made.param_groups[0]["lr"])
            made.step()
            if schedule["interval"] == "step":
                schedule["scheduler"].step()
        if schedule["interval"] == "epoch":
            schedule["scheduler"].step(SCORES[schedule["monitor"]][epoch])
    return Effect(rates)


def clipping(section: Section) -> Effect:
    component = built("clipping", section, TASKS)
    torch.manual_seed(0)
    model = tiny_classifier(tasks=TASKS, layers=1)
    for parameter in model.parameters():
        parameter.grad = torch.ones_like(parameter)
    norms = component.clip(model)
    return Effect([norms, [parameter.grad for parameter in model.parameters()]])


def head(section: Section) -> Effect:
    component = built("head", section, TASKS)
    torch.manual_seed(0)
    parts = torch.nn.Sequential(component.build_trunk(16), component.build(16, 3))
    features = torch.randn(5, 16)
    shapes = [(name, tuple(values.shape)) for name, values in parts.named_parameters()]
    torch.manual_seed(0)
    return Effect([shapes, parts(features).detach(), parts.eval()(features).detach(), begun(component)])


def begun(component: Head) -> list[torch.Tensor] | None:
    """Logits before training, where heads do not begin at random."""
    if component.init == "random":
        return None
    texts, source = splits(48, 24), Ngrams(width=8)
    reader = source.make_reader(texts.train)
    model = MultiTaskClassifier(tasks=TASKS, encoder=source.build(reader), head=component).eval()
    inputs = {name: reader.inputs(rows, 32) for name, rows in texts.items()}
    begin_as_probe(model, texts, inputs, lambda *_: np.zeros((0, 0)), 0)
    with torch.no_grad():
        logits: list[torch.Tensor] = model(**inputs["val"].batch(np.arange(24)))
    return logits


def limit(section: Section) -> Effect:
    kept: Any = built("limit", section).apply(splits(4500, 1100))
    return Effect([part.ids for _, part in kept.items()])


SITUATIONS: dict[str, tuple[Situation, ...]] = {
    "loss": (loss, lambda section: loss(section, COUNTS)),
    "regularizer": (regularizer,),
    "sampler": (sampler,),
    "optimizer": (optimizer,),
    "scheduler": (scheduler,),
    "clipping": (clipping,),
    "head": (head,),
    "limit": (limit,),
}
