"""Weights that no training row can teach anything are not trained."""

from itertools import product

import lightning
from lightning import LightningModule, Trainer

from polarity.content import State
from polarity.models.huggingface.seen_tokens import SeenTokens
from polarity.training.assembled import Assembled
from polarity.training.module import MultiTaskModule
from polarity.training.sharded_module import ShardedModule


class NarrowedTables(lightning.Callback):
    """Has the encoder leave out of training what the training rows never reach; but sharded models stay whole."""

    def __init__(self, assembled: Assembled) -> None:
        self._assembled = assembled

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """After the encoder has its weights, before these are copied, and before there is an optimizer."""
        assert isinstance(pl_module, MultiTaskModule)
        if not isinstance(pl_module, ShardedModule):
            pl_module.model.encoder.narrow(self._assembled.data.inputs["train"])

    def on_load_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: State) -> None:
        """Take what is trained from moments of whole tables, which earlier versions had."""
        tables = [module for module in pl_module.modules() if isinstance(module, SeenTokens)]
        for optimizer in checkpoint["optimizer_states"]:
            for table, moments in product(tables, optimizer["state"].values()):
                whole = {name: value for name, value in moments.items() if value.shape == table.whole.shape}
                moments.update({name: value[table.tokens.to(value.device)] for name, value in whole.items()})
