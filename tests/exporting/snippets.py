"""Programs of people who do not have this project: what a model card shows, run where it cannot be imported."""

import os
import re
import subprocess
from pathlib import Path

from tests.command import PATIENCE, python

BLOCKED = """
import importlib.abc, sys
for name in [name for name in sys.modules if name.partition(".")[0] in {blocked!r}]:
    del sys.modules[name]
class Refuse(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {blocked!r}:
            raise ImportError(f"{{name}} is not there")
sys.meta_path.insert(0, Refuse())
"""


def snippet(folder: Path) -> str:
    """The program that the card shows."""
    match = re.search(r"```python\n(.*?)```", (folder / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert match is not None
    return match[1]


def run_without(folder: Path, code: str, *blocked: str, real: bool = True) -> str:
    """What a program prints that is started in a folder and cannot import these packages.

    :param real: whether it is a new process; one that is forked has had what this project imports in its memory.
    """
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    process = python(
        *("-c", BLOCKED.format(blocked=blocked) + code),
        folder=folder,
        real=real,
        env={**environment, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    said, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, errors
    return said
