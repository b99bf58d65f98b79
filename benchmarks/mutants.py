"""Whether the tests notice faults: small ones are put into the code, one at a time, and the tests beside it are run.

``make mutants`` draws some of each part by a seed, and writes ``benchmarks/results/mutants.md``. A fault that no test
has noticed needs a reason in ``benchmarks/survivors.yaml``, or a test.
"""

import argparse
import os
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import numpy as np
import yaml

from benchmarks.mutant_table import Outcome, table
from benchmarks.mutating import Mutant, mutants

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results" / "mutants.md"
REASONS = ROOT / "benchmarks" / "survivors.yaml"
PARTS = ROOT / "benchmarks" / "mutants.yaml"
COPIED = ("polarity", "conf", "tests", "benchmarks", "docs", "README.md", "Makefile", "pyproject.toml")
HEAVY = (
    "torch", "lightning", "transformers", "torchmetrics", "scipy.stats", "scipy.sparse.csgraph", "sklearn.linear_model",
    "hydra", "pydantic", "pyarrow.parquet", "rensa", "pytest", "hypothesis.extra.numpy",
)  # fmt: skip
"""Imported once, before the processes that try a fault part; nothing of the code that faults are put into."""
CPU_SECONDS = 120
"""After which a process has gone astray: a fault may let a loop go on for ever."""


@dataclass(frozen=True)
class Drawn:
    """A fault that is tried.

    :param file: of the code, from the root.
    """

    file: str
    mutant: Mutant

    @property
    def key(self) -> str:
        return f"{self.file}: {self.mutant.key}"


def main() -> None:
    arguments = parsed()
    parts = yaml.safe_load(PARTS.read_text("utf-8"))
    reasons = yaml.safe_load(REASONS.read_text("utf-8")) or {}
    names = arguments.parts or list(parts)
    if unknown := set(names) - set(parts):
        sys.exit(f"no such part: {', '.join(sorted(unknown))}; there are {', '.join(parts)}")
    outcomes = []
    with tempfile.TemporaryDirectory() as temporary:
        copy = Path(temporary) / "copy"
        copied(copy)
        for name in HEAVY:
            import_module(name)
        assert "polarity" not in sys.modules, "what is imported already would be tried without any fault"
        for name in names:
            drawn = draw(parts[name]["code"], np.random.default_rng([arguments.seed, *name.encode()]), arguments.each)
            outcomes += tried(name, drawn, parts[name]["tests"], copy, reasons)
    content = table(outcomes, seed=arguments.seed)
    print(content)
    if not arguments.parts:
        RESULTS.write_text(content, "utf-8")
    sys.exit(any(not outcome.killed and outcome.reason is None for outcome in outcomes))


def parsed() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", help="parts of benchmarks/mutants.yaml; all if none is named")
    parser.add_argument("--seed", type=int, default=0, help="which faults are drawn (%(default)s)")
    parser.add_argument("--each", type=int, default=12, help="faults of each part (%(default)s)")
    return parser.parse_args()


def copied(folder: Path) -> None:
    """Copy what the tests need; this process and those that it starts import from there."""
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(ROOT / name, folder / name)
    sys.path.insert(0, str(folder))
    os.environ |= {"PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    sys.dont_write_bytecode = True
    os.chdir(folder)


def draw(globs: Sequence[str], generator: np.random.Generator, number: int) -> list[Drawn]:
    """So many faults of these files."""
    files = sorted({path.relative_to(ROOT).as_posix() for glob in globs for path in ROOT.glob(glob)})
    if not files:
        sys.exit(f"no such file: {', '.join(globs)}")
    every = [Drawn(name, mutant) for name in files for mutant in mutants((ROOT / name).read_text("utf-8"))]
    return [every[place] for place in sorted(generator.permutation(len(every))[:number].tolist())]


def tried(
    part: str, drawn: Sequence[Drawn], tests: Sequence[str], copy: Path, reasons: Mapping[str, str]
) -> list[Outcome]:
    """Run the tests with each fault, after they have passed without any."""
    if said := failure(tests):
        sys.exit(f"{part}: the tests fail without any fault: {said}")
    outcomes = []
    for one in drawn:
        path = copy / one.file
        whole, started = path.read_text("utf-8"), time.perf_counter()
        path.write_text(one.mutant.source, "utf-8")
        said = failure(tests)
        path.write_text(whole, "utf-8")
        outcomes.append(Outcome(part, one.key, said, reasons.get(one.key)))
        what = f"killed by {said}" if said else "SURVIVED"
        print(f"{time.perf_counter() - started:5.1f} s  {one.key}  {what}", flush=True)
    return outcomes


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

    options = ["-x", "-q", "--tb=no", "--assert=plain", "-m", "not slow", "--timeout=1200"]
    options += ["-p", "no:cacheprovider", "-p", "no:xdist"]
    try:
        return int(pytest.main([*options, *tests]))
    except BaseException as error:  # noqa: BLE001 - the fault's, whatever it is
        sys.stderr.write(repr(error))
        return 1


if __name__ == "__main__":
    main()
