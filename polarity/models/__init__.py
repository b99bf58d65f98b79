"""Models: an encoder, an optional shared trunk, and one head per task."""

from polarity.models.classifier import MultiTaskClassifier
from polarity.models.encoder import Encoder, EncoderSettings, Place
from polarity.models.heads import Head
from polarity.models.huggingface.pretrained import PretrainedEncoder
from polarity.models.saving import load_model, save_model

__all__ = [
    "Encoder",
    "EncoderSettings",
    "Head",
    "MultiTaskClassifier",
    "Place",
    "PretrainedEncoder",
    "load_model",
    "save_model",
]
