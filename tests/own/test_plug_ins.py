"""Accelerators and strategies that a package of a user's own registers with Lightning."""

from pathlib import Path

import pytest
from lightning.pytorch.accelerators import AcceleratorRegistry, CPUAccelerator
from lightning.pytorch.strategies import SingleDeviceStrategy, StrategyRegistry

from polarity.errors import UserError
from polarity.train import check
from tests.command import run
from tests.running import overrides

PLUG_IN = """
from lightning.pytorch.accelerators import AcceleratorRegistry, CPUAccelerator
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.strategies import SingleDeviceStrategy, StrategyRegistry

AcceleratorRegistry.register("slow_cpu", CPUAccelerator)
StrategyRegistry.register("one_of_mine", SingleDeviceStrategy, device="cpu")


class Nothing(Callback):
    pass
"""


def test_names_that_a_plug_in_registers_are_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ["trainer.accelerator=slow_cpu", "+trainer.strategy=one_of_mine"]
    with pytest.raises(UserError) as refused:
        check(overrides(tmp_path, *names))
    assert [problem.split(" is not valid")[0] for problem in refused.value.problems] == [
        "trainer.accelerator: 'slow_cpu'",
        "trainer.strategy: 'one_of_mine'",
    ]
    of_cpu = {"accelerator": CPUAccelerator, "init_params": {}, "accelerator_name": "slow_cpu", "description": ""}
    of_mine = {"strategy": SingleDeviceStrategy, "init_params": {"device": "cpu"}, "strategy_name": "one_of_mine"}
    monkeypatch.setitem(AcceleratorRegistry, "slow_cpu", of_cpu)
    monkeypatch.setitem(StrategyRegistry, "one_of_mine", {**of_mine, "description": ""})
    check(overrides(tmp_path, *names))
    with pytest.raises(UserError, match=r"trainer.strategy: 'one_of_mind' is not valid; did you mean 'one_of_mine'\?"):
        check(overrides(tmp_path, "+trainer.strategy=one_of_mind"))


def test_a_run_trains_with_what_the_module_of_a_callback_registers(tmp_path: Path) -> None:
    (tmp_path / "plugged.py").write_text(PLUG_IN, encoding="utf-8")
    usual = [
        text
        for text in overrides(tmp_path)
        if not text.startswith(("trainer.acc", "trainer.max", "model", "batching."))
    ]
    chosen = ["model=ngrams", "trainer.max_epochs=1", "+trainer.strategy=one_of_mine", "trainer.accelerator=slow_cpu"]
    said = run("train", *usual, *chosen, "reporting.baselines=false", folder=tmp_path, code=2)
    assert "trainer.strategy: 'one_of_mine' is not valid" in said
    own = "+callbacks.own={_target_: plugged.Nothing}"
    run("train", *usual, *chosen, "reporting.baselines=false", own, folder=tmp_path)
