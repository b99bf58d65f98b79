"""Where the parameters of an encoder stand, found from its structure instead of its parameters' names."""

from itertools import dropwhile

from torch import nn

from polarity.models.encoder import Place

EMBEDDINGS = "embeddings"
"""The place of all that is below the layers."""


def pretrained_places(encoder: nn.Module) -> list[Place]:
    """All below the layers ("embeddings"), "layer.0" at the bottom, ..., all above the layers ("pooler")."""
    depth, places = layers_and_places(encoder)
    names = [EMBEDDINGS, *(f"layer.{number}" for number in range(depth)), "pooler"]
    members: dict[str, list[nn.Parameter]] = {name: [] for name in names}
    for parameter in encoder.parameters():
        members[places[parameter]].append(parameter)
    depths = [*range(depth, -1, -1), 0]
    return [Place(name, members[name], depth=below) for name, below in zip(names, depths, strict=True)]


def layers_and_places(encoder: nn.Module) -> tuple[int, dict[nn.Parameter, str]]:
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
