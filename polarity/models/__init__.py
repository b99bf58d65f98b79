"""Models: a pretrained encoder, a pooling, an optional shared trunk, and one head per task."""

from polarity.models.classifier import MultiTaskClassifier
from polarity.models.heads import Head
from polarity.models.pretrained import PretrainedEncoder
from polarity.models.saving import load_model, save_model

__all__ = ["Head", "MultiTaskClassifier", "PretrainedEncoder", "load_model", "save_model"]
