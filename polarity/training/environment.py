"""What a run depended on: code, packages, hardware, data."""

import hashlib
import os
import platform
import subprocess
import sys
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import torch

import polarity
from polarity.config.secrets import masked_command
from polarity.data.rows import Rows, Splits


def environment(splits: Splits) -> dict[str, Any]:
    """Everything that ``environment.json`` records."""
    packages = {item.name: item.version for item in distributions() if item.name}
    return {
        "polarity": polarity.__version__,
        "command": masked_command(sys.argv),
        "folder": str(Path.cwd()),
        "git": _git(Path(polarity.__file__).parent),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "devices": [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())],
        "packages": dict(sorted(packages.items(), key=lambda item: item[0].lower())),
        "data": {name: {"rows": len(rows), "fingerprint": fingerprint(rows)} for name, rows in splits.items()},
    }


def fingerprint(rows: Rows) -> str:
    """Hash of a split's ids, texts and labels, in their order."""
    digest = hashlib.blake2b(digest_size=16)
    for column in (rows.ids, rows.context or [], rows.text):
        for cell in column:
            digest.update(cell.encode("utf-8", "surrogatepass") + b"\0")
        digest.update(b"\1")
    digest.update(rows.labels.astype("<i8").tobytes())
    return digest.hexdigest()


def _git(folder: Path) -> dict[str, str] | None:
    """Commit and uncommitted change of the checkout that the code runs from; None for an installed package."""
    commit = _run_git(folder, "rev-parse", "HEAD")
    top = _run_git(folder, "rev-parse", "--show-toplevel")
    if not commit or not top or Path(top) != folder.parent:
        return None
    return {"commit": commit, "diff": _run_git(folder.parent, "diff", "HEAD")}


def _run_git(folder: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(  # noqa: S603 - the arguments are constants
            ["git", *arguments],  # noqa: S607 - git is found where the user has it
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()
