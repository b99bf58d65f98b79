"""An encoder that learns of the texts before it learns the tasks."""

import lightning
import numpy as np
import torch
from lightning import LightningModule, Trainer

from polarity.data.reading import Inputs
from polarity.data.rows import Rows
from polarity.files import write_json
from polarity.models.huggingface.encoder import HuggingFaceEncoder
from polarity.models.huggingface.reader import TokenReader
from polarity.pretraining.masked_tokens import Further, MaskedTokens
from polarity.pretraining.mlm import MaskedLanguageModelling, encoders_in
from polarity.pretraining.none import NoPretraining
from polarity.privacy import keeping_texts
from polarity.reports.console import RunConsole
from polarity.run import RunDirectory
from polarity.tasks import IGNORE_INDEX
from polarity.training.assembled import Assembled
from polarity.training.module import MultiTaskModule
from polarity.wording import times

FOLDER = "pretraining"
"""Of the cache."""


class ContinuedPretraining(lightning.Callback):
    """Gives the encoder the weights that it has after pretraining on the texts, before training begins."""

    def __init__(self, assembled: Assembled) -> None:
        self._assembled = assembled

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Before vectors are computed, and before weights are copied."""
        assert isinstance(pl_module, MultiTaskModule)
        chosen = self._assembled.prepared.components.pretraining
        assert isinstance(chosen, MaskedLanguageModelling)
        precision = str(trainer.precision)
        encoders = [part for part in pl_module.model.encoder.modules() if isinstance(part, HuggingFaceEncoder)]
        sources = encoders_in(self._assembled.prepared.components.model)
        run, said = RunDirectory(trainer.default_root_dir), list[str]()
        for encoder, source in zip(encoders, sources, strict=True):
            reader = source.make_reader()
            further = MaskedTokens(
                settings=chosen,
                tokenizer=reader.tokenizer,
                read=self._read(reader, chosen),
                folder=self._assembled.prepared.root.cache / FOLDER,
                device=trainer.strategy.root_device,
                precision=precision if precision == "bf16-mixed" else "32-true",
            ).train(source)
            put_into(encoder, further)
            said.append(_sentence(further))
        said = list(dict.fromkeys(said))  # two that are the same one are trained once
        if trainer.is_global_zero:
            write_json(run.pretraining, {"encoders": said})
            for sentence in said:
                RunConsole(run.log).print(f"pretraining: {sentence}")

    def _read(self, reader: TokenReader, chosen: MaskedLanguageModelling) -> Inputs:
        """The training texts and those without labels, as the run reads its rows."""
        splits, root = self._assembled.prepared.splits, self._assembled.prepared.root
        hidden = [text for name, rows in splits.items() if name != "train" for text in (*rows.text, *rows.contexts)]
        texts, rows = chosen.further(hidden), splits.train
        if texts:
            names = [f"texts-{number}" for number in range(len(texts))]
            labels = np.full((len(texts), rows.labels.shape[1]), IGNORE_INDEX)
            rows = Rows.joined([rows, Rows(names, texts, None, labels)])
        batching = self._assembled.prepared.components.batching
        return reader.inputs(rows, batching.max_length, batching.max_context, keeping_texts(root.cache))


def pretraining_of(assembled: Assembled) -> list[lightning.Callback]:
    """What comes before all else in a run that begins, if its encoder is trained further."""
    none = isinstance(assembled.prepared.components.pretraining, NoPretraining)
    return [] if none else [ContinuedPretraining(assembled)]


@torch.no_grad()
def put_into(encoder: HuggingFaceEncoder, further: Further) -> None:
    """All weights but those of a pooler, which masked tokens do not train, and of adapters, which are new."""
    for name, value in encoder.backbone.state_dict().items():
        plain = name.replace(".base_layer.", ".")
        if plain in further.weights:
            value.copy_(torch.from_numpy(np.array(further.weights[plain])))


def _sentence(further: Further) -> str:
    head = "; the head that guesses came with no weights, and began at random" if further.fresh else ""
    return (
        f"loss of masked tokens {further.before:.4f} before, {further.after:.4f} after, on "
        f"{times(further.held_out, 'text')} held out of {further.texts + further.held_out:,}{head}"
    )
