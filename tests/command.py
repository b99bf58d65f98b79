"""The program as its users start it: a process of its own, in a folder of its own."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
PATIENCE = 800.0
"""Seconds that another process is waited for: no test may fail because the machine has much else to do."""


def start(verb: str, *arguments: str, folder: Path, **settings: Any) -> subprocess.Popen[str]:
    """Start ``python -m polarity.VERB`` in ``folder``; both streams are read from its ``stdout``."""
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    return subprocess.Popen(
        [sys.executable, "-m", f"polarity.{verb}", *arguments],
        cwd=folder,
        text=True,
        **{
            "env": {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1", "COLUMNS": "200"},
            "stdout": subprocess.PIPE,
            "stderr": subprocess.STDOUT,
            **settings,
        },
    )


def run(verb: str, *arguments: str, folder: Path, seconds: float = PATIENCE, code: int = 0) -> str:
    """Run ``python -m polarity.VERB`` to its end, which has to come with this exit code; returns what it said."""
    process = start(verb, *arguments, folder=folder)
    try:
        said, _ = process.communicate(timeout=seconds)
    finally:
        process.kill()
    assert process.returncode == code, said
    return said
