"""The program for a GPU does what it says, on a CPU and with a tiny encoder."""

import pytest

from benchmarks import gpu


@pytest.mark.slow
def test_it_trains_run_4_to_its_end(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    small = {"--shape": "tiny", "--rows": "600", "--epochs": "3", "--rounds": "0"}
    monkeypatch.setattr("sys.argv", ["gpu", *(word for pair in small.items() for word in pair)])
    gpu.main()
    speed, stages = capsys.readouterr().out.splitlines()[-2:]
    assert speed.startswith("speed: ")
    assert "training" in stages
