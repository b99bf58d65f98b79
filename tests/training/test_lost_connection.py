"""Another device's process is gone: where a launcher has started it, nothing but the broken connection tells so."""

from pathlib import Path

import pytest

from polarity.run import RunDirectory
from polarity.training.status import record_failure

GLOO = "[pair.cc:553] Connection closed by peer [127.0.0.1]:33691. This may indicate a remote failure\nand more"


@pytest.mark.parametrize("size", ["1", "2"])
def test_the_silence_of_another_process_is_told_in_words(
    size: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = RunDirectory.create(tmp_path, {"seed": 1}, [])
    monkeypatch.setenv("WORLD_SIZE", size)
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "1")
    record_failure(run, RuntimeError(GLOO))
    first = GLOO.splitlines()[0]
    told = f"the process of another device is gone; its own lines, or its launcher's, tell why ({first})"
    assert run.status["error"] == (told if size == "2" else GLOO)
