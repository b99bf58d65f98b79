"""Continued pretraining by masked tokens."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from transformers import MODEL_FOR_MASKED_LM_MAPPING

from polarity.data.duplicates import comparable
from polarity.errors import UserError
from polarity.models.encoder import EncoderSettings
from polarity.models.huggingface.loading import load_tokenizer
from polarity.models.huggingface.pretrained import PretrainedEncoder
from polarity.pretraining.base import Pretraining
from polarity.settings import Positive, PositiveInt, ProperFraction, Seed
from polarity.tasks import Task


class MaskedLanguageModelling(Pretraining):
    """The encoder learns to guess masked tokens of the training texts, as it once did of others.

    Gururangan et al., Don't Stop Pretraining: Adapt Language Models to Domains and Tasks, ACL 2020 (arXiv 2004.10964).
    Of the chosen tokens 80 % are masked, 10 % replaced by any other and 10 % left (Devlin et al., BERT, 2019). Texts
    of validation and test are not read, unless they stand in ``texts``: there those that are the same are left out.

    :param rate: share of the tokens that have to be guessed.
    :param epochs: passes over the texts.
    :param lr: peak of the rate, which rises over the first ``warmup_ratio`` of the steps and falls linearly to 0.
    :param batch_size: texts a step.
    :param seed: of masks, order and dropout; runs that differ by their own seed share what comes of it.
    :param texts: a file of further texts without labels, UTF-8, one a line; None for the training texts alone.
    """

    def __init__(
        self,
        *,
        rate: ProperFraction = 0.15,
        epochs: PositiveInt = 3,
        lr: Positive = 5e-5,
        warmup_ratio: ProperFraction = 0.1,
        batch_size: PositiveInt = 32,
        seed: Seed = 0,
        texts: str | None = None,
    ) -> None:
        if rate == 0:
            raise UserError("rate: with 0 there is nothing to guess; 0.15 is usual")
        self.rate = rate
        self.epochs = epochs
        self.lr = lr
        self.warmup_ratio = warmup_ratio
        self.batch_size = batch_size
        self.seed = seed
        self.texts = texts

    def problems(self, tasks: Sequence[Task]) -> list[str]:
        try:
            self.further(())
        except UserError as error:
            return list(error.problems)
        return []

    def further(self, hidden: Sequence[str]) -> list[str]:
        """Texts without labels, each once, without those that are the same as one of ``hidden``.

        :raises UserError: if the file cannot be read, or has none.
        """
        if self.texts is None:
            return []
        try:
            lines = Path(self.texts).read_text(encoding="utf-8").splitlines()
        except (OSError, ValueError) as error:
            raise UserError(f"texts: {self.texts} cannot be read: {error}") from error
        known = {comparable(text) for text in hidden}
        found = [line.strip() for line in dict.fromkeys(lines) if line.strip() and comparable(line) not in known]
        if not found:
            raise UserError(f"texts: {self.texts} has no text{' that is not evaluated' if hidden else ''}")
        return found

    def misfits(self, model: EncoderSettings) -> list[str]:
        encoders = list(encoders_in(model))
        if not encoders:
            return [f": mlm trains an encoder that reads tokens, and {model.title} has none; use pretraining=none"]
        return [problem for encoder in encoders for problem in _without_masks(encoder)]


def encoders_in(model: EncoderSettings) -> Iterator[PretrainedEncoder]:
    """Those that read tokens, in the order in which they are built."""
    if isinstance(model, PretrainedEncoder):
        yield model
    for part in vars(model).values():
        if isinstance(part, EncoderSettings):
            yield from encoders_in(part)


def _without_masks(encoder: PretrainedEncoder) -> list[str]:
    try:
        config = encoder.config()
        tokenizer = load_tokenizer(encoder.source, encoder.revision)
    except UserError:
        return []  # said of the model
    if type(config) not in MODEL_FOR_MASKED_LM_MAPPING:
        return [f": transformers has no head for masked tokens for {config.model_type!r}; use pretraining=none"]
    if tokenizer.mask_token_id is None:
        return [f": the tokenizer of {encoder.name!r} has no mask; use pretraining=none"]
    return []
