"""What an encoder's family cannot do, found from its configuration before any weights are read."""

from transformers import MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING, PreTrainedConfig
from transformers.utils.import_utils import is_flash_attn_2_available

from polarity.errors import nearest
from polarity.models.huggingface.families import (
    AttentionSetting,
    attention_choices,
    dropout_settings,
    encoder_class,
    has_pooler,
)
from polarity.models.pooling import Pooling


def family_problems(
    config: PreTrainedConfig,
    *,
    pooling: Pooling,
    encoder_dropout: float | None,
    attention: AttentionSetting,
    gradient_checkpointing: bool,
) -> list[str]:
    """Settings of :class:`~polarity.models.huggingface.pretrained.PretrainedEncoder` that the family does not have."""
    family, kind = config.model_type, encoder_class(config)
    decodes = config.is_encoder_decoder or type(config) in MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING
    if decodes:  # the configuration of a T5's encoder alone says that it has none
        return [f"name: {family!r} is built with a decoder, which is not supported; choose one such as BERT or XLM-R"]
    if kind is None or not isinstance(getattr(config, "hidden_size", None), int):
        return [f"name: {family!r} is no text encoder with one stack of layers; choose one such as BERT or XLM-R"]
    if (layers := getattr(config, "num_hidden_layers", 1)) < 1:
        return [f"name: the configuration of this {family!r} has {layers} layers (num_hidden_layers)"]
    problems = _pooling_problems(config, pooling)
    if encoder_dropout is not None and not dropout_settings(config):
        problems.append(f"encoder_dropout: {family!r} has no dropout that could be set; set it to null")
    choices = attention_choices(config)
    if attention not in ("auto", *choices):
        problems.append(f"attention: {family!r} has no {attention!r}{nearest(attention, ['auto', *choices])}")
    elif attention == "flash_attention_2" and not is_flash_attn_2_available():
        problems.append("attention: 'flash_attention_2' needs an NVIDIA GPU and the package flash-attn; use 'auto'")
    if gradient_checkpointing and not kind.supports_gradient_checkpointing:
        problems.append(f"gradient_checkpointing: {family!r} does not support it; set it to false")
    return problems


def _pooling_problems(config: PreTrainedConfig, pooling: Pooling) -> list[str]:
    if pooling.needs_pooler and not has_pooler(config):
        return [f"pooling: {config.model_type!r} has no pooler; cls and mean need none"]
    layers, name = getattr(config, "num_hidden_layers", 0), type(pooling).__name__
    if layers < pooling.needs_layers:
        return [f"pooling: {name} needs {pooling.needs_layers} layers, the encoder has {layers}; mean needs one"]
    return []
