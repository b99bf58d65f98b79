"""Trying one fault: in a copy of the checkout, and in a process that has imported nothing of it yet."""

import os
import resource
import shutil
import sys
import tempfile
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COPIED = ("polarity", "conf", "tests", "benchmarks", "docs", "README.md", "Makefile", "pyproject.toml")
HEAVY = (
    "torch", "lightning", "transformers", "torchmetrics", "scipy.stats", "scipy.sparse.csgraph", "sklearn.linear_model",
    "hydra", "pydantic", "pyarrow.parquet", "pytest", "hypothesis.extra.numpy",
)  # fmt: skip
"""Imported once, before the processes that try a fault part; nothing of the code that faults are put into."""
CPU_SECONDS = 120
"""After which a process has gone astray: a fault may let a loop go on for ever."""
OPTIONS = "-x -q --tb=no --assert=plain --timeout=1200 -p no:cacheprovider -p no:xdist"


def prepare(copy: Path) -> Path:
    """Copy what the tests need; from now on this process and those that it starts import from there."""
    for name in COPIED:
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(ROOT / name, copy / name)
    sys.path.insert(0, str(copy))
    os.environ |= {"PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
    sys.dont_write_bytecode = True
    os.chdir(copy)
    for name in HEAVY:
        import_module(name)
    assert "polarity" not in sys.modules, "what is imported already would be tried without any fault"
    return copy


def failure(tests: Sequence[str]) -> str:
    """The first test that fails, run in a process of its own; empty if all pass."""
    with tempfile.TemporaryFile("w+") as output:
        sys.stdout.flush()
        process = os.fork()
        if process == 0:
            os.dup2(output.fileno(), 1)
            os.dup2(output.fileno(), 2)
            resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
            os._exit(_run(tests))
        status = os.waitpid(process, 0)[1]
        output.seek(0)
        said = output.read()
    if status == 0:
        return ""
    failed = [line for line in said.splitlines() if line.startswith(("FAILED", "ERROR"))]
    last = (said.splitlines() or [""])[-1]
    return failed[0].split(" - ")[0].partition(" ")[2] if failed else f"a process that ended with {status} ({last})"


def _run(tests: Sequence[str]) -> int:
    import pytest

    try:
        return int(pytest.main([*OPTIONS.split(), "-m", "not slow and not faults", *tests]))
    except BaseException as error:  # noqa: BLE001 - the fault's, whatever it is
        sys.stderr.write(repr(error))
        return 1
