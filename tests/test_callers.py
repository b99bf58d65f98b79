"""From Python: what the caller has set of torch changes nothing, and is as it was afterwards."""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pandas as pd
import pytest
import torch

import polarity
from polarity.errors import UserError
from polarity.evaluation.predictions import read_predictions
from polarity.run import RunDirectory
from polarity.torch_state import CUBLAS, as_by_default
from tests.running import overrides, train

TEXTS = ["peace and war", "bread"]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    return train(tmp_path_factory.mktemp("callers"), *QUICK, rows=120)


QUICK = ("trainer.max_epochs=1", "reporting.baselines=false", "reporting.resamples=100")


@contextmanager
def another_type() -> Iterator[None]:
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(torch.float32)


SURROUNDINGS: dict[str, Callable[[], AbstractContextManager[object]]] = {
    "no grad": torch.no_grad,
    "inference mode": torch.inference_mode,
    "autocast": lambda: torch.autocast("cpu", dtype=torch.bfloat16),
    "another type": another_type,
    "another device": lambda: torch.device("meta"),
}


@pytest.mark.parametrize("around", SURROUNDINGS.values(), ids=SURROUNDINGS)
def test_what_stands_around_a_call_changes_no_number(
    around: Callable[[], AbstractContextManager[object]], run: RunDirectory
) -> None:
    expected = polarity.load(run.path).predict(TEXTS)
    with around():
        grad, kind = torch.is_grad_enabled(), torch.get_default_dtype()
        assert polarity.load(run).predict(TEXTS) == expected
        with as_by_default():
            assert torch.is_grad_enabled()
            assert not torch.is_inference_mode_enabled()
        assert (torch.is_grad_enabled(), torch.get_default_dtype()) == (grad, kind)


@pytest.mark.slow
@pytest.mark.parametrize("around", SURROUNDINGS.values(), ids=SURROUNDINGS)
def test_nor_one_of_training(
    around: Callable[[], AbstractContextManager[object]], run: RunDirectory, tmp_path: Path
) -> None:
    line = overrides(tmp_path, *QUICK, rows=120)
    with around():
        again = polarity.train(line)
    ours, its = (read_predictions(one.predictions("val")).tasks[0].logits for one in (again, run))
    assert np.array_equal(np.asarray(ours), np.asarray(its))


@pytest.mark.parametrize("before", [True, False])
def test_whether_algorithms_are_deterministic_is_the_callers_affair(before: bool, tmp_path: Path) -> None:
    torch.use_deterministic_algorithms(before)
    try:
        polarity.train(overrides(tmp_path, *QUICK, f"trainer.deterministic={str(not before).lower()}", rows=120))
        assert torch.are_deterministic_algorithms_enabled() is before
        assert CUBLAS not in os.environ
        with as_by_default():
            os.environ[CUBLAS] = ":4096:8"
        assert CUBLAS not in os.environ
        with patch.dict(os.environ, {CUBLAS: ":16:8"}):
            with as_by_default():
                os.environ[CUBLAS] = ":4096:8"
            assert os.environ[CUBLAS] == ":16:8"
    finally:
        torch.use_deterministic_algorithms(False)


def test_what_is_no_list_of_texts_is_refused(run: RunDirectory) -> None:
    model = polarity.load(run.path)
    table = pd.DataFrame({"comment": TEXTS})
    for given in (table, dict(table)):
        with pytest.raises(UserError, match=r"^texts: is a table; give one of its columns"):
            model.predict(given)  # type: ignore[arg-type]
    assert model.predict(table.comment) == model.predict(TEXTS)  # type: ignore[arg-type]
    with pytest.raises(UserError, match=r"^metadata: has to be a table, or a mapping of columns, got list"):
        model.predict(TEXTS, metadata=[1])  # type: ignore[arg-type]


def test_what_names_no_run_is_refused(run: RunDirectory, tmp_path: Path) -> None:
    for call, problem in (
        (lambda: polarity.compare([]), "runs: is empty; name folders of runs"),
        (lambda: polarity.compare(None), "runs: has to be a folder, or a list of folders, got None"),  # type: ignore[arg-type]
        (lambda: polarity.load(3), "run: has to be a folder, got 3"),  # type: ignore[arg-type]
        (lambda: polarity.load(b"x"), "run: has to be a folder, got b'x'"),  # type: ignore[arg-type]
        (lambda: polarity.load(run, batch_size="4"), "batch_size: must be a whole number"),  # type: ignore[arg-type]
        (lambda: polarity.load(run, batch_size=True), "batch_size: must be a whole number"),
        (lambda: polarity.train(None), "overrides: has to be a list of texts, got None"),  # type: ignore[arg-type]
        (lambda: polarity.train([1]), r"overrides: has to be a list of texts, got \[1\]"),  # type: ignore[list-item]
        (lambda: polarity.train([], config_dir=tmp_path / "nope"), "config_dir: .*nope is no folder"),
    ):
        with pytest.raises(UserError, match=f"^{problem}"):
            call()
