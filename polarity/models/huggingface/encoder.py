"""Any encoder of transformers, with its pooling: tokens to one vector per row."""

import inspect
import json
from collections.abc import Collection, Mapping
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call
from transformers import CONFIG_MAPPING, PreTrainedModel

from polarity.content import Json
from polarity.data.reading import Inputs, Reader
from polarity.models.components import described, own_pooling, rebuilt
from polarity.models.dropout import use_cheap_dropout
from polarity.models.encoder import ENCODER, Encoder, Place
from polarity.models.huggingface.attention import CHEAP, ON_GPU, answering, attending, use_unplanned_attention
from polarity.models.huggingface.families import random_encoder, usable_attention
from polarity.models.huggingface.lora import LowRank, merge, merged_weights
from polarity.models.huggingface.places import pretrained_places
from polarity.models.huggingface.probing import check_reading
from polarity.models.huggingface.reader import TokenReader
from polarity.models.huggingface.seen_tokens import train_seen_tokens
from polarity.models.huggingface.tokens import TokenStore
from polarity.models.huggingface.unpadded import FAMILIES, pays, unpadded
from polarity.models.pooling import Pooling
from polarity.models.standard import Standard


class HuggingFaceEncoder(Encoder):
    """An encoder of transformers, a pooling over its tokens, and a dropout on the pooled vector.

    :param backbone: any encoder of transformers.
    :param pooling: is bound here, to the width of the encoder.
    :param dropout: rate of the dropout on the pooled vector.
    :param unpadded: whether training and answering compute nothing for padding, where the family can and it pays.
    :param lora: adapters that are trained in place of the backbone's weights; None to have none.
    """

    reader = TokenReader
    backbone: PreTrainedModel

    def __init__(
        self,
        backbone: PreTrainedModel,
        pooling: Pooling,
        dropout: float,
        *,
        unpadded: bool = False,
        lora: LowRank | None = None,
    ) -> None:
        super().__init__()
        self.width = backbone.config.hidden_size
        self.backbone = backbone
        if getattr(backbone.config, "attention_type", None) == "block_sparse":
            # BigBird goes over to this at its first short batch, and stays: answers would depend on earlier ones
            backbone.set_attention_type("original_full")  # type: ignore[operator]
            backbone.config.attention_type = "original_full"
        use_cheap_dropout(backbone)
        use_unplanned_attention()
        self.pooling = pooling
        self.pooling.bind(self.width)
        self.standard: nn.Module = nn.Identity()
        self.dropout = nn.Dropout(dropout)
        # XLM-R, DistilBERT and others have no segments, though their tokenizer may number them.
        accepted = inspect.signature(backbone.forward).parameters
        self.takes_segments = "token_type_ids" in accepted and getattr(backbone.config, "type_vocab_size", 0) > 1
        # A checkpointed layer runs again in the backward pass, when attention is the padded one's again.
        # A decoder's tokens do not see what follows, which the pass by rows does not know.
        plain = backbone.is_activation_checkpointing or getattr(backbone.config, "is_decoder", False)
        self.unpadded = unpadded and self.family in FAMILIES and not plain
        self.lora = lora
        if lora is not None:
            lora.add_to(backbone)

    @property
    def title(self) -> str:
        """The class that transformers has for it."""
        return type(self.backbone).__name__

    @property
    def family(self) -> str:
        """As transformers names it."""
        return str(self.backbone.config.model_type)

    @property
    def attention(self) -> str:
        """The implementation that is in use."""
        return str(self.backbone.config._attn_implementation)  # noqa: SLF001 - it has no public name

    def forward(self, **inputs: Tensor) -> Tensor:
        """Vectors ``[B, width]``, after dropout; arguments as in :meth:`before`."""
        return self.after(self.before(**inputs))

    def before(  # type: ignore[override]
        self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor | None = None
    ) -> Tensor:
        """Vectors ``[B, width]`` as pooled.

        :param input_ids: ``[B, L]``, padded on the right.
        :param attention_mask: ``[B, L]``, 1 for real tokens.
        :param token_type_ids: ``[B, L]``, segment of each token in text pairs; not read by encoders without segments.
        """
        inputs = {"input_ids": input_ids, "attention_mask": attention_mask}
        if self.takes_segments and token_type_ids is not None:
            inputs["token_type_ids"] = token_type_ids
        vectors: Tensor = self.pooling(self._output(inputs), attention_mask)
        return vectors

    def _output(self, inputs: dict[str, Tensor]) -> Any:
        """Of the backbone, by the fastest way to the same numbers."""
        layers, training = self.pooling.needs_layers, self.backbone.training
        whole = {"output_hidden_states": layers > 0, **inputs}
        if self.lora is not None and not self.training:  # adapters answer as what they are exported as
            return functional_call(self.backbone, merged_weights(self.backbone), (), whole)
        if not self.unpadded or torch.compiler.is_compiling():  # an export traces the plain pass
            return self.backbone(**whole)
        if (training or not torch.is_grad_enabled()) and pays(inputs["attention_mask"], training=training):
            return unpadded(self.backbone, layers=layers, pooler=self.pooling.needs_pooler, **inputs)
        with attending(self.backbone.config, self._attention_for(inputs["input_ids"])):
            return self.backbone(**whole)

    def _attention_for(self, input_ids: Tensor) -> str:
        if self.attention == "eager":
            return CHEAP if self.backbone.training else answering(input_ids)
        return ON_GPU if input_ids.device.type != "cpu" and self.attention == "sdpa" else self.attention

    @property
    def token_table(self) -> nn.Embedding | None:
        """That of its backbone, unless only some tokens of it are trained, or adapters are beside it."""
        table: Any = self.backbone.get_input_embeddings()
        return table if type(table) is nn.Embedding else None

    @property
    def is_fixed(self) -> bool:
        """Whether all weights are frozen, and the pooling has none."""
        return not any(weight.requires_grad for part in (self.backbone, self.pooling) for weight in part.parameters())

    def after(self, vectors: Tensor) -> Tensor:
        """Standardised, if they are, and their dropout."""
        dropped: Tensor = self.dropout(self.standard(vectors))
        return dropped

    def standardise(self) -> Self:
        """From now on standardise vectors, by what they will be over the training rows."""
        self.standard = Standard(self.width)
        return self

    def adapt(self, other: Encoder) -> None:
        """Heads that come from another run go on with vectors as they know them, standardised or not.

        The other one gets adapters where this one has them.
        """
        if isinstance(other, HuggingFaceEncoder):
            self.standard = Standard(self.width) if isinstance(other.standard, Standard) else nn.Identity()
            if self.lora is not None:
                self.lora.add_to(other.backbone)

    def settle(self, vectors: np.ndarray) -> None:
        """Mean and scale, where vectors are standardised, unless they came with the weights of another run."""
        if isinstance(self.standard, Standard) and not self.standard.fitted:
            self.standard.fit(torch.from_numpy(np.array(vectors)))

    def train(self, mode: bool = True) -> Self:  # noqa: FBT001, FBT002 - the signature of torch
        """As usual; a backbone that keeps all its weights goes on without dropout."""
        super().train(mode)
        if not any(parameter.requires_grad for parameter in self.backbone.parameters()):
            self.backbone.eval()
        return self

    def narrow(self, inputs: Inputs) -> None:
        """Of the table of tokens, train those of the training rows."""
        if isinstance(inputs, TokenStore):
            train_seen_tokens(self.backbone, inputs)

    def merge(self) -> None:
        if self.lora is not None:
            merge(self.backbone)
            self.lora, self.unpadded = None, False  # it answers in the pass in which it was validated

    def places(self) -> list[Place]:
        """Those of the backbone, and the pooling, which is new."""
        return [*pretrained_places(self.backbone), Place("pooling", list(self.pooling.parameters()))]

    def check(self, reader: Reader, inputs: Inputs) -> None:
        """Refuse an encoder whose answer depends on padding, and a pooling that gives all rows the same vector."""
        assert isinstance(reader, TokenReader)
        assert isinstance(inputs, TokenStore)
        check_reading(self, inputs, reader.tokenizer)

    def architecture(self) -> Json:
        config = json.loads(self.backbone.config.to_json_string(use_diff=False))
        config.pop("_name_or_path", None)  # where the weights once came from is the run's business
        return {
            ENCODER: config | {"architectures": [type(self.backbone).__name__]},
            "attention": self.attention,
            "pooling": described(self.pooling),
            "dropout": self.dropout.p,
            **({"unpadded": True} if self.unpadded else {}),
            **({"standardised": True} if isinstance(self.standard, Standard) else {}),
            **({} if self.lora is None else {"lora": self.lora.settings()}),
        }

    @classmethod
    def from_architecture(cls, architecture: Mapping[str, Any], trust: Collection[str] = ()) -> Self:
        named = architecture["pooling"]
        kind: Any = Pooling
        pooling: Pooling = rebuilt(own_pooling(named) if isinstance(named, str) else named, kind, trust)
        values = architecture[ENCODER]
        config = CONFIG_MAPPING[values["model_type"]].from_dict(dict(values))
        attention = usable_attention(architecture["attention"])
        backbone = random_encoder(config, attention, pooler=pooling.needs_pooler, drawn=False)
        lora = LowRank(**architecture["lora"]) if "lora" in architecture else None
        unpadded = architecture.get("unpadded", False)
        encoder = cls(backbone, pooling, architecture["dropout"], unpadded=unpadded, lora=lora)
        return encoder.standardise() if architecture.get("standardised") else encoder

    def name_in_file(self, key: str) -> str:
        """The backbone's weights as its family names them, so that ``AutoModel`` reads the file."""
        part, _, name = key.partition(".")
        if part != "backbone":
            return f"polarity.{key}"
        return f"{self.backbone.base_model_prefix}.{name}" if self.backbone.base_model_prefix else name

    def export_problems(self, form: str) -> list[str]:
        return []
