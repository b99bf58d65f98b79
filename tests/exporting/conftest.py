"""Finished runs to export."""

import json

import numpy as np
import pytest

from polarity.evaluation.predictions import read_predictions
from polarity.run import RunDirectory
from tests.running import train
from tests.tiny import save_tiny_encoder

LEARNT = ("optimizer.lr=1e-2", "trainer.max_epochs=4")


def telling(run: RunDirectory) -> RunDirectory:
    """The run, whose predictions differ from row to row: otherwise any model would agree, and rounding would decide."""
    for split in ("val", "test"):
        for item in read_predictions(run.predictions(split)).tasks:
            assert item.probabilities is not None
            assert np.std(item.probabilities, axis=0).min() > 0.02, (split, item.task.name)
    return run


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    """A run on single texts, with trunk and hidden layers."""
    head = ("head=deep", "head.layers=3", "head.width=64", "head.trunk_width=32", "head.trunk_dropout=0.1")
    return telling(train(tmp_path_factory.mktemp("export"), *head, "decision.standard_errors=null", *LEARNT))


@pytest.fixture(scope="session")
def left(tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    """A run whose tokenizer cuts beginnings off, and takes the names of special tokens in a text for words."""
    folder = tmp_path_factory.mktemp("export-left")
    settings = save_tiny_encoder(folder / "encoder") / "tokenizer_config.json"
    own = {"truncation_side": "left", "split_special_tokens": True}
    settings.write_text(json.dumps({**json.loads(settings.read_text("utf-8")), **own}), encoding="utf-8")
    name = (f"model.name={folder / 'encoder'}", "batching.max_length=8")
    return telling(train(folder, *name, *LEARNT, without=("model.name=",)))


@pytest.fixture(scope="session")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    """A run on text pairs; the first text is the column "source"."""
    pair = ("data.context=source", "batching.max_context=0.1")
    return telling(train(tmp_path_factory.mktemp("export-pairs"), *pair, *LEARNT))
