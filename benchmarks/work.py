"""What every side of the speed comparison is given: the same rows and settings."""

import os
from dataclasses import dataclass

import numpy as np

MAX_LENGTH = 224
BATCH = 16
ACCUMULATE = 3
HEAD_LAYERS = 2
HEAD_WIDTH = 384
DROPOUT = 0.25
ENCODER_DROPOUT = 0.1
LEARNING_RATE = 2.5e-5
HEAD_RATE = 3.0
LAYER_DECAY = 0.9
WEIGHT_DECAY = 0.03
CLIP = 0.5
WARMUP = 0.2
GAMMA = 2.5
SMOOTHING = 0.1
RDROP = 0.6
EPOCHS = 20
ROWS = int(os.environ.get("BENCH_ROWS", "768"))
"""Rows of an epoch: the same drawn rows each time, and one window of grouping by length."""
STEPS = ROWS // (BATCH * ACCUMULATE)


@dataclass(frozen=True)
class Work:
    """Two classification tasks on one set of texts.

    :param encoder: folder of the encoder and its tokenizer.
    :param texts: all training texts.
    :param labels: int64 ``[rows, tasks]``, -100 where a label is missing.
    :param weights: class weights of each task.
    :param draw: row numbers of an epoch, drawn with replacement by the sampler; the same for every side.
    :param seed: of dropout and of the order of batches.
    """

    encoder: str
    texts: list[str]
    labels: np.ndarray
    weights: list[np.ndarray]
    draw: np.ndarray
    precision: str
    seed: int
