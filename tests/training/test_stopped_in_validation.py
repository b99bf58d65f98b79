"""A stop signal ends a validation at its next batch; the resumed run validates as if nothing had been."""

import signal
from pathlib import Path

import pytest

from polarity.run import RunDirectory
from polarity.training.run import resume_run, start_run
from tests.misfortune import misfortune
from tests.running import composed, overrides, train
from tests.sameness import assert_same_runs, history

SETTINGS = (
    "trainer.max_epochs=3",
    "model.encoder_dropout=0.2",
    "sampler=joint",
    "batching.accumulate=2",
    "batching.eval_batch_size=8",
    "scheduler=plateau",
    "scheduler.patience=0",
    "reporting.baselines=false",
    "reporting.resamples=100",
)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    """The run that nothing happens to."""
    return train(tmp_path_factory.mktemp("whole"), *SETTINGS)


def stopped(folder: Path, *more: str) -> RunDirectory:
    arguments = overrides(folder, *SETTINGS, *more)
    with pytest.raises(SystemExit) as stop:
        start_run(composed(*arguments), arguments, keep_going=False)
    assert stop.value.code == 128 + signal.SIGTERM
    (path,) = (folder / "outputs").glob("2*")
    return RunDirectory(path)


@pytest.mark.slow
@pytest.mark.parametrize(("epoch", "batch"), [(0, 0), (1, 2), (2, 3)])
def test_a_signal_ends_a_validation_which_is_done_again(
    epoch: int, batch: int, whole: RunDirectory, tmp_path: Path
) -> None:
    run = stopped(tmp_path, misfortune(tmp_path, kind="terminate", epoch=epoch, batch=batch, validating="true"))
    assert len(list(run.epochs.glob("*.npy"))) == epoch, "the validation was not finished"
    assert run.status["error"] == "interrupted by SIGTERM"
    resume_run(str(run.path), trust="tests.misfortune")
    assert_same_runs(whole, run)
    assert [row["epoch"] for row in history(run)] == ["0", "1", "2"]


@pytest.mark.slow
@pytest.mark.parametrize("average", [("callbacks=ema", "callbacks.ema.decay=0.5"), ("callbacks=swa",)])
def test_the_mean_of_the_weights_that_it_validates_is_not_trained_on(average: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "whole").mkdir()
    whole = train(tmp_path / "whole", *SETTINGS, *average)
    run = stopped(tmp_path, *average, misfortune(tmp_path, kind="terminate", epoch=2, batch=1, validating="true"))
    resume_run(str(run.path), trust="tests.misfortune")
    assert_same_runs(whole, run)


@pytest.mark.slow
@pytest.mark.parametrize("steps", [3, 6])
def test_a_signal_in_the_last_step_waits_for_its_validation(steps: int, tmp_path: Path) -> None:
    more = (f"trainer.max_steps={steps}", "trainer.max_epochs=100", "callbacks.resume.minutes=0")
    (tmp_path / "whole").mkdir()
    whole = train(tmp_path / "whole", *SETTINGS, *more)
    last = float(history(whole)[-1]["epoch_share"])
    assert last < 1
    epoch = len(history(whole)) - 1
    batch = 2 * (steps - int(history(whole)[-2]["step"]) if epoch else steps) - 1
    run = stopped(tmp_path, *more, misfortune(tmp_path, kind="terminate", epoch=epoch, batch=batch))
    assert len(history(run)) == len(history(whole))
    resume_run(str(run.path), trust="tests.misfortune")
    assert_same_runs(whole, run)


@pytest.mark.slow
def test_a_run_that_was_stopped_in_validation_can_be_stopped_again(whole: RunDirectory, tmp_path: Path) -> None:
    both = (
        misfortune(tmp_path, name="first", kind="terminate", epoch=0, batch=1, validating="true"),
        misfortune(tmp_path, name="second", kind="error", epoch=1, batch=0),
    )
    run = stopped(tmp_path, *both)
    with pytest.raises(SystemExit):
        resume_run(str(run.path), trust="tests.misfortune")
    assert len(history(run)) == 1
    resume_run(str(run.path), trust="tests.misfortune")
    assert_same_runs(whole, run)


@pytest.mark.slow
def test_a_validation_that_training_ended_with_is_finished_first(tmp_path: Path) -> None:
    more = ("trainer.max_steps=6", "trainer.max_epochs=100")
    (tmp_path / "whole").mkdir()
    whole = train(tmp_path / "whole", *SETTINGS, *more)
    assert float(history(whole)[-1]["epoch_share"]) < 1
    epoch = len(history(whole)) - 1
    run = stopped(tmp_path, *more, misfortune(tmp_path, kind="terminate", epoch=epoch, batch=0, validating="true"))
    assert len(history(run)) == len(history(whole))
    resume_run(str(run.path), trust="tests.misfortune")
    assert_same_runs(whole, run)
