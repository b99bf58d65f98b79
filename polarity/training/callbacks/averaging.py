"""The mean of the weights of the last part of training."""

from typing import Any

from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import WeightAveraging
from torch.optim.swa_utils import get_swa_multi_avg_fn

from polarity.config.averages import averaged_steps
from polarity.content import State
from polarity.settings import PositiveFraction


class StochasticWeightAveraging(WeightAveraging):
    """The plain mean of the weights after each step of the last part of a run; until then, the weights as they are.

    It is what is validated, kept and exported. The schedule of the learning rate stays as it is, other than in Izmailov
    et al. 2018 (Averaging Weights Leads to Wider Optima and Better Generalization, arXiv 1803.05407), who keep it high:
    so the mean is that of the end of fine-tuning. A run that is stopped before that part has nothing to average.

    :param share: of the steps that ``trainer.max_epochs`` and ``trainer.max_steps`` plan: how many, the last ones, are
        averaged.
    """

    def __init__(self, *, share: PositiveFraction = 0.5) -> None:
        super().__init__(
            use_buffers=False,  # they hold the encoder's position numbers, which have no mean
            # In place: what torch does on a CPU by itself makes three copies of all weights at each step.
            multi_avg_fn=get_swa_multi_avg_fn(),  # type: ignore[no-untyped-call]
        )
        self.share = share
        self._begun = False

    def on_train_batch_end(self, trainer: Trainer, pl_module: LightningModule, *args: Any) -> None:
        """Take the weights of this step into the mean, if it is one of the last part."""
        planned = trainer.estimated_stepping_batches
        if trainer.global_step <= planned - averaged_steps(self.share, int(planned)):
            return
        if not self._begun:
            self._begun = True
            self._restart()
        super().on_train_batch_end(trainer, pl_module, *args)

    def on_validation_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Put the mean in the place of the weights."""
        self._follow(pl_module)
        super().on_validation_epoch_start(trainer, pl_module)

    def on_save_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: State) -> None:
        """The mean is what the checkpoint is about; the weights that training goes on from are kept beside it."""
        self._follow(pl_module)
        super().on_save_checkpoint(trainer, pl_module, checkpoint)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """The mean is what training has come to."""
        self._follow(pl_module)
        super().on_train_end(trainer, pl_module)

    def state_dict(self) -> State:
        """Where it stands."""
        return {**super().state_dict(), "begun": self._begun}

    def load_state_dict(self, state_dict: State) -> None:
        """Go on from there."""
        super().load_state_dict(state_dict)
        self._begun = state_dict["begun"]

    def _restart(self) -> None:
        assert self._average_model is not None
        self._average_model.n_averaged.zero_()  # the next update copies

    def _follow(self, pl_module: LightningModule) -> None:
        """Be the weights, as long as there is no mean of them."""
        if self._average_model is not None and not self._begun:
            self._restart()
            self._average_model.update_parameters(pl_module)
