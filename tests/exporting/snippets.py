"""Programs of people who do not have this project: what a model card shows, run where it cannot be imported."""

import os
import re
import subprocess
import sys
from pathlib import Path

BLOCKED = """
import importlib.abc, sys
class Refuse(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {blocked!r}:
            raise ImportError(f"{{name}} is not there")
sys.meta_path.insert(0, Refuse())
"""


def snippet(folder: Path) -> str:
    """The program that the card shows."""
    found = re.search(r"```python\n(.*?)```", (folder / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    return found[1]


def run_without(folder: Path, program: str, *blocked: str) -> str:
    """What a program prints that is started in a folder and cannot import these packages."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "-c", BLOCKED.format(blocked=blocked) + program],
        cwd=folder,
        env={**environment, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
