"""The ONNX graph of every family says what the model says, for any number of rows of any length."""

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch.onnx.errors import OnnxExporterError

from polarity.errors import UserError
from polarity.exporting import onnx
from polarity.exporting.onnx import GRAPH, session_of, write_onnx
from polarity.exporting.quantize import SMALL_GRAPH, write_int8
from polarity.models import Head, save_model
from polarity.posthoc import Decider
from tests.tiny import FAMILIES, TASKS, tiny_batch, tiny_classifier, tiny_reader

TEXTS = [("war",), ("Good news for the people.", "war", "They hate the awful soup " * 6), ("a",) * 9]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("family", "pooling"), [*((family, "mean") for family in FAMILIES), ("bert", "last4_mean"), ("roberta", "pooler")]
)
def test_the_graph_of_every_family_says_what_the_model_says(family: str, pooling: str, tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    torch.manual_seed(0)
    model = tiny_classifier(family, pooling=pooling, head=Head(trunk_width=8, trunk_dropout=0.1)).eval()
    save_model(model, tiny_reader(), tmp_path / "model")
    rebuilt: Any = SimpleNamespace(
        model=model,
        reader=tiny_reader(),
        decider=Decider.plain({task.name: task.classes for task in TASKS}),
        settings=SimpleNamespace(max_length=48),
        run=SimpleNamespace(model=tmp_path / "model"),
    )
    write_onnx(rebuilt, tmp_path)
    write_int8(tmp_path)
    whole, small = (session_of(tmp_path / name) for name in (GRAPH, SMALL_GRAPH))
    for texts in TEXTS:
        batch = tiny_batch(*texts)
        with torch.inference_mode():
            wanted = [values.numpy() for values in model(**batch)]
        feed = {item.name: batch[item.name].numpy() for item in whole.get_inputs()}
        logits = whole.run(None, feed)
        names = [item.name for item in whole.get_outputs()]
        assert names[:2] == ["tone.logits", "topic.logits"]
        for given, own in zip(logits[:2], wanted, strict=True):
            assert given.shape == own.shape
            assert np.abs(given - own).max() < 1e-5
        rough = small.run(None, feed)
        # How near 8 bits come is tried on trained weights (test_export_verb.py): random ones of width 16 come nowhere.
        assert [values.shape for values in rough] == [values.shape for values in logits]
        assert all(np.isfinite(values).all() for values in rough)


def test_missing_packages_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx, "PACKAGES", ("json", "no_such_package", "nor_this"))
    (problem,) = onnx.package_problems()
    assert problem.startswith("format: onnx needs no_such_package, nor_this")
    assert "polarity[export]" in problem


@pytest.mark.slow
def test_an_encoder_that_cannot_be_exported_is_a_clear_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        for stream in (sys.stdout, sys.stderr):
            print("def forward(self, ...): the whole graph", file=stream)
        cause = RuntimeError("no such operator:\nand a long trace")
        raise OnnxExporterError("Failed to export. \x1b[96mThis is step 1/3\x1b[0m") from cause

    monkeypatch.setattr("torch.onnx.export", fail)
    model = tiny_classifier().eval()
    rebuilt: Any = SimpleNamespace(
        model=model,
        reader=tiny_reader(),
        decider=Decider.plain({task.name: task.classes for task in TASKS}),
        settings=SimpleNamespace(max_length=48),
    )
    with pytest.raises(UserError, match=r"onnx cannot hold BertModel, but hf can; torch says: no such operator$"):
        write_onnx(rebuilt, tmp_path)
    assert capsys.readouterr() == ("", "")
