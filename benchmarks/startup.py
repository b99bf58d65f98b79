"""How long a command takes to answer, as whole processes with warm caches, beside importing the libraries alone.

python -m benchmarks.startup --rounds 5

Sweeps are of one job and of five, of n-grams on 300 rows, whose jobs have little to do but to begin and to end.
Prints medians, and writes them to ``benchmarks/results/startup.md``: seconds by the clock, which other programs on the
machine lengthen, and seconds of a processor, which they hardly do. What reads runs reads a small sweep that is made for
it; the quickstart's first optimizer step ends its process.
"""

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from benchmarks.machine import machine
from polarity.config.constructors import LIBRARIES
from polarity.files import write_text

RESULTS = Path(__file__).parent / "results" / "startup.md"
SMALL = ("limit.train=300", "limit.val=150", "trainer.max_epochs=1")
FIRST_STEP = """
import os, sys
from torch.optim.optimizer import register_optimizer_step_post_hook
register_optimizer_step_post_hook(lambda *_: os._exit(0))
from polarity.train import main
sys.argv[1:] = ["experiment=quickstart", "output_dir=outputs"]
main()
sys.exit("there was no step")
"""
WRONG = (
    "nonsense=1",
    "loss=focl",
    "loss.gamma=x seed=-1",
    "experiment=quickstart optimizer.lr=abc",
    "-m seed=0,x loss=focal,ce",
)
SWEEPS = ("seed=0", "seed=0,1,2,3,4", "seed=0,1,2,3,4 hydra/launcher=basic")
JOBS = (*SMALL, "model=ngrams", "head=linear", "output_dir=outputs")
VERBS = ("baseline", "compare", "ensemble", "evaluate", "export", "inspect", "predict", "refit", "report", "sweep")

Commands = Mapping[str, tuple[str, ...]]


def commands(sweep: Path) -> Commands:
    """What is measured, by how it is called in the table."""
    first, second = sorted(path.parent for path in sweep.glob("*/metrics.json"))
    asked = [
        "train --help",
        *(f"train {words}" for words in WRONG),
        *(f"{verb} {words}" for verb in VERBS for words in ("--help", "nonsense=1")),
    ]
    return {
        'python -c "import lightning, transformers"': ("-c", "import lightning, transformers"),
        **{text: verb(*text.split()) for text in asked},
        "compare A B": verb("compare", str(first), str(second)),
        "report run=A": verb("report", f"run={first}"),
        "sweep SWEEP": verb("sweep", str(sweep)),
        **{f"train -m {words}": verb("train", "-m", *words.split(), *JOBS) for words in SWEEPS},
        "train experiment=quickstart, to its first optimizer step": ("-c", FIRST_STEP),
    }


def verb(name: str, *words: str) -> tuple[str, ...]:
    """The words behind ``python``."""
    return ("-m", f"polarity.{name}", *words)


def made(folder: Path) -> Path:
    """A finished sweep of two small runs with different losses."""
    words = ("-m", "experiment=quickstart", *SMALL, "loss=focal,ce", f"output_dir={folder}", "sweep=made")
    started(verb("train", *words), folder)
    (sweep,) = (path.parent for path in folder.rglob("sweep.yaml"))
    return sweep


def started(words: tuple[str, ...], folder: Path) -> None:
    """One process, until it has ended as it should: a wrong setting with 2, all else with 0."""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    done = subprocess.run([sys.executable, *words], cwd=folder, env=environment, capture_output=True, check=False)  # noqa: S603
    wrong = any(set(text.split()) <= set(words) for text in (*WRONG, "nonsense=1"))
    if done.returncode != (2 if wrong else 0):
        raise subprocess.CalledProcessError(done.returncode, words, done.stdout, done.stderr)


def seconds(words: tuple[str, ...]) -> tuple[float, float]:
    """Of one process: by the clock, and of a processor."""
    began, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    with tempfile.TemporaryDirectory() as folder:
        started(words, Path(folder))
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return time.perf_counter() - began, sum(after[:2]) - sum(before[:2])


def table(times: Mapping[str, list[tuple[float, float]]]) -> str:
    """In Markdown."""
    lines = ["| whole process | median s | range | median processor s | range |", "|---|---|---|---|---|"]
    for name, of in times.items():
        cells = [f"{statistics.median(one):.2f} | {min(one):.2f} to {max(one):.2f}" for one in zip(*of, strict=True)]
        lines.append(f"| `{name}` | {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    """Take turns, so that whatever else the machine does meets all of them alike."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    loads = []
    with tempfile.TemporaryDirectory() as folder:
        asked = commands(made(Path(folder)))
        times: dict[str, list[tuple[float, float]]] = {name: [] for name in asked}
        for turn in range(rounds + 1):  # the first fills the caches
            loads.append(os.getloadavg()[0])
            for name, words in asked.items():
                taken = seconds(words)
                times[name] += [taken] if turn else []
    on = ", ".join(f"{key} {value}" for key, value in machine(*LIBRARIES, "transformers").items())
    load = f"load of the machine {min(loads):.1f} to {max(loads):.1f}, of which one is this program's own"
    text = f"# Start-up\n\n{table(times)}\n\n{rounds} rounds on {on}; {load}.\n"
    write_text(RESULTS, text)
    print(text)


if __name__ == "__main__":
    main()
