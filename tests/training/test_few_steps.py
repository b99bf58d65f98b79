"""Runs of few steps are told that an encoder learns little in them, and how many epochs have enough."""

from pathlib import Path

import pytest

from polarity.training.few_steps import few_steps
from tests.running import train

QUIET = ("reporting.baselines=false", "reporting.resamples=100", "trainer.max_epochs=1")


@pytest.mark.parametrize(
    ("steps", "in_epoch", "advice"),
    [
        (44, 11, "trainer.max_epochs=12 has 132"),
        (99, 33, "trainer.max_epochs=4 has 132"),
        (10, 1, "trainer.max_epochs=20 has 20"),
        (9, 1, None),  # tries whether all works
        (100, 25, None),
        (20, 1, None),  # no more epochs are advised
        (40, 1, None),
    ],
)
def test_the_advice_has_enough_steps(steps: int, in_epoch: int, advice: str | None) -> None:
    said = few_steps(steps, in_epoch)
    assert [line.rpartition("; ")[2] for line in said] == ([] if advice is None else [advice])


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ((), True),
        (("model.freeze=encoder",), False),  # nothing is taught to it
        (("head=linear", "head.init=linear_probe"), False),  # begins as what few rows can teach
        (("trainer.max_steps=2",), False),  # asked for by the number of steps
    ],
)
def test_only_runs_that_teach_an_encoder_from_scratch_are_told(
    more: tuple[str, ...], *, told: bool, tmp_path: Path
) -> None:
    log = train(tmp_path, *QUIET, *more).log.read_text("utf-8")
    assert ("teach an encoder little" in log) is told
