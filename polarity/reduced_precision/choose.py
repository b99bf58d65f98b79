"""``precision=`` of ``polarity.predict``."""

import hashlib
import json
from importlib.metadata import version
from pathlib import Path
from typing import Literal

import torch

from polarity.errors import UserError
from polarity.models.saving import read_card
from polarity.prediction.predictor import Predictor
from polarity.reduced_precision.cost import PrecisionCost, cost
from polarity.reduced_precision.int8 import int8_predictor
from polarity.runs.answering import Answering
from polarity.runs.environment import processor, read_environment
from polarity.runs.rebuild import Rebuilt

INT8 = "int8"
Precision = Literal["32-true", "16-mixed", "bf16-mixed", "int8"]
LIBRARIES = ("torch", "transformers", "tokenizers")
FURTHER_LIBRARIES = {INT8: ("onnx", "onnxscript", "onnxruntime")}


def predictor_in(answering: Answering, precision: Precision) -> tuple[Predictor, PrecisionCost | None]:
    """What classifies texts in this arithmetic, and what that costs; None where it is the run's own.

    :raises UserError: if the model, or this machine, cannot do that.
    """
    if not isinstance(answering, Rebuilt):
        raise UserError("precision: each member of an ensemble answers in its own; leave it out")
    if precision == answering.precision:
        return Predictor.of_run(answering), None
    if precision == INT8:
        if answering.device.type != "cpu":
            raise UserError("precision: int8 is for the processor; add accelerator=cpu")
        predictor: Predictor = int8_predictor(answering, _kept(answering, precision, "graph"))
    else:
        if precision == "16-mixed" and answering.device.type == "cpu":
            raise UserError("precision: 16-mixed needs a GPU")
        predictor = Predictor.of_run(answering)
        predictor.precision = precision
    return predictor, cost(
        answering.run, predictor.aside(), _kept(answering, precision, f"val-of-{answering.batch_size}")
    )


def _kept(rebuilt: Rebuilt, precision: Precision, what: str) -> Path:
    """Where it is kept: whatever the answers depend on is in the name.

    :param what: with the rows that are answered together, if it is about answers.
    """
    weights, data = read_card(rebuilt.run.model)["weights_sha256"], read_environment(rebuilt.run)["data"]["val"]
    versions = {name: version(name) for name in (*LIBRARIES, *FURTHER_LIBRARIES.get(precision, ()))}
    settings = rebuilt.settings
    device = rebuilt.device
    model = torch.cuda.get_device_name(device) if device.type == "cuda" else processor()  # each rounds in its own way
    known = [weights, data, precision, versions, str(device), model, settings.max_length, settings.max_context]
    mark = hashlib.blake2b(json.dumps(known, sort_keys=True).encode(), digest_size=16).hexdigest()
    return settings.cache / "precision" / f"{what}-{mark}"
