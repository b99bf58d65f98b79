"""Low-rank adapters: the pretrained weights stay, and beside some of them a product of two thin matrices is trained.

Hu et al., LoRA: Low-Rank Adaptation of Large Language Models, ICLR 2022 (arXiv 2106.09685). The layers are those of the
package ``peft``, which is needed to train them, and no longer afterwards: a model is saved with its adapters merged.
"""

import copy
import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from typing import Any, Literal

import torch
from torch import Tensor, nn
from transformers import AutoModel, PreTrainedConfig, PreTrainedModel
from transformers.pytorch_utils import Conv1D

from polarity.content import Json
from polarity.errors import nearest

Targets = Literal["auto", "all-linear"] | list[str]
ADAPTER = "default"


@dataclass(frozen=True)
class LowRank:
    r"""Which adapters an encoder has: :math:`W + \frac{\alpha}{r} B A` in place of :math:`W`, B being 0 at first.

    :param rank: r, the height of A and the width of B.
    :param alpha: :math:`\alpha`.
    :param dropout: rate of the dropout on what A reads.
    :param targets: names of the adapted layers, or how their names end.
    """

    rank: int
    alpha: int
    dropout: float
    targets: Targets

    def settings(self) -> Json:
        """As plain values."""
        return asdict(self)

    def add_to(self, backbone: PreTrainedModel) -> None:
        """Freeze all weights, and put adapters beside those of the targets; A is drawn from torch's generator."""
        from peft import LoraConfig, inject_adapter_in_model

        targets = None if self.targets == "auto" else self.targets
        config = LoraConfig(r=self.rank, lora_alpha=self.alpha, lora_dropout=self.dropout, target_modules=targets)
        backbone.requires_grad_(requires_grad=False)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="fan_in_fan_out is set to False")  # it then sets what GPT-2 needs
            inject_adapter_in_model(config, backbone, ADAPTER)


def idle_without_rank(alpha: int | None, dropout: float | None, targets: Targets) -> list[str]:
    """Settings of adapters that are given although there are none."""
    given: dict[str, tuple[object, str]] = {
        "lora_alpha": (alpha, "null"),
        "lora_dropout": (dropout, "null"),
        "lora_targets": (None if targets == "auto" else targets, "auto"),
    }
    return [
        f"{name}: has no effect without lora_rank; set it to {unset}"
        for name, (value, unset) in given.items()
        if value is not None
    ]


def lora_problems(config: PreTrainedConfig, targets: Targets) -> list[str]:
    """Why an encoder cannot have adapters there; none if it can."""
    if find_spec("peft") is None:
        return ["lora_rank: needs the package peft, which is not installed; pip install 'polarity[lora]'"]
    if targets == "all-linear":
        return []
    layers = _linear_layers(config)
    if targets == "auto":
        from peft.utils.constants import TRANSFORMERS_MODELS_TO_LORA_TARGET_MODULES_MAPPING

        if config.model_type in TRANSFORMERS_MODELS_TO_LORA_TARGET_MODULES_MAPPING:
            return []
        named = ", ".join(dict.fromkeys(name.rpartition(".")[2] for name in layers))
        return [f"lora_targets: peft has no choice for {config.model_type!r}; name some of {named}, or use all-linear"]
    last = {name.rpartition(".")[2] for name in layers}
    return [
        f"lora_targets: the encoder has no linear layer {target!r}{nearest(target, sorted(last))}"
        for target in targets
        if not any(name == target or name.endswith(f".{target}") for name in layers)
    ] or ([] if targets else ["lora_targets: names no layer; use auto"])


def _linear_layers(config: PreTrainedConfig) -> list[str]:
    with torch.device("meta"):  # only the structure is looked at
        encoder = AutoModel.from_config(copy.deepcopy(config), trust_remote_code=False, attn_implementation="eager")
    return [name for name, part in encoder.named_modules() if isinstance(part, (nn.Linear, Conv1D))]


def merged_weights(backbone: nn.Module) -> dict[str, Tensor]:
    """Weights with which the adapted encoder computes what the merged one does, to the last bit, by their names.

    Beside its adapters a layer would round otherwise, and under bfloat16 visibly so.
    """
    weights: dict[str, Tensor] = {}
    for name, layer in _adapted(backbone):
        weights[f"{name}.base_layer.weight"] = _merged(layer)
        weights[f"{name}.lora_B.{ADAPTER}.weight"] = torch.zeros_like(layer.lora_B[ADAPTER].weight)
    return weights


def merge(backbone: nn.Module) -> None:
    """Add the adapters to the weights beside them, and take them away."""
    for name, layer in _adapted(backbone):
        layer.base_layer.weight.data = _merged(layer).detach()
        parent, _, own = name.rpartition(".")
        setattr(backbone.get_submodule(parent), own, layer.base_layer)


def _adapted(backbone: nn.Module) -> Sequence[tuple[str, Any]]:
    return [(name, part) for name, part in backbone.named_modules() if hasattr(part, "lora_A")]


def _merged(layer: Any) -> Tensor:
    weight: Tensor = layer.base_layer.weight
    with torch.autocast(weight.device.type, enabled=False):
        added: Tensor = weight + layer.get_delta_weight(ADAPTER)
    return added
