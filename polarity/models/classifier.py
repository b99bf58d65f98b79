"""One encoder, one head per task."""

import inspect
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from itertools import chain
from typing import Any, Self

from torch import Tensor, nn
from transformers import CONFIG_MAPPING, PreTrainedModel

from polarity.content import Json
from polarity.models.components import described, own_pooling, rebuilt
from polarity.models.encoder import random_encoder, usable_attention
from polarity.models.heads import Head
from polarity.models.pooling import Pooling
from polarity.models.task_modules import TaskModules
from polarity.tasks import Task


class MultiTaskClassifier(nn.Module):
    """Encoder, pooling, dropout, shared trunk, and one head per task; every head sees every row.

    :param tasks: in the order of the logits.
    :param encoder: any encoder of transformers.
    :param pooling: is bound here, to the width of the encoder.
    :param dropout: rate of the dropout on the pooled vector.
    :param head: settings of trunk and heads, which are made here with random weights.
    """

    heads: TaskModules
    encoder: PreTrainedModel

    def __init__(
        self, *, tasks: Sequence[Task], encoder: PreTrainedModel, pooling: Pooling, dropout: float, head: Head
    ) -> None:
        super().__init__()
        width = encoder.config.hidden_size
        self.tasks = tuple(tasks)
        self.encoder = encoder
        self.pooling = pooling
        self.pooling.bind(width)
        self.dropout = nn.Dropout(dropout)
        self.trunk = head.build_trunk(width)
        self.heads = TaskModules({task.name: head.build(width, len(task.classes)) for task in self.tasks})
        self._settings = {"pooling": described(pooling), "dropout": dropout, "head": head.settings}
        # XLM-R, DistilBERT and others have no segments, though their tokenizer may number them.
        accepted = inspect.signature(encoder.forward).parameters
        self._takes_segments = "token_type_ids" in accepted and getattr(encoder.config, "type_vocab_size", 0) > 1
        # A loaded encoder comes in evaluation mode, and trainers keep the modes that they find.
        self.train()

    def forward(self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor | None = None) -> list[Tensor]:
        """Logits ``[B, classes]`` of each task, in the order of the tasks.

        :param input_ids: ``[B, L]``, padded on the right.
        :param attention_mask: ``[B, L]``, 1 for real tokens.
        :param token_type_ids: ``[B, L]``, segment of each token in text pairs; not read by encoders without segments.
        """
        features = self.features(input_ids, attention_mask, token_type_ids)
        return [self.heads[task.name](features) for task in self.tasks]

    def features(self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor | None = None) -> Tensor:
        """What all heads read, ``[B, width]``; arguments as in :meth:`forward`."""
        segments = {"token_type_ids": token_type_ids} if self._takes_segments else {}
        output = self.encoder(
            input_ids=input_ids,
            attention_mask=attention_mask,
            output_hidden_states=self.pooling.needs_layers > 0,
            **segments,
        )
        features: Tensor = self.trunk(self.dropout(self.pooling(output, attention_mask)))
        return features

    def shared_parameters(self) -> list[nn.Parameter]:
        """What all tasks train: encoder, pooling and trunk."""
        return list(chain(self.encoder.parameters(), self.pooling.parameters(), self.trunk.parameters()))

    def head_parameters(self, task: str) -> list[nn.Parameter]:
        """What only one task trains."""
        return list(self.heads[task].parameters())

    def architecture(self) -> Json:
        """All that :meth:`from_architecture` needs, in plain values that JSON can hold."""
        encoder = json.loads(self.encoder.config.to_json_string(use_diff=False))
        encoder.pop("_name_or_path", None)  # where the weights once came from is the run's business
        return {
            "tasks": [asdict(task) | {"classes": list(task.classes)} for task in self.tasks],
            "encoder": encoder | {"architectures": [type(self.encoder).__name__]},
            "attention": self.encoder.config._attn_implementation,  # noqa: SLF001 - it has no public name
            **self._settings,
        }

    @classmethod
    def from_architecture(cls, architecture: Mapping[str, Any], trust: Collection[str] = ()) -> Self:
        """A model of the same shape with random weights; no files are read.

        :param architecture: of :meth:`architecture`.
        :param trust: modules of others whose poolings it may name.
        :raises UserError: if it names code that is not trusted.
        """
        named = architecture["pooling"]
        kind: Any = Pooling
        pooling: Pooling = rebuilt(own_pooling(named) if isinstance(named, str) else named, kind, trust)
        values = architecture["encoder"]
        config = CONFIG_MAPPING[values["model_type"]].from_dict(dict(values))
        return cls(
            tasks=[Task(**{**task, "classes": tuple(task["classes"])}) for task in architecture["tasks"]],
            encoder=random_encoder(config, usable_attention(architecture["attention"]), pooler=pooling.needs_pooler),
            pooling=pooling,
            dropout=architecture["dropout"],
            head=Head(**architecture["head"]),
        )
