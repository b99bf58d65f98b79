"""A predict that was killed leaves no output, and what it had begun is gone after the next one."""

import json
import subprocess
import time
from pathlib import Path

import pytest

from tests import command
from tests.running import train
from tests.verbs import said_by


@pytest.mark.slow
def test_what_a_killed_predict_had_begun_is_removed_by_the_next(tmp_path: Path) -> None:
    run = train(tmp_path, "trainer.max_epochs=1", "reporting.baselines=false", "reporting.resamples=100")
    folder = tmp_path / "told"
    folder.mkdir()
    row = json.dumps({"text": "a good army"})
    settings = [f"run={run.path}", "input_format=jsonl", "chunk_rows=1"]
    process = command.start(
        "predict",
        *settings,
        "input=-",
        f"output={folder / 'a.jsonl'}",
        folder=tmp_path,
        real=True,
        stdin=subprocess.PIPE,
    )
    assert process.stdin is not None
    process.stdin.write(f"{row}\n" * 50)
    process.stdin.flush()
    while not list(folder.iterdir()):
        assert process.poll() is None
        time.sleep(0.05)
    process.kill()
    process.communicate(timeout=60)
    (part,) = folder.iterdir()
    assert part.name.startswith(".a.jsonl.")
    (tmp_path / "rows.jsonl").write_text(f"{row}\n")
    said_by("predict", *settings, f"input={tmp_path / 'rows.jsonl'}", f"output={folder / 'b.jsonl'}")
    assert [path.name for path in folder.iterdir()] == ["b.jsonl"]
