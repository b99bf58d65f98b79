"""How many rows go through the model at once, where nobody has said it: as many as fit into memory.

What a row needs is what autograd keeps of it for the backward pass. Where twice of what a transformer is known to keep
fits for all rows of a batch, nothing is measured; else it is counted, for the longest training row, before the first
step. Which rows a step sees, and by what its loss is divided, does not depend on the answer; dropout draws other masks.
"""

import lightning
import numpy as np
import torch
from lightning import LightningModule, Trainer
from torch import Tensor, nn
from torch.func import functional_call

from polarity.component import Progress
from polarity.config.preflight import with_micro_batches
from polarity.data.memory import free_bytes
from polarity.data.plan import micro_batches
from polarity.evaluation.inference import autocast, model_inputs
from polarity.models.classifier import MultiTaskClassifier
from polarity.reports.console import RunConsole
from polarity.run import RunDirectory
from polarity.training.assembled import Assembled
from polarity.training.manifest import Manifest
from polarity.training.module import MultiTaskModule
from polarity.wording import times

SHARE = 0.5
"""Of the memory that is free, what rows may take: a pass needs more than it keeps, and others work here as well."""

LEARNING = 12
"""Bytes beside each weight that is trained: its gradient, and the two moments of Adam."""

WEIGHT = 4
"""Bytes of a weight, which a GPU has to hold as well."""

SURELY = 2.0
"""How many times the known bytes of a row have to fit, since families differ."""


