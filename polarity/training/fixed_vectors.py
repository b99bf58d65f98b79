"""An encoder that does not train computes its vectors once: for the run, and for the next ones on the same texts."""

import hashlib
import json

import lightning
import numpy as np
import torch
from filelock import FileLock
from lightning import LightningModule, Trainer

from polarity.data.cache import cached_arrays
from polarity.data.plan import EvalBatches
from polarity.data.reading import Inputs
from polarity.data.vectors import VECTORS
from polarity.evaluation.inference import autocast, in_order
from polarity.models.encoder import Encoder
from polarity.progress import progress
from polarity.training.assembled import Assembled
from polarity.training.module import MultiTaskModule

ROWS_AT_ONCE = 1_000


class FixedVectors(lightning.Callback):
    """Puts vectors in place of the texts before training, as far as the encoder says that they never change.

    They lie in the cache by the weights, the inputs, and all else that decides their bits. Validation is computed in
    the batches in which the finished run is scored, so that both give the same.
    """

    def __init__(self, assembled: Assembled) -> None:
        self.data, self.cache = assembled.data, assembled.prepared.root.cache / VECTORS

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Before Lightning asks for batches, which it does to count them."""
        assert isinstance(pl_module, MultiTaskModule)
        encoder = pl_module.model.encoder

        def compute(part: Encoder, inputs: Inputs) -> np.ndarray:
            settings = [self.data.eval_batch_size, trainer.world_size, str(trainer.precision)]
            place = [str(trainer.strategy.root_device.type), torch.__version__, torch.get_num_threads()]
            folder = self.cache / _mark(part, inputs, [*settings, *place])
            self.cache.mkdir(parents=True, exist_ok=True)
            with FileLock(folder.with_suffix(".lock")):  # one device computes, the others read
                return cached_arrays(folder, lambda: {VECTORS: self._computed(trainer, part, inputs)})[VECTORS]

        self.data.fix(lambda inputs: encoder.fix(inputs, compute))

    @torch.inference_mode()
    def _computed(self, trainer: Trainer, part: Encoder, inputs: Inputs) -> np.ndarray:
        device, training = trainer.strategy.root_device, part.training
        part.to(device).eval()
        rows, vectors = [], []
        with autocast(device, str(trainer.precision)), progress("vectors", len(inputs)) as advance:
            for rank in range(trainer.world_size):
                for planned in EvalBatches(
                    lengths=inputs.lengths,
                    batch_size=self.data.eval_batch_size,
                    rank=rank,
                    world_size=trainer.world_size,
                ):
                    batch = {name: value.to(device) for name, value in inputs.batch(planned.rows).items()}
                    rows.append(torch.from_numpy(planned.rows))
                    vectors.append(part.before(**batch).float().cpu())
                    advance(len(planned.rows))
        part.train(training)
        return in_order(rows, vectors, len(inputs))


def _mark(part: Encoder, inputs: Inputs, settings: list[object]) -> str:
    """A name for vectors: equal for equal weights, inputs and settings only."""
    digest = hashlib.blake2b(json.dumps([part.architecture(), *settings], sort_keys=True).encode(), digest_size=16)
    for name, weight in part.state_dict().items():
        digest.update(name.encode())
        digest.update(weight.detach().cpu().float().numpy().tobytes())
    for start in range(0, len(inputs), ROWS_AT_ONCE):
        rows = np.arange(start, min(start + ROWS_AT_ONCE, len(inputs)))
        for name, value in inputs.batch(rows).items():
            digest.update(f"{name}{tuple(value.shape)}".encode())
            digest.update(value.numpy().tobytes())
    return digest.hexdigest()
