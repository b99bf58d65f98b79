"""What differs between the families of Hugging Face encoders, found from their classes and configurations."""

import copy
import inspect
import sys
from contextlib import nullcontext
from typing import Any, Literal, get_args

import torch
from transformers import MODEL_MAPPING, AutoModel, PreTrainedConfig, PreTrainedModel
from transformers.initialization import no_init_weights
from transformers.utils.import_utils import is_flash_attn_2_available

from polarity.errors import nearest

AttentionName = Literal["eager", "sdpa", "flash_attention_2"]
AttentionSetting = Literal["auto", "eager", "sdpa", "flash_attention_2"]

HIDDEN_DROPOUTS = (
    "hidden_dropout_prob",  # BERT, RoBERTa, DeBERTa, ELECTRA, ...
    "hidden_dropout",
    "dropout",  # DistilBERT, XLM
    "embedding_dropout",  # ModernBERT
    "mlp_dropout",  # ModernBERT
    "activation_dropout",
    "embd_pdrop",  # GPT-2
    "resid_pdrop",  # GPT-2
    "embed_dropout",  # GPT-Neo
    "resid_dropout",  # GPT-Neo
)
ATTENTION_DROPOUTS = (
    "attention_probs_dropout_prob",  # BERT, RoBERTa, DeBERTa, ELECTRA, ...
    "attention_dropout",  # DistilBERT, ModernBERT, XLM
    "attn_pdrop",  # GPT-2
)


def encoder_class(config: PreTrainedConfig) -> type[PreTrainedModel] | None:
    """The class that ``AutoModel`` builds for a configuration, None if there is none."""
    found: Any = MODEL_MAPPING.get(type(config), None)
    kind: type[PreTrainedModel] | None = found[0] if isinstance(found, (list, tuple)) else found
    return kind


def has_pooler(config: PreTrainedConfig) -> bool:
    """Whether the family has a pooler, which can be left out."""
    kind = encoder_class(config)
    return kind is not None and "add_pooling_layer" in inspect.signature(kind.__init__).parameters


def pooler_argument(config: PreTrainedConfig, *, pooler: bool) -> dict[str, bool]:
    """The argument of the encoder's class that keeps or drops its pooler; none for families without one."""
    return {"add_pooling_layer": pooler} if has_pooler(config) else {}


def dropout_settings(config: PreTrainedConfig) -> list[str]:
    """Names of the configuration's settings that are dropout rates of hidden states or of attention."""
    return [name for name in (*HIDDEN_DROPOUTS, *ATTENTION_DROPOUTS) if hasattr(config, name)]


def attention_choices(config: PreTrainedConfig) -> list[AttentionName]:
    """The implementations of attention that a family has, whether or not they can run here."""
    kind = encoder_class(config)
    choices: list[AttentionName] = ["eager"]
    if getattr(kind, "_supports_sdpa", False):
        choices.append("sdpa")
    if getattr(kind, "_supports_flash_attn", False):
        choices.append("flash_attention_2")
    return choices


def best_attention(config: PreTrainedConfig) -> AttentionName:
    """The implementation that trains fastest here.

    With dropout on the attention weights, sdpa on a CPU takes a path that is slower than eager under bf16.
    """
    drops = any(getattr(config, name, 0) for name in ATTENTION_DROPOUTS)
    if "sdpa" not in attention_choices(config) or (drops and not torch.accelerator.is_available()):
        return "eager"
    return "sdpa"


def usable_attention(name: AttentionName) -> AttentionName:
    """``name``, or sdpa in place of flash attention where that cannot run: the same function, by another kernel."""
    if name not in get_args(AttentionName):  # transformers takes any other for code of the hub
        raise ValueError(f"attention {name!r} is not valid{nearest(name, get_args(AttentionName))}")
    return "sdpa" if name == "flash_attention_2" and not is_flash_attn_2_available() else name


def random_encoder(
    config: PreTrainedConfig, attention: AttentionName, *, pooler: bool, drawn: bool = True
) -> PreTrainedModel:
    """An encoder in float32 with random weights.

    :param pooler: whether it keeps its own pooler, where its family has one.
    :param drawn: whether they are drawn, which takes seconds for a large table; else they hold anything, and are to be
        loaded.
    """
    with nullcontext() if drawn else no_init_weights():
        encoder: PreTrainedModel = AutoModel.from_config(
            copy.deepcopy(config),
            trust_remote_code=False,
            dtype=torch.float32,
            attn_implementation=attention,
            **pooler_argument(config, pooler=pooler),
        )
    encoder.tie_weights()  # which drawing them would have done
    return encoder


def max_positions(config: PreTrainedConfig) -> int:
    """Longest row, in tokens, that an encoder can read; ``sys.maxsize`` if its configuration has no limit.

    RoBERTa counts positions from its padding index on, so its table of 514 positions serves 512 tokens.
    """
    limit = getattr(config, "max_position_embeddings", None)
    if limit is None or limit < 1:
        return sys.maxsize
    with torch.device("meta"):  # only the structure is looked at
        encoder = AutoModel.from_config(copy.deepcopy(config), trust_remote_code=False, attn_implementation="eager")
    tables = [
        len(module.weight) - (0 if module.padding_idx is None else module.padding_idx + 1)
        for name, module in encoder.named_modules()
        if name.rpartition(".")[-1] == "position_embeddings" and hasattr(module, "padding_idx")  # I-BERT has its own
    ]
    return int(min([limit, *tables]))
