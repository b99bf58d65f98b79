"""Layer-wise learning rates for any encoder, which says itself where its parameters stand."""

import re
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import torch
from torch import nn

from polarity.errors import UserError
from polarity.models.encoder import Place

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

    With base rate r and layer decay d, a place of the encoder that lies k layers below its top learns at r d^k, a new
    one, the "trunk" and "head.TASK" at r times their multiplier: ``head_lr_multipliers[TASK]``, or
    ``head_lr_multiplier`` where no task is named. A place with a rate or a weight decay of its own keeps it. Parameters
    without weight decay are in a group "NAME.no_decay" of the same rate.

    :raises UserError: if the encoder has no layers and ``layer_decay`` is not 1.
    """
    of_encoder = model.encoder.places()
    pretrained = [place for place in of_encoder if place.depth is not None]
    if layer_decay != 1 and pretrained and not any(place.depth for place in pretrained):
        name = model.encoder.title
        raise UserError(f"optimizer.layer_decay: no stack of layers was found in {name}; set optimizer.layer_decay=1")
    rates = {place.name: _rate(place, lr, layer_decay, lr * head_lr_multiplier) for place in of_encoder}
    decays = {place.name: place.weight_decay for place in of_encoder if place.weight_decay is not None}
    places = {parameter: place.name for place in of_encoder for parameter in place.parameters}
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
            "weight_decay": 0.0 if is_exempt else decays.get(place, weight_decay),
        }
        for place, rate in rates.items()
        for is_exempt in (False, True)
        if (place, is_exempt) in members
    ]


def _rate(place: Place, lr: float, layer_decay: float, new: float) -> float:
    if place.lr is not None:
        return place.lr
    return new if place.depth is None else lr * layer_decay**place.depth


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
