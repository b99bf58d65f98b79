"""Whether two runs came out the same: to the last bit, or within float error."""

import csv
from math import isclose
from typing import Any

import numpy as np
import pyarrow.parquet
import torch

from polarity.run import RunDirectory

ROUNDING = 1e-6
"""In shares of a number: norms of gradients may be large."""
TIMES = ("seconds", "rows_per_second")


def state(run: RunDirectory) -> dict[str, Any]:
    """What the run's resume point holds."""
    return dict(torch.load(run.resume_point, weights_only=True))


def history(run: RunDirectory) -> list[dict[str, str]]:
    """The run's history without its times."""
    with run.history.open(encoding="utf-8", newline="") as file:
        return [{name: cell for name, cell in row.items() if name not in TIMES} for row in csv.DictReader(file)]


def exposure(run: RunDirectory) -> str:
    """How often the sampler has shown each class and joint cell, by epoch."""
    return (run.details / "exposure.csv").read_text(encoding="utf-8")


def assert_same(first: Any, second: Any, where: str = "") -> None:
    """Equal to the last bit, in containers of any depth."""
    assert type(first) is type(second), where
    if isinstance(first, torch.Tensor):
        assert torch.equal(first.cpu(), second.cpu()), where
    elif isinstance(first, dict):
        assert first.keys() == second.keys(), where
        for key in first:
            assert_same(first[key], second[key], f"{where}.{key}")
    elif isinstance(first, (list, tuple)):
        assert len(first) == len(second), where
        for number, pair in enumerate(zip(first, second, strict=True)):
            assert_same(*pair, f"{where}.{number}")
    else:
        assert first == second, where


def assert_same_runs(first: RunDirectory, second: RunDirectory) -> None:
    """Both finished, with the same weights, optimizer, schedule, callbacks, history and predictions, bit for bit."""
    before, after = state(first), state(second)
    for part in ("state_dict", "optimizer_states", "lr_schedulers", "plateau"):
        assert_same(before[part], after[part], part)
    for name, value in before["callbacks"].items():
        if "ResumePoint" in name or "EarlyStopping" in name:
            assert_same(value, after["callbacks"][name], name)
    assert history(first) == history(second)
    assert exposure(first) == exposure(second)
    for run in (first, second):
        assert run.status["state"] == "finished"
    assert first.predictions("val").read_bytes() == second.predictions("val").read_bytes()
    kept = [{path.name: path.read_bytes() for path in run.epochs.iterdir()} for run in (first, second)]
    assert kept[0] == kept[1], "decisions of every epoch, each once"


def assert_close_runs(first: RunDirectory, second: RunDirectory, tolerance: float = 1e-5) -> None:
    """The same last weights, losses and scores of every epoch, and predictions, within float error."""
    weights = [state(run)["state_dict"] for run in (first, second)]
    assert weights[0].keys() == weights[1].keys()
    for name, values in weights[0].items():
        torch.testing.assert_close(values, weights[1][name], rtol=0, atol=tolerance, msg=name)
    histories = [history(run) for run in (first, second)]
    assert len(histories[0]) == len(histories[1])
    for mine, other in zip(*histories, strict=True):
        assert mine.keys() == other.keys()
        for name in mine:
            same = mine[name] == other[name]  # as nothing is, of what is not known before training
            assert same or isclose(float(mine[name]), float(other[name]), rel_tol=ROUNDING, abs_tol=tolerance), name
    assert exposure(first) == exposure(second), "to the last bit: it comes of numbers of rows"
    tables = [pyarrow.parquet.read_table(run.predictions("val")) for run in (first, second)]
    assert tables[0].schema == tables[1].schema
    for name in tables[0].column_names:
        columns = [table[name].to_numpy() for table in tables]
        if columns[0].dtype.kind == "f":
            np.testing.assert_allclose(*columns, rtol=0, atol=tolerance, err_msg=name)
        else:
            assert columns[0].tolist() == columns[1].tolist(), name
