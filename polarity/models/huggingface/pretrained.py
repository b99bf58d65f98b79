"""Which encoder a run starts from, and how its tokens become one vector per row."""

import copy
import sys
from collections.abc import Sequence
from functools import cached_property
from typing import Literal, Self

from transformers import PreTrainedConfig

from polarity.data.reading import Reader
from polarity.data.rows import Rows
from polarity.errors import UserError
from polarity.models.encoder import EncoderSettings
from polarity.models.huggingface.compatibility import family_problems
from polarity.models.huggingface.encoder import HuggingFaceEncoder
from polarity.models.huggingface.families import AttentionSetting, best_attention, dropout_settings, max_positions
from polarity.models.huggingface.loading import load_config, load_encoder, load_tokenizer, reading
from polarity.models.huggingface.lora import LowRank, Targets, idle_without_rank, lora_problems
from polarity.models.huggingface.places import EMBEDDINGS, pretrained_places
from polarity.models.huggingface.prefix import with_prefix
from polarity.models.huggingface.reader import TokenReader
from polarity.models.huggingface.sources import is_local, locate_encoder
from polarity.models.pooling import Last4MeanPooling, MeanPooling, Pooling
from polarity.settings import Name, PositiveInt, ProperFraction
from polarity.tasks import Task
from polarity.wording import times

Freeze = Literal["none", "embeddings", "encoder"]


