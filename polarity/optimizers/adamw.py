"""AdamW."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import torch
from pydantic import Field

from polarity.component import Context
from polarity.errors import UserError
from polarity.optimizers.base import Optimizer
from polarity.optimizers.groups import NoDecayKind, parameter_groups
from polarity.settings import NonNegative, Positive, ProperFraction
from polarity.tasks import Task, task_problems

if TYPE_CHECKING:
    from polarity.models import MultiTaskClassifier

Betas = Annotated[list[ProperFraction], Field(min_length=2, max_length=2)]
LayerDecay = Annotated[float, Field(gt=0, le=1)]

BETAS: Betas = [0.9, 0.999]
NO_DECAY: list[NoDecayKind] = ["bias", "norm"]
FUSED_DEVICES = {"cpu", "cuda", "mps", "xpu"}


class AdamW(Optimizer):
    """Adam with decoupled weight decay and layer-wise rates.

    Loshchilov and Hutter, Decoupled Weight Decay Regularization, ICLR 2019 (arXiv 1711.05101); the rates as in Howard
    and Ruder, Universal Language Model Fine-tuning, ACL 2018 (arXiv 1801.06146): with n encoder layers, base rate r and
    decay d, embeddings learn at r d^n, layer i (0 at the bottom) at r d^(n-1-i), final norm and pooler at r, and
    pooling, trunk and heads at r times their multiplier.

    :param lr: base rate r.
    :param weight_decay: decoupled weight decay.
    :param betas: decay of the running means of gradient and squared gradient.
    :param eps: added to the denominator.
    :param layer_decay: d; 1 for one rate in the whole encoder.
    :param head_lr_multiplier: rate of pooling, trunk and heads, in base rates.
    :param head_lr_multipliers: the same for single heads by task, in place of ``head_lr_multiplier``.
    :param no_decay: kinds of parameters without weight decay: "bias", "norm" (any norm layer), "embedding".
    :param fused: whether to use fused kernels; None for where the device has them. Under fp16 with a gradient scaler
        it has to be False if gradients are clipped, since fused kernels unscale inside the step.
    """

    def __init__(
        self,
        *,
        lr: Positive = 2.5e-5,
        weight_decay: NonNegative = 0.03,
        betas: Betas = BETAS,
        eps: Positive = 1e-8,
        layer_decay: LayerDecay = 0.9,
        head_lr_multiplier: Positive = 3.0,
        head_lr_multipliers: dict[str, Positive] | None = None,
        no_decay: list[NoDecayKind] = NO_DECAY,
        fused: bool | None = None,
    ) -> None:
        if weight_decay == 0 and no_decay:
            raise UserError("no_decay: has no effect with weight_decay=0; set it to []")
        self.lr = lr
        self.weight_decay = weight_decay
        self.betas = betas
        self.eps = eps
        self.layer_decay = layer_decay
        self.head_lr_multiplier = head_lr_multiplier
        self.head_lr_multipliers = head_lr_multipliers or {}
        self.no_decay = no_decay
        self.fused = fused

    def problems(self, tasks: Sequence[Task]) -> list[str]:
        return task_problems("head_lr_multipliers", self.head_lr_multipliers, tasks)

    def conflicts(self, context: Context) -> list[str]:
        if context.precision != "16-mixed" or self.fused is False:
            return []
        reason = "a fused optimizer unscales gradients only after they were clipped; bf16-mixed has no such limit"
        return [f"fused: has to be false with trainer.precision=16-mixed, since {reason}"]

    def build(self, model: "MultiTaskClassifier") -> torch.optim.AdamW:
        groups = parameter_groups(
            model,
            lr=self.lr,
            weight_decay=self.weight_decay,
            layer_decay=self.layer_decay,
            head_lr_multiplier=self.head_lr_multiplier,
            head_lr_multipliers=self.head_lr_multipliers,
            no_decay=self.no_decay,
        )
        fused = self.fused
        if fused is None:
            fused = all(parameter.device.type in FUSED_DEVICES for parameter in model.parameters())
        beta1, beta2 = map(float, self.betas)  # torch refuses 0, a whole number, beside another kind
        return torch.optim.AdamW(groups, lr=self.lr, betas=(beta1, beta2), eps=self.eps, fused=fused)
