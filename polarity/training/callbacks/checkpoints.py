"""The best checkpoints by the monitored score."""

import warnings
from pathlib import Path

from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import ModelCheckpoint

from polarity.content import State
from polarity.parts import unfinished
from polarity.run import RunDirectory
from polarity.settings import PositiveInt
from polarity.training.manifest import Manifest


class BestCheckpoints(ModelCheckpoint):
    """Keeps the ``save_top_k`` best checkpoints of the monitored score, at the end of epochs.

    One that a better one has outdone goes when the resume point, which is saved after it, knows the better one: a run
    that is killed in between goes on from a point where the outdone one is the best.

    :param monitor: name of the score.
    :param mode: ``max`` or ``min``.
    :param save_top_k: how many are kept.
    """

    def __init__(self, *, monitor: str, mode: str, save_top_k: PositiveInt = 1) -> None:
        super().__init__(
            monitor=monitor,
            mode=mode,
            save_top_k=save_top_k,
            filename="epoch={epoch}-step={step}",
            auto_insert_metric_name=False,  # names of scores hold slashes, which would make nested folders
            enable_version_counter=False,
        )

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Checkpoints lie in the run's folder."""
        self.dirpath = str(RunDirectory(trainer.default_root_dir).checkpoints)
        with warnings.catch_warnings():  # a resumed run finds its own checkpoints there
            warnings.filterwarnings("ignore", message="Checkpoint directory .* exists and is not empty")
            super().setup(trainer, pl_module, stage)

    def on_sanity_check_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """The state that training begins with is a candidate like any epoch's, if it was validated."""
        self._save_topk_checkpoint(trainer, self._monitor_candidates(trainer))

    def _save_checkpoint(self, trainer: Trainer, filepath: str) -> None:
        """Noted before it is in its place: a run that is killed in its first epoch may have no other."""
        path = Path(filepath)
        with unfinished(path) as part:  # each process has a name of its own; the first one writes
            super()._save_checkpoint(trainer, str(part))
            self._last_checkpoint_saved = filepath
            if trainer.is_global_zero:
                best = Path(self.best_model_path).name
                Manifest(RunDirectory(trainer.default_root_dir)).add_best(part, path.name, best)
                part.replace(path)

    def _remove_checkpoint(self, trainer: Trainer, filepath: str) -> None:
        """Not yet."""

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Remove those that were outdone in the last epoch, by this process or by one that was killed."""
        for path in Path(str(self.dirpath)).glob("epoch=*.ckpt"):
            if str(path) not in self.best_k_models:
                super()._remove_checkpoint(trainer, str(path))

    def on_fit_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """As above."""
        self.on_train_epoch_start(trainer, pl_module)

    def load_state_dict(self, state_dict: State) -> None:
        """Find the kept checkpoints again, also after the run's folder was moved."""
        folder = Path(str(self.dirpath))
        here = {str(folder / Path(path).name): value for path, value in state_dict["best_k_models"].items()}
        self.best_k_models = {path: value for path, value in here.items() if Path(path).exists()}
        for name in ("best_model_score", "current_score", "kth_value"):
            setattr(self, name, state_dict[name])
        for name in ("best_model_path", "kth_best_model_path"):
            setattr(self, name, str(folder / Path(state_dict[name]).name) if state_dict[name] else "")
        self._last_global_step_saved = state_dict.get("_last_global_step_saved", 0)
