"""How time and memory grow with rows, tasks and classes: each stage of a run by the product's own functions.

python -m benchmarks.scaling --rows 1000 10000 100000            # CSV, 1 task of 3 classes
python -m benchmarks.scaling --rows 100000 --tasks 16 --classes 200
python -m benchmarks.scaling --rows 1000000 --stages reading checking

Each stage is a process of its own: what it works on is made first and not measured, then its processor time (user and
system, of all threads) and the peak memory of the process while it ran, what it works on included. Prints a table and
keeps all that was ever measured in ``scaling.json`` beside it.
"""

import argparse
import json
import math
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.big_files import write_files
from benchmarks.machine import machine
from benchmarks.scaling_stages import STAGES, WITHOUT_FILES, Made
from polarity.content import Json
from polarity.files import read_json, write_json, write_text
from polarity.wording import times

ABOUT = (
    "Seconds of processor (user and system, all threads) and peak memory of a process that does this stage alone, what "
    "it works on included; 15 % of the rows are evaluated. 'All again' is the second start, which finds files from "
    "1 MiB on in the cache (from 32 MiB on, when 100,000 rows were measured). From 20,000 evaluated rows on, those "
    "that count alike are drawn together. Made by "
    "`python -m benchmarks.scaling`, explained in docs/scaling.md."
)
RESULTS = Path(__file__).parent / "results" / "scaling.json"


def measured(made: Made, stage: str) -> dict[str, float]:
    """Seconds of processor and MiB of a stage, in this process."""
    work = STAGES[stage](made)
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # forgets the peak so far
    before = resource.getrusage(resource.RUSAGE_SELF)
    kept = work()
    after = resource.getrusage(resource.RUSAGE_SELF)
    del kept
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"seconds": round(seconds, 3), "mib": round(peak() / 1024)}


def peak() -> int:
    """Most memory of this process, in KiB; ``ru_maxrss`` has that of its parent in it."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))


def in_process(folder: Path, stage: str, size: tuple[int, int, int]) -> dict[str, float]:
    """The same in a process of its own."""
    words = ["-m", "benchmarks.scaling", "--only", stage, str(folder), *map(str, size)]
    done = subprocess.run([sys.executable, *words], capture_output=True, check=True, text=True)  # noqa: S603
    return dict(json.loads(done.stdout.splitlines()[-1]))


def main() -> None:
    """Measure what is asked for, and add it to what was measured before."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    parser.add_argument("--tasks", type=int, default=1)
    parser.add_argument("--classes", type=int, default=3)
    parser.add_argument("--stages", nargs="+", default=list(STAGES), choices=list(STAGES))
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()), help="room for the files")
    parser.add_argument("--only", nargs=5, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.only:
        stage, folder, *size = asked.only
        print(json.dumps(measured(Made(Path(folder), *map(int, size)), stage)))
        return
    results = read_json(RESULTS) if RESULTS.exists() else {}
    for rows in asked.rows:
        with tempfile.TemporaryDirectory(dir=asked.folder) as name:
            if set(asked.stages) - set(WITHOUT_FILES):
                write_files(Path(name), rows, asked.tasks, asked.classes)
            for stage in asked.stages:
                found = in_process(Path(name), stage, (rows, asked.tasks, asked.classes))
                print(f"{stage:16} {rows:>10,} rows: {found['seconds']:9.2f} s {found['mib']:>7,} MiB", flush=True)
                key = f"{asked.tasks} x {asked.classes}"
                results.setdefault(key, {}).setdefault(stage, {})[str(rows)] = found
                about = machine("numpy", "pyarrow", "tokenizers") | {"load": round(os.getloadavg()[0], 1)}
                write_json(RESULTS, results | {"machine": about})
    write_text(RESULTS.with_suffix(".md"), page(read_json(RESULTS)))


def page(results: Json) -> str:
    """All that was measured, in Markdown."""
    on = ", ".join(f"{key} {value}" for key, value in results["machine"].items())
    sizes = [key for key in results if key != "machine"]
    parts = []
    for size in sizes:
        tasks, classes = size.split(" x ")
        parts.append(f"## {times(int(tasks), 'task')} of {classes} classes\n\n{table(results[size])}")
    return f"# How cost grows\n\n{ABOUT}\n\nOn {on}.\n\n" + "\n\n".join(parts) + "\n"


def table(stages: Json) -> str:
    """A line for each stage; the exponent is that of the processor time between its last two sizes."""
    sizes = sorted({int(rows) for found in stages.values() for rows in found})
    lines = ["| stage | " + " | ".join(f"{rows:,} rows" for rows in sizes) + " | exponent |"]
    lines.append("|---" * (len(sizes) + 2) + "|")
    for stage, found in stages.items():
        cells = [
            f"{one['seconds']:,.2f} s, {one['mib']:,} MiB" if (one := found.get(str(rows))) else "" for rows in sizes
        ]
        lines.append(f"| {stage} | " + " | ".join(cells) + f" | {exponent(found)} |")
    return "\n".join(lines)


def exponent(found: Json) -> str:
    """P where seconds grow as rows ** p."""
    last = sorted((int(rows), one["seconds"]) for rows, one in found.items())[-2:]
    if len(last) < 2:
        return ""
    (few, before), (many, after) = last
    return f"{math.log(max(after, 0.01) / max(before, 0.01)) / math.log(many / few):.2f}"


if __name__ == "__main__":
    main()
