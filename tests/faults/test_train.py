"""Training is killed at any moment, from its first file to its last, and ends as if it had not been."""

import random
from dataclasses import dataclass
from pathlib import Path

import pytest

from polarity.run import RunDirectory
from tests.faults.trial import (
    SEED,
    SHARES,
    SIGNALS,
    Kill,
    assert_nothing_left,
    assert_one_look,
    assert_undisturbed,
    kills,
    left_alone,
    line,
    runs_in,
    through,
)

pytestmark = pytest.mark.faults

TURNS = 3
FEW = 120
"""Moments that any process of a run goes through, however little it has left to do."""
KINDS = {
    "by epochs": ("trainer.max_epochs=3", "model.encoder_dropout=0.2"),
    "by steps": (
        "trainer.max_epochs=2",
        "callbacks.resume.minutes=0",
        "batching.accumulate=3",
        "regularizer=rdrop",
        "regularizer.warmup_epochs=1",
        "sampler=joint",
        "reporting.baselines=false",
    ),
    "early end": (
        "trainer.max_epochs=8",
        "callbacks.early_stopping.patience=1",
        "callbacks.best.save_top_k=2",
        "scheduler=plateau",
        "scheduler.patience=0",
        "optimizer.lr=1e-5",
    ),
    "frozen": ("trainer.max_epochs=2", "model.freeze=encoder", "callbacks.resume.minutes=0"),
}


@dataclass(frozen=True)
class Reference:
    """A run that nothing happens to."""

    kind: str
    run: RunDirectory
    moments: list[str]


@pytest.fixture(scope="module", params=KINDS)
def reference(request: pytest.FixtureRequest, home: Path, tmp_path_factory: pytest.TempPathFactory) -> Reference:
    folder = tmp_path_factory.mktemp("reference") / "trial"
    outcome = left_alone(folder, "train", *line(home, folder, *KINDS[request.param]))
    (run,) = runs_in(folder)
    return Reference(request.param, run, outcome.moments)


@pytest.mark.kills(3)
@pytest.mark.parametrize("turn", range(TURNS))
def test_a_run_that_was_killed_three_times_ends_like_one_that_was_not(
    turn: int, reference: Reference, home: Path, tmp_path: Path
) -> None:
    folder, moments = tmp_path / "trial", reference.moments
    draw = random.Random(f"{SEED} {reference.kind} {turn}")
    again = [Kill(draw.randint(1, FEW), draw.choices(SIGNALS, SHARES)[0]) for _ in range(2)]
    first = kills(reference.kind, moments, TURNS)[turn]
    run = through(folder, line(home, folder, *KINDS[reference.kind]), [first, *again])
    assert_undisturbed(reference.run, run)
    assert_one_look(run)
    assert_nothing_left(folder)
    assert list((folder / "temp").iterdir()) == []
    assert (folder / "outputs" / "latest").read_text().strip() == run.path.name
    assert run.report.is_file()
