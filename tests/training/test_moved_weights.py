"""A run whose modules get other memory whenever they are moved, as on a GPU, ends like one whose stay in place."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from torch import Tensor, nn

from tests.running import train
from tests.sameness import assert_same_runs
from tests.tiny import save_tiny_encoder

KINDS = {
    "as usual": ("sampler=joint", "regularizer=rdrop", "regularizer.warmup_epochs=0"),
    "averaged": ("callbacks=swa", "callbacks.swa.share=1.0"),
    "frozen": ("model.freeze=encoder",),
    "from a linear probe": ("head=linear", "head.init=linear_probe"),
    "adapters": ("model.lora_rank=2",),
    "n-grams": ("model=ngrams",),
    "n-grams beside": ("model=wide_deep", "model.encoder=local", "head=linear", "head.init=linear_probe"),
    "n-grams beside, as a probe": ("model=late_fusion", "model.encoder=local"),
}


@pytest.mark.parametrize(
    "kind", [kind if kind == "as usual" else pytest.param(kind, marks=pytest.mark.slow) for kind in KINDS]
)
def test_a_run_does_not_know_where_its_weights_are(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    without = ("model=local", "model.name=") if "n-grams" in kind else ()
    words = list(KINDS[kind])
    if "beside" in kind:
        words.append(f"model.encoder.name={save_tiny_encoder(tmp_path / 'encoder')}")
    usual = train(tmp_path, *words, f"output_dir={tmp_path / 'usual'}", without=without)
    apply, moved = nn.Module._apply, list[str]()

    def moving(self: nn.Module, fn: Callable[[Tensor], Tensor], *more: Any) -> nn.Module:
        moved.append(type(self).__name__)
        return apply(self, lambda values: fn(values).clone(), *more)

    monkeypatch.setattr(nn.Module, "_apply", moving)
    again = train(tmp_path, *words, f"output_dir={tmp_path / 'again'}", without=without)
    assert {"MultiTaskModule", "MultiTaskClassifier"} <= set(moved)
    assert_same_runs(usual, again)
