"""A hub that cannot be reached, as users meet it: one line and exit code 2, or the copy in the cache."""

from pathlib import Path

import pytest

from tests.command import run
from tests.running import overrides
from tests.tiny import save_tiny_encoder

UNREACHABLE = {
    "HF_HUB_OFFLINE is set": {"HF_HUB_OFFLINE": "1"},
    "[Errno 111] Connection refused": {"HF_HUB_OFFLINE": "0", "HTTPS_PROXY": "http://127.0.0.1:9", "NO_PROXY": ""},
}


@pytest.fixture(params=UNREACHABLE)
def reason(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    for name, value in UNREACHABLE[request.param].items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    return str(request.param)


def lines(name: str, reason: str, advice: str) -> str:
    """All that is said, up to advice."""
    where = "is no folder here, is not in the cache, and the hub cannot be reached"
    return f"1 problem; nothing was started\n  1. {name} {where} ({reason}); {advice}"


@pytest.mark.slow
def test_one_line_or_the_copy_in_the_cache(reason: str, tmp_path: Path) -> None:
    data = [text for text in overrides(tmp_path, rows=60) if text.startswith(("data", "cache_dir"))]
    model = ["model=local", "model.name=tiny/encoder", "batching.max_length=32"]
    said = run("train", *data, *model, f"output_dir={tmp_path / 'runs'}", folder=tmp_path, code=2)
    assert said.startswith("polarity.train: " + lines("model.name: 'tiny/encoder'", reason, "use model=local"))
    assert len(said.splitlines()) == 2
    assert not (tmp_path / "runs").exists()

    cached = tmp_path / "hf" / "hub" / "models--tiny--encoder"
    save_tiny_encoder(cached / "snapshots" / ("0" * 40))
    (cached / "refs").mkdir()
    (cached / "refs" / "main").write_text("0" * 40)
    said = run("inspect", *data, *model, "labels=false", "output=null", folder=tmp_path)
    assert "lengths in tokens of tiny/encoder" in said


@pytest.mark.slow
def test_data_of_the_hub(reason: str, tmp_path: Path) -> None:
    pytest.importorskip("datasets", reason="needs the extra polarity[hub]")
    data = ["data=hub", "data.path=tiny/comments", "data.text=text", "data.tasks={tone:[yes,no]}"]
    advice = "give data.path=FOLDER with a downloaded copy\n"
    said = run("baseline", *data, folder=tmp_path, code=2)
    assert said == "polarity.baseline: " + lines("data.path: 'tiny/comments'", reason, advice)
