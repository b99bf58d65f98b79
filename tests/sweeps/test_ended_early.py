"""Searches that end runs early, with real ones: by their epochs, and by their first seeds."""

from pathlib import Path

import pytest

from polarity.sweeps.job import Job
from tests.running import overrides
from tests.sweeping import only_sweep, sweep

pytestmark = pytest.mark.slow

RANDOM = ("hydra/sweeper=optuna", "hydra.sweeper.sampler=random", "reporting.baselines=false")
SLOWLY = "+callbacks.unhurried={_target_: tests.misfortune.Unhurried, seconds: 2}"


def begun(job: Job) -> int:
    """How often."""
    return job.run.environment.read_text().count('"command"')


def test_a_run_whose_epochs_are_worse_than_those_of_five_others_is_pruned_and_stays_so(tmp_path: Path) -> None:
    rates = "optimizer.lr=choice(5e-3,4e-3,3e-3,2e-3,2e-9,1e-9)"  # the last two learn nothing; the seed asks them last
    line = ["-m", *overrides(tmp_path, *RANDOM, SLOWLY, rates, "hydra.sweeper.pruner=median", "seed=2", rows=120)]
    line += ["trainer.max_epochs=5", "hydra.sweeper.trials=6"]
    said = " ".join(sweep(*line).split())
    assert "job 6 pruned" in said
    assert "1 pruned job took part in the choice as well" in said
    found = only_sweep(tmp_path)
    *whole, pruned = found.jobs
    assert [job.state for job in found.jobs] == ["finished"] * 5 + ["pruned"]
    assert pruned.changed == ["optimizer.lr=2e-09"]
    assert len(pruned.epochs) < 5
    assert pruned.run.status["error"] == "its epochs were worse than those of others (median)"
    assert 'data-state="pruned"' in (found.path / "sweep.html").read_text("utf-8")
    assert "nothing is missing" in sweep(*line)
    assert [begun(job) for job in (*whole, pruned)] == [1] * 6
    assert only_sweep(tmp_path).jobs[-1].state == "pruned"


def test_a_configuration_whose_first_seed_is_hopeless_gets_no_second_one(tmp_path: Path) -> None:
    line = ["-m", *overrides(tmp_path, *RANDOM, "optimizer.lr=choice(5e-3,4e-3,1e-9)", "seed=10")]
    line += ["trainer.max_epochs=4", "hydra.sweeper.seeds=2"]
    said = sweep(*line)
    found = only_sweep(tmp_path)
    assert [job.state for job in found.jobs] == ["finished"] * 5
    assert [job.changed[0] for job in found.jobs].count("optimizer.lr=1e-09") == 1
    assert said.count("hopeless after 1 seed") == 1
    (alone,) = (job.name for job in found.jobs if job.changed[0] == "optimizer.lr=1e-09")
    assert f"no candidates, since they have fewer seeds than the others: {alone}" in " ".join(said.split())
    assert "the best of 2, chosen on these rows" in " ".join(said.split())
    assert "nothing is missing" in sweep(*line)
    assert [begun(job) for job in found.jobs] == [1] * 5
