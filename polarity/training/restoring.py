"""A model as a checkpoint has left it, before training goes on."""

from pathlib import Path

import torch

from polarity.content import State
from polarity.models.classifier import MultiTaskClassifier
from polarity.models.components import modules_in
from polarity.models.encoder import encoder_of

PREFIX = "model."
"""Of the model's weights in a checkpoint, which holds those of the loss as well."""


def restore(model: MultiTaskClassifier, point: Path) -> None:
    """Give a model form and weights of a checkpoint, before vectors of what never changes are computed.

    An encoder that began with another run's weights, or was pretrained further, is not the one that its settings build.
    """
    saved = torch.load(point, map_location="cpu", weights_only=True, mmap=True)
    own = model.architecture()
    if saved["architecture"] != own:
        model.encoder.adapt(encoder_of(saved["architecture"], modules_in(own)))
    # averages of the weights stand beside those that training goes on with; of what is frozen they differ by rounding
    model.load_state_dict(weights_of_model({"state_dict": saved.get("current_model_state", saved["state_dict"])}))


def weights_of_model(checkpoint: State) -> State:
    """Those of the model alone, by their names in it."""
    weights: State = checkpoint["state_dict"]
    return {name.removeprefix(PREFIX): value for name, value in weights.items() if name.startswith(PREFIX)}
