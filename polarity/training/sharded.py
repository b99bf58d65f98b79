"""Weights, gradients and the optimizer's state shared out over devices: FSDP2."""

from pathlib import Path

from lightning.pytorch.strategies import ModelParallelStrategy
from torch import Tensor, nn
from torch.distributed.fsdp import FSDPModule, fully_shard
from torch.distributed.tensor import DTensor
from torch.optim import Optimizer

from polarity.content import State


class FullySharded(ModelParallelStrategy):
    """``trainer=fsdp``: each process keeps a part of every weight, and has a layer whole only while it computes.

    A checkpoint is what it is on one device: one file with whole tensors, put together by the first process.

    Zhao et al., PyTorch FSDP: Experiences on Scaling Fully Sharded Data Parallel, VLDB 2023 (arXiv 2304.11277).
    """

    def __init__(self) -> None:
        super().__init__(tensor_parallel_size=1, save_distributed_checkpoint=False)

    def setup_environment(self) -> None:
        """All processes share what there is."""
        self._data_parallel_size = self.num_nodes * self.num_processes
        super().setup_environment()

    def optimizer_state(self, optimizer: Optimizer) -> State:
        """None before the first step: torch would make one by a step at rate 0, which AdamW counts."""
        state: State = super().optimizer_state(optimizer) if optimizer.state else optimizer.state_dict()
        return state

    def load_checkpoint(self, checkpoint_path: str | Path, weights_only: bool | None = None) -> State:  # noqa: FBT001 - as Lightning has it
        """Every process reads the file, and keeps its part; no code is run."""
        state: State = super().load_checkpoint(checkpoint_path, weights_only=True)
        return state

    def shard(self, model: nn.Module) -> None:
        """Share the weights of a model out: layer by layer, and what is not in one of a list of layers together."""
        if isinstance(model, FSDPModule):
            return
        mesh = self.device_mesh["data_parallel"]
        for layers in [part for part in model.modules() if isinstance(part, nn.ModuleList)]:
            for layer in layers:
                fully_shard(layer, mesh=mesh)
        fully_shard(model, mesh=mesh)


def whole(values: Tensor) -> Tensor:
    """A tensor of which each process may only have a part."""
    return values.full_tensor() if isinstance(values, DTensor) else values