class MicroBatches(lightning.Callback):
    """Chooses ``batching.micro_batch_size`` if it is null, keeps it with the run, and has batches cut by it.

    After everything that decides what is trained, and before Lightning asks for batches. All processes take what the
    first one has chosen.
    """

    def __init__(self, assembled: Assembled) -> None:
        self._assembled = assembled

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Lightning counts batches by windows of micro-batches."""
        assert isinstance(pl_module, MultiTaskModule)
        data = self._assembled.data
        if data.micro_batch_size is None:
            chosen = self._chosen(trainer, pl_module) if trainer.is_global_zero else 0
            data.micro_batch_size = chosen = trainer.strategy.broadcast(chosen)
            self._keep(trainer, chosen)
        trainer.accumulate_grad_batches = data.accumulate * micro_batches(data.batch_size, data.micro_batch_size)

    def _chosen(self, trainer: Trainer, module: MultiTaskModule) -> int:
        data, device = self._assembled.data, trainer.strategy.root_device
        free = free_on(device)
        if free is None:
            return data.batch_size
        last = trainer.max_epochs or 1
        copies = max(module.regularizer.copies(Progress(epoch, last)) for epoch in (0, last))
        here = trainer.num_devices if device.type == "cpu" else 1  # processes that share the memory
        room, workers = free / here - beside_rows(module, device), trainer.world_size
        known = known_bytes(module.model, int(data.inputs["train"].lengths.max()))
        surely = None if known is None else rows_within(room, SURELY * copies * known, data.batch_size, workers)
        if surely == data.batch_size:
            return surely
        row = copies * needed(module.model, self._longest(), device, str(trainer.precision), known)
        fitting = rows_within(room, row, data.batch_size, workers)
        if fitting < data.batch_size:
            RunConsole(RunDirectory(trainer.default_root_dir).log).print(
                f"micro-batches: {fitting} of {times(data.batch_size, 'row')} at a time, since the longest row takes"
                f" {row / 1e6:,.0f} MB, and {max(0.0, room) / 1e9:.1f} GB are free;"
                " batching.micro_batch_size=ROWS chooses another number; a step is of the same rows with each"
            )
        return fitting

    def _longest(self) -> dict[str, Tensor]:
        """The longest training row, twice."""
        data = self._assembled.data
        longest = int(np.argmax(data.inputs["train"].lengths))
        return model_inputs(data.training_batch(np.array([longest, longest])))  # type: ignore[arg-type]

    def _keep(self, trainer: Trainer, chosen: int) -> None:
        """The run goes on with it wherever it is resumed."""
        self._assembled.prepared = with_micro_batches(self._assembled.prepared, chosen)
        if trainer.is_global_zero:
            Manifest(RunDirectory(trainer.default_root_dir)).settle(self._assembled.prepared.config)


def rows_within(room: float, row: float, batch_size: int, world_size: int) -> int:
    """Rows over all devices of the fewest micro-batches that fit, of equal size; at least one for each device.

    :param room: bytes on each device that are left beside the weights; ``row`` is what one row takes of them.
    """
    fit = int(SHARE * max(0.0, room) / max(1.0, row)) * world_size
    return max(world_size, -(-batch_size // micro_batches(batch_size, max(fit, world_size))))


def free_on(device: torch.device) -> float | None:
    """Bytes; None where nobody tells."""
    if device.type == "cuda":
        return float(torch.cuda.mem_get_info(device)[0])
    return free_bytes() if device.type == "cpu" else None


def beside_rows(module: nn.Module, device: torch.device) -> float:
    """Bytes that are still to be taken by training itself."""
    learnt = sum(weight.numel() for weight in module.parameters() if weight.requires_grad)
    held = sum(weight.numel() for weight in module.parameters()) if device.type == "cuda" else 0
    return float(LEARNING * learnt + WEIGHT * held)


def known_bytes(model: nn.Module, tokens: int) -> float | None:
    r"""What transformers keep of a row, float32; None where the model has none.

    :math:`2 s h (34 + 5 a s / h)` a layer, for s tokens, width h and a heads (Korthikanti et al., Reducing Activation
    Recomputation in Large Transformer Models, MLSys 2023, equation 2, for sixteen bits).
    """
    names = ("hidden_size", "num_attention_heads", "num_hidden_layers")
    configs = {id(part.config): part.config for part in model.modules() if hasattr(part, "config")}.values()
    shapes = [[int(getattr(one, name)) for name in names] for one in configs if all(hasattr(one, n) for n in names)]
    kept = [2.0 * tokens * (34 * width + 5 * heads * tokens) * layers for width, heads, layers in shapes]
    return sum(kept) if kept else None


def needed(
    model: MultiTaskClassifier, twice: dict[str, Tensor], device: torch.device, precision: str, known: float | None
) -> float:
    """What is counted, or else known, where a model has operations that only its device can do; 0 for neither.

    Arguments as of :func:`bytes_of_a_row`.
    """
    try:
        return bytes_of_a_row(model, twice, device, precision)
    except RuntimeError:
        if device.type == "cpu":
            raise
        return known or 0.0


def bytes_of_a_row(model: MultiTaskClassifier, twice: dict[str, Tensor], device: torch.device, precision: str) -> float:
    """What a pass keeps for the backward pass of each further row, on the CPU; nothing of the model is changed.

    :param twice: inputs of the same row, two times.
    :param device: where it will be trained; other processors than this one have no need to try its precision.
    """
    once = {name: value[:1] for name, value in twice.items()}
    both, one = (_kept(model, inputs, device, precision) for inputs in (twice, once))
    return float(max(0, both - one))


def _kept(model: MultiTaskClassifier, inputs: dict[str, Tensor], device: torch.device, precision: str) -> int:
    """Bytes of the tensors that autograd keeps, each memory counted once."""
    seen: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        seen[storage.data_ptr()] = storage.nbytes()
        return tensor

    buffers = {name: value.clone() for name, value in model.named_buffers()}  # some count what they see
    tried = precision if device.type == "cpu" else "32-true"
    with (
        torch.random.fork_rng(devices=[]),
        torch.enable_grad(),
        autocast(torch.device("cpu"), tried),
        torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor),
    ):
        logits = functional_call(model, buffers, kwargs=inputs)
    del logits  # until here, no memory was given to others
    return sum(seen.values())