class PretrainedEncoder(EncoderSettings):
    """A pretrained encoder of the Hugging Face hub, of a folder or of an installed package.

    :param name: an id of the hub ("google-bert/bert-base-multilingual-cased"), a folder, or "package:NAME" for a
        package that ships a folder "model".
    :param revision: commit, branch or tag on the hub; None for the newest, and for folders and packages.
    :param pooling: how token vectors become one vector, see :mod:`polarity.models.pooling`.
    :param dropout: rate of the dropout on that vector.
    :param encoder_dropout: rate of every dropout inside the encoder, on hidden states and attention weights; None for
        those that it was published with.
    :param attention: implementation of attention; "auto" for the one that trains fastest here, without computing
        padding on a CPU, see :mod:`polarity.models.huggingface.unpadded`. "flash_attention_2" needs a 16-bit
        ``trainer.precision``.
    :param gradient_checkpointing: whether to compute activations twice instead of storing them: less memory, about a
        third more time, the same gradients.
    :param freeze: what keeps its pretrained weights: "embeddings" (the table of tokens and all else below the layers,
        most of the weights of a multilingual encoder), or the whole "encoder", which then runs without dropout as well;
        with a pooling without weights its vectors are standardised.
    :param lora_rank: of low-rank adapters, see :mod:`polarity.models.huggingface.lora`, which are trained while all
        pretrained weights stay; None to train these.
    :param lora_alpha: the adapters' product is multiplied by this over the rank; None for the rank.
    :param lora_dropout: rate of the dropout on what adapters read; None for 0.
    :param lora_targets: names of the layers that have adapters; "auto" for queries and values of attention, where
        ``peft`` knows how the family calls them, "all-linear" for all.
    :param prefix: what stands before every text, and the first of a pair has it as well ("query: "). The tokenizer
        puts it there, so that it goes wherever the model goes.
    """

    def __init__(
        self,
        *,
        name: Name,
        revision: str | None = None,
        pooling: Pooling | None = None,
        dropout: ProperFraction = 0.1,
        encoder_dropout: ProperFraction | None = None,
        attention: AttentionSetting = "auto",
        gradient_checkpointing: bool = False,
        freeze: Freeze = "none",
        lora_rank: PositiveInt | None = None,
        lora_alpha: PositiveInt | None = None,
        lora_dropout: ProperFraction | None = None,
        lora_targets: Targets = "auto",
        prefix: str = "",
    ) -> None:
        problems = []
        if revision is not None and is_local(name):
            problems.append(f"revision: has no effect with {name!r}, which is not on the hub; set it to null")
        if freeze == "encoder" and encoder_dropout is not None:
            problems.append("encoder_dropout: has no effect with freeze=encoder; set it to null")
        if freeze == "encoder" and gradient_checkpointing:
            problems.append("gradient_checkpointing: has no effect with freeze=encoder; set it to false")
        if freeze != "none" and lora_rank is not None:
            problems.append("freeze: has no effect with lora_rank, which keeps all pretrained weights; set it to none")
        if lora_rank is None:
            problems += idle_without_rank(lora_alpha, lora_dropout, lora_targets)
        if problems:
            raise UserError(problems)
        self.name = name
        self.revision = revision
        self.pooling = MeanPooling() if pooling is None else pooling
        self.dropout = dropout
        self.encoder_dropout = encoder_dropout
        self.attention: AttentionSetting = attention
        self.gradient_checkpointing = gradient_checkpointing
        self.freeze: Freeze = freeze
        self.lora_rank = lora_rank
        self.lora_alpha = lora_alpha
        self.lora_dropout = lora_dropout
        self.lora_targets: Targets = lora_targets
        self.prefix = prefix

    @property
    def title(self) -> str:
        """Its name."""
        return self.name

    @property
    def dropout_rates(self) -> list[float] | None:
        """Of all dropout layers; None where they are those that the encoder was published with."""
        if self.freeze == "encoder":
            return [self.dropout]
        if self.encoder_dropout is None:
            return [self.dropout, self.lora_dropout] if self.lora_dropout else None
        return [self.dropout, self.encoder_dropout, self.lora_dropout or 0.0]

    @property
    def layered(self) -> bool:
        """Unless all are frozen."""
        return self.freeze != "encoder"

    def frozen(self) -> Self:
        """The mean of its last four layers, as a linear probe reads it."""
        return type(self)(
            name=self.name,
            revision=self.revision,
            pooling=Last4MeanPooling(),
            dropout=0.0,
            attention=self.attention,
            freeze="encoder",
            prefix=self.prefix,
        )

    @property
    def lora(self) -> LowRank | None:
        """The adapters, if there are any."""
        if self.lora_rank is None:
            return None
        return LowRank(self.lora_rank, self.lora_alpha or self.lora_rank, self.lora_dropout or 0.0, self.lora_targets)

    def problems(self, tasks: Sequence[Task]) -> list[str]:
        """Settings that the encoder's family does not have; none if its configuration cannot be read."""
        try:
            return self._family_problems(self.config())
        except UserError:
            return []  # said by :meth:`locate`

    @cached_property
    def source(self) -> str:
        """The folder or hub id of the encoder.

        :raises UserError: if it is missing or cannot be reached.
        """
        return locate_encoder(self.name, self.revision)

    def locate(self) -> None:
        """A look whether it is there, and has a readable configuration."""
        load_config(self.source, self.revision)

    def config(self) -> PreTrainedConfig:
        """The encoder's configuration, with ``encoder_dropout`` put into it."""
        config = load_config(self.source, self.revision)
        if self.encoder_dropout is not None:
            for setting in dropout_settings(config):
                setattr(config, setting, self.encoder_dropout)
        return config

    def longest(self) -> int:
        """As many tokens as it has positions for."""
        config = self.config()
        with reading("configuration", self.source):  # of which the structure is made
            return max_positions(config)

    def make_reader(self, rows: Rows | None = None) -> TokenReader:
        """The encoder's tokenizer.

        :raises UserError: if it is missing or has tokens that the encoder does not know.
        """
        tokenizer = load_tokenizer(self.source, self.revision)
        vocabulary = getattr(self.config(), "vocab_size", sys.maxsize)  # CANINE hashes characters
        if len(tokenizer) > vocabulary:
            raise UserError(
                f"model.name: the tokenizer of {self.name!r} has {times(len(tokenizer), 'token')}, "
                f"its encoder {vocabulary}"
            )
        return TokenReader(with_prefix(tokenizer, self.prefix))

    def build(self, reader: Reader | None = None) -> HuggingFaceEncoder:
        """The pretrained encoder; a pooling with weights draws them from torch's global generator.

        :raises UserError: if the weights are missing or incomplete, or a setting does not fit the encoder's family.
        """
        config = self.config()
        if problems := self._family_problems(config):
            raise UserError(f"model.{problem}" for problem in problems)
        attention = best_attention(config) if self.attention == "auto" else self.attention
        backbone = load_encoder(self.source, self.revision, config, attention, pooler=self.pooling.needs_pooler)
        for place in pretrained_places(backbone) if self.freeze != "none" else ():
            if self.freeze == "encoder" or place.name == EMBEDDINGS:
                for parameter in place.parameters:
                    parameter.requires_grad = False
        if self.gradient_checkpointing:
            backbone.activation_checkpointing_enable({"use_reentrant": False})
        pooling = copy.deepcopy(self.pooling)  # it is bound once
        auto = self.attention == "auto"
        encoder = HuggingFaceEncoder(backbone, pooling, self.dropout, unpadded=auto, lora=self.lora)
        return encoder.standardise() if encoder.is_fixed else encoder

    def _family_problems(self, config: PreTrainedConfig) -> list[str]:
        problems = [] if self.lora_rank is None else lora_problems(config, self.lora_targets)
        return problems + family_problems(
            config,
            pooling=self.pooling,
            encoder_dropout=self.encoder_dropout,
            attention=self.attention,
            gradient_checkpointing=self.gradient_checkpointing,
        )
