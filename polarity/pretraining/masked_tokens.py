"""Training an encoder to guess masked tokens, once for all runs that would do the same."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import AutoModelForMaskedLM, DataCollatorForLanguageModeling, PreTrainedModel
from transformers.optimization import get_linear_schedule_with_warmup

from polarity.data.cache import built_once
from polarity.data.reading import Inputs
from polarity.errors import UserError
from polarity.evaluation.inference import autocast
from polarity.models.huggingface.loading import origin_of, quiet_transformers
from polarity.models.huggingface.pretrained import PretrainedEncoder
from polarity.models.huggingface.tokens import TokenStore
from polarity.models.mark import ROWS_AT_ONCE, mark_of
from polarity.pretraining.corpus_vocabulary import CorpusVocabulary
from polarity.pretraining.mlm import MaskedLanguageModelling
from polarity.progress import progress
from polarity.tasks import IGNORE_INDEX

HELD_OUT, MOST_HELD_OUT = 0.05, 1_000
"""Share of the texts on which the loss is measured before and after, and how many there are at most."""
LARGEST_NORM, WEIGHT_DECAY = 1.0, 0.01
LOSSES = "losses"


@dataclass(frozen=True)
class Further:
    """What came of it.

    :param weights: of the encoder, float32, by their names.
    :param before: loss of the texts that were held out, mean over the masked tokens in nats; ``after`` likewise.
    :param texts: that were trained on, each counted once; ``held_out`` those that were not.
    :param fresh: whether the head that guesses was not among the published weights, so that it began at random.
    """

    weights: dict[str, np.ndarray]
    before: float
    after: float
    texts: int
    held_out: int
    fresh: bool


@dataclass(frozen=True)
class MaskedTokens:
    """How, on what, and where it is kept.

    :param tokenizer: of the encoder.
    :param read: token ids of the texts.
    :param folder: of the cache.
    """

    settings: MaskedLanguageModelling
    tokenizer: Any
    read: Inputs
    folder: Path
    device: torch.device
    precision: str

    def train(self, source: PretrainedEncoder) -> Further:
        """The encoder of ``source``, trained further; no random number of this process is used up.

        It is kept by all that it depends on: weights, tokens, settings, versions and device. It is written when it is
        done, so that a process that is killed leaves nothing behind.
        """
        devices = [self.device] if self.device.type == "cuda" else []
        with torch.random.fork_rng(devices):
            torch.manual_seed(self.settings.seed)
            model, fresh = _with_head(source)
            values = {name: value for name, value in self.settings.settings.items() if name != "texts"}
            made_by = [
                "corpus vocabulary, distinct texts",
                values,
                source.config().to_dict(),
                self.precision,
                self.device.type,
                torch.get_num_threads(),
            ]
            mark = mark_of(made_by, model.state_dict().items(), self.read)
            kept = built_once(self.folder / mark, lambda: self._trained(model))
        before, after = kept.pop(LOSSES).tolist()
        held_out = self._held_out()
        return Further(kept, before, after, len(self.distinct) - held_out, held_out, fresh)

    @cached_property
    def distinct(self) -> np.ndarray:
        """Numbers of the rows that have other tokens than all before them: a copy would tell what is held out."""
        first: dict[bytes, int] = {}
        for start in range(0, len(self.read), ROWS_AT_ONCE):
            batch = self.read.batch(np.arange(start, min(start + ROWS_AT_ONCE, len(self.read))))
            pairs = zip(batch["input_ids"].numpy(), batch["attention_mask"].numpy(), strict=True)
            for number, (ids, mask) in enumerate(pairs, start):
                first.setdefault(ids[mask > 0].tobytes(), number)
        return np.array(list(first.values()))

    def _held_out(self) -> int:
        return min(MOST_HELD_OUT, max(1, round(HELD_OUT * len(self.distinct))))

    def _trained(self, model: PreTrainedModel) -> dict[str, np.ndarray]:
        order = np.random.default_rng(self.settings.seed).permutation(self.distinct)
        held_out, texts = order[: self._held_out()], order[self._held_out() :]
        vocabulary = self._vocabulary(model)
        model.to(device=self.device)  # type: ignore[call-arg]
        before = self._loss(model, vocabulary, held_out)
        self._fit(model, vocabulary, texts)
        losses = np.array([before, self._loss(model, vocabulary, held_out)])
        base = vocabulary.state(model.base_model)
        return {LOSSES: losses, **{name: value.cpu().float().numpy() for name, value in base.items()}}

    def _vocabulary(self, model: PreTrainedModel) -> CorpusVocabulary:
        """The tokens of the texts, and those that stand for no word."""
        seen = np.zeros(max(len(self.tokenizer), model.config.vocab_size), dtype=bool)
        if isinstance(self.read, TokenStore):
            seen |= self.read.seen(len(seen))
        seen[self.tokenizer.all_special_ids] = True
        return CorpusVocabulary(model, seen[: model.config.vocab_size])

    def _fit(self, model: PreTrainedModel, vocabulary: CorpusVocabulary, texts: np.ndarray) -> None:
        chosen, masks = self.settings, self._masks()
        generator = np.random.default_rng([chosen.seed, 1])
        steps = chosen.epochs * -(-len(texts) // chosen.batch_size)
        optimizer = torch.optim.AdamW(model.parameters(), lr=chosen.lr, weight_decay=WEIGHT_DECAY)
        schedule = get_linear_schedule_with_warmup(optimizer, int(chosen.warmup_ratio * steps), steps)
        model.train()
        with progress("masked tokens", chosen.epochs * len(texts)) as advance:
            for _ in range(chosen.epochs):
                for rows in self._batches(generator.permutation(texts)):
                    total, guessed = self._guess(model, vocabulary, rows, masks)
                    (total / guessed.clamp(min=1)).backward()  # type: ignore[no-untyped-call]
                    torch.nn.utils.clip_grad_norm_(model.parameters(), LARGEST_NORM)
                    optimizer.step()
                    schedule.step()
                    optimizer.zero_grad()
                    advance(len(rows))

    @torch.inference_mode()
    def _loss(self, model: PreTrainedModel, vocabulary: CorpusVocabulary, rows: np.ndarray) -> float:
        """Mean over the masked tokens of some rows, by the same masks each time."""
        model.eval()
        masks = self._masks()
        sums = [self._guess(model, vocabulary, batch, masks) for batch in self._batches(rows)]
        guessed = sum(float(count) for _, count in sums)
        return sum(float(total) for total, _ in sums) / guessed if guessed else float("nan")

    def _batches(self, rows: np.ndarray) -> Iterator[np.ndarray]:
        size = self.settings.batch_size
        return (rows[start : start + size] for start in range(0, len(rows), size))

    def _masks(self) -> DataCollatorForLanguageModeling:
        made = DataCollatorForLanguageModeling(
            self.tokenizer, mlm_probability=self.settings.rate, seed=self.settings.seed
        )
        made.generator = made.get_generator(self.settings.seed)  # create_rng() refuses any child of multiprocessing
        return made

    def _guess(
        self,
        model: PreTrainedModel,
        vocabulary: CorpusVocabulary,
        rows: np.ndarray,
        masks: DataCollatorForLanguageModeling,
    ) -> tuple[Tensor, Tensor]:
        """Sum of the cross-entropies of the masked tokens of a batch, and how many there are."""
        batch = self.read.batch(rows)
        special = torch.isin(batch["input_ids"], torch.tensor(self.tokenizer.all_special_ids))
        masked, labels = masks.torch_mask_tokens(batch["input_ids"].clone(), special)
        inputs = {"input_ids": vocabulary.rows(masked), "attention_mask": batch["attention_mask"]}
        places = labels != IGNORE_INDEX
        wanted, places = vocabulary.rows(labels[places]).to(self.device), places.to(self.device)
        with autocast(self.device, self.precision), _at(places, model.base_model):
            logits = model(**{name: value.to(self.device) for name, value in inputs.items()}).logits[0]
        return F.cross_entropy(logits.float(), wanted, reduction="sum"), places.sum()


@contextmanager
def _at(places: Tensor, encoder: nn.Module) -> Iterator[None]:
    """The head sees these tokens alone, as one row: a vocabulary of 250,000 is too much for all of them."""

    def keep(_module: nn.Module, _inputs: Any, output: Any) -> Any:
        output.last_hidden_state = output.last_hidden_state[places][None]
        return output

    hook = encoder.register_forward_hook(keep)
    try:
        yield
    finally:
        hook.remove()


def _with_head(source: PretrainedEncoder) -> tuple[PreTrainedModel, bool]:
    """The published encoder in float32 with the head that guesses; whether that begins at random.

    :raises UserError: if weights of the encoder are missing.
    """
    with quiet_transformers():
        model, info = AutoModelForMaskedLM.from_pretrained(
            source.source,
            trust_remote_code=False,
            config=source.config(),
            dtype=torch.float32,
            output_loading_info=True,
            **origin_of(source.source, source.revision),
        )
    missing = sorted(info["missing_keys"])
    lost = [name for name in missing if name.startswith(f"{model.base_model_prefix}.")]
    if lost:
        raise UserError(f"model.name: the weights in {source.source} lack {', '.join(lost[:5])}")
    return model, bool(missing)
