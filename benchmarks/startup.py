"""How long a command takes to answer, as whole processes with warm caches, beside importing the libraries alone.

python -m benchmarks.startup --rounds 7

Prints medians, and writes them to ``benchmarks/results/startup.md``. Run it on a machine that has nothing else to do.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.machine import machine
from polarity.config.constructors import LIBRARIES
from polarity.files import write_text

RESULTS = Path(__file__).parent / "results" / "startup.md"
TRAIN = ("-m", "polarity.train")
COMMANDS = {
    'python -c "import lightning, transformers"': ("-c", "import lightning, transformers"),
    "train --help": (*TRAIN, "--help"),
    "train nonsense=1": (*TRAIN, "nonsense=1"),
    "train loss=focl": (*TRAIN, "loss=focl"),
    "train loss.gamma=x seed=-1": (*TRAIN, "loss.gamma=x", "seed=-1"),
    "train experiment=quickstart optimizer.lr=abc": (*TRAIN, "experiment=quickstart", "optimizer.lr=abc"),
    "compare --help": ("-m", "polarity.compare", "--help"),
    "report --help": ("-m", "polarity.report", "--help"),
}


def seconds(words: tuple[str, ...]) -> float:
    """Of one process, from its start to its end."""
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
        subprocess.run([sys.executable, *words], cwd=folder, env=environment, capture_output=True, check=False)  # noqa: S603
    return time.perf_counter() - started


def table(times: dict[str, list[float]]) -> str:
    """In Markdown."""
    rows = [
        f"| `{name}` | {statistics.median(of):.2f} | {min(of):.2f} to {max(of):.2f} |"
        for name, of in times.items()
    ]  # fmt: skip
    return "\n".join(["| whole process | median s | range |", "|---|---|---|", *rows])


def main() -> None:
    """Take turns, so that whatever else the machine does meets all of them alike."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    times: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for turn in range(rounds + 1):  # the first fills the caches
        for name, words in COMMANDS.items():
            taken = seconds(words)
            times[name] += [taken] if turn else []
    on = ", ".join(f"{key} {value}" for key, value in machine(*LIBRARIES, "transformers").items())
    load = os.getloadavg()[0]
    text = f"# Start-up\n\n{table(times)}\n\n{rounds} rounds on {on}; load {load:.1f} at the end.\n"
    write_text(RESULTS, text)
    print(text)


if __name__ == "__main__":
    main()
