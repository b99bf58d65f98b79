"""Real data sets that lie beside a checkout, where there are any."""

from pathlib import Path

import pytest

from polarity.data.files import FileCorpus
from polarity.data.leakage import Leakage

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "data"
SENTIMENT = ["negative", "neutral", "positive"]
TASKS = {
    "newsframe": {"sentiment": SENTIMENT, "polarization": ["non_polarized", "objective", "partisan"]},
    "vader_ground_truth": {"sentiment": SENTIMENT, "consensus": ["agreed", "mixed", "contested"]},
    "xlmt": {"sentiment": SENTIMENT},
}


def shared_corpus(name: str, leakage: Leakage | None = None) -> FileCorpus:
    """One of the data sets; the test is skipped where it is not there."""
    folder = FOLDER / name
    if not folder.is_dir():
        pytest.skip(f"the data set {name} is not there")
    return FileCorpus(path=str(folder), text="text", id="id", tasks=TASKS[name], leakage=leakage or Leakage())
