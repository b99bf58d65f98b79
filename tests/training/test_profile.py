"""``debug=profile`` says where the time goes."""

from pathlib import Path

import pytest

from tests.running import train


@pytest.mark.slow
def test_the_profile_is_printed_and_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = train(tmp_path, "debug=profile", "limit.train=64", "limit.val=30", "trainer.log_every_n_steps=1")
    summary = (run.path / "profile.txt").read_text(encoding="utf-8")
    assert "run_training_epoch" in summary
    said = capsys.readouterr().out
    assert "run_training_epoch" in said
    assert said.endswith(f"profile: {run.path / 'profile.txt'}\n")
    assert run.log.read_text(encoding="utf-8").endswith(f"profile: {run.path / 'profile.txt'}\n")
