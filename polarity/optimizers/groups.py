"""Layer-wise learning rates for any Hugging Face encoder, found from its structure instead of its parameters' names."""

import re
from collections.abc import Collection, Mapping
from itertools import dropwhile
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import torch
from torch import nn

from polarity.errors import UserError

if TYPE_CHECKING:
    from polarity.models import MultiTaskClassifier

NoDecayKind = Literal["bias", "norm", "embedding"]


class GroupRow(NamedTuple):
    """One line of the table of parameter groups.

    :param parameters: how many numbers it trains.
    :param lr: its peak rate, before any schedule.
    """

    name: str
    parameters: int
    lr: float
    weight_decay: float


def parameter_groups(
    model: "MultiTaskClassifier",
    *,
    lr: float,
    weight_decay: float,
    layer_decay: float,
    head_lr_multiplier: float,
    head_lr_multipliers: Mapping[str, float],
    no_decay: Collection[NoDecayKind],
) -> list[dict[str, Any]]:
    """Groups of the trainable parameters, bottom first, each parameter in exactly one.

    With n encoder layers, base rate r and layer decay d: "embeddings" (all below the layers) r d^n, "layer.i" (0 at the
    bottom) r d^(n-1-i), "pooler" (all above the layers: final norm, pooler) r, "pooling" and "trunk" r times
    ``head_lr_multiplier``, "head.TASK" r times ``head_lr_multipliers[TASK]``, or ``head_lr_multiplier`` where the task
    is not named. Parameters without weight decay are in a group "NAME.no_decay" of the same rate.

    :raises UserError: if the layers of the encoder cannot be found and ``layer_decay`` is not 1.
    """
    depth, places = encoder_places(model.encoder)
    if depth == 0 and layer_decay != 1:
        name = type(model.encoder).__name__
        raise UserError(f"optimizer.layer_decay: no stack of layers was found in {name}; set optimizer.layer_decay=1")
    rates = {"embeddings": lr * layer_decay**depth}
    rates |= {f"layer.{number}": lr * layer_decay ** (depth - 1 - number) for number in range(depth)}
    rates["pooler"] = lr
    for name, parameter in model.named_parameters():
        if parameter not in places:
            places[parameter] = name.partition(".")[0]
            rates.setdefault(places[parameter], lr * head_lr_multiplier)
    for task, head in model.heads.items():
        rates[f"head.{task}"] = lr * head_lr_multipliers.get(task, head_lr_multiplier)
        places |= dict.fromkeys(head.parameters(), f"head.{task}")

    exempt = undecayed(model, no_decay)
    members: dict[tuple[str, bool], list[nn.Parameter]] = {}
    for parameter in model.parameters():
        if parameter.requires_grad:
            members.setdefault((places[parameter], parameter in exempt), []).append(parameter)
    return [
        {
            "name": f"{place}.no_decay" if is_exempt else place,
            "params": members[place, is_exempt],
            "lr": rate,
            "weight_decay": 0.0 if is_exempt else weight_decay,
        }
        for place, rate in rates.items()
        for is_exempt in (False, True)
        if (place, is_exempt) in members
    ]


def encoder_places(encoder: nn.Module) -> tuple[int, dict[nn.Parameter, str]]:
    """Number of layers, and "embeddings", "layer.NUMBER" or "pooler" for each parameter of an encoder.

    The layers are the largest ``ModuleList``. What is registered before it is below, what comes after it is above.
    """
    lists = [(name, module) for name, module in encoder.named_modules() if isinstance(module, nn.ModuleList)]
    if not lists:
        return 0, dict.fromkeys(encoder.parameters(), "embeddings")
    name, stack = max(lists, key=lambda item: sum(parameter.numel() for parameter in item[1].parameters()))
    siblings = list(encoder.get_submodule(name.rpartition(".")[0]).children())
    places: dict[nn.Parameter, str] = {}
    # XLM keeps the parts of its layers in parallel lists.
    for parallel in siblings:
        if isinstance(parallel, nn.ModuleList) and len(parallel) == len(stack):
            for number, layer in enumerate(parallel):
                places |= dict.fromkeys(layer.parameters(), f"layer.{number}")
    # A table that stands behind the layers is read by each of them (relative positions of DeBERTa, with the norm and
    # the convolution after it, and of MPNet): it is at the bottom, wherever it is registered.
    after = siblings[siblings.index(stack) + 1 :]
    for module in dropwhile(lambda sibling: not isinstance(sibling, nn.Embedding), after):
        places |= {parameter: "embeddings" for parameter in module.parameters() if parameter not in places}
    side = "embeddings"
    for parameter in encoder.parameters():
        if places.setdefault(parameter, side).startswith("layer."):
            side = "pooler"
    return len(stack), places


def undecayed(model: nn.Module, kinds: Collection[NoDecayKind]) -> set[nn.Parameter]:
    """Parameters of these kinds. Norms and embeddings are told by the type of their module, biases by name."""
    return {
        parameter
        for module in model.modules()
        for name, parameter in module.named_parameters(recurse=False)
        if ("bias" in kinds and re.search(r"(^|_)bias(_|$)", name))
        or ("norm" in kinds and re.search(r"Norm(\dd)?$", type(module).__name__))
        or ("embedding" in kinds and isinstance(module, nn.Embedding))
    }


def group_table(optimizer: torch.optim.Optimizer) -> list[GroupRow]:
    """The groups of an optimizer, for printing."""
    return [
        GroupRow(
            name=str(group["name"]),
            parameters=sum(parameter.numel() for parameter in group["params"]),
            lr=float(group.get("initial_lr", group["lr"])),
            weight_decay=float(group["weight_decay"]),
        )
        for group in optimizer.param_groups
    ]
