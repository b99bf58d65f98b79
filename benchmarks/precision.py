"""Whether bfloat16 and float32 train equally good models: ``python -m benchmarks.precision --data ../shared/data``.

A sweep over seeds and precisions of the quickstart's recipe for each data set, which goes on where it was stopped; then
its test scores are compared as ``polarity.compare`` compares configurations: over rows and seeds, with two one-sided
tests for a margin of one point of overall macro-F1. Writes ``benchmarks/results/precision.md``. Two jobs side by side
take an hour on two cores that multiply bfloat16 natively.
"""

import argparse
import subprocess
import sys
from pathlib import Path

import polarity
from benchmarks.machine import machine
from polarity.comparison.result import Comparison

RESULTS = Path(__file__).parent / "results" / "precision.md"
RECIPE = ["experiment=quickstart", "reporting.baselines=false", "limit.val=800", "test=true"]
PRECISIONS = "trainer.precision=32-true,bf16-mixed"
ORDER = ("trainer.precision=32-true", "trainer.precision=bf16-mixed")
MARGIN = 1


def sets(data: Path) -> dict[str, list[str]]:
    """Overrides of each data set."""
    newsframe = ["data=newsframe", f"data.path={data / 'newsframe'}", "data.leakage.exact=drop"]
    return {"VADER": [], "newsframe": [*newsframe, "data.leakage.near=drop"]}


def compared(name: str, overrides: list[str], asked: argparse.Namespace) -> Comparison:
    """What comes of a sweep."""
    seeds = f"seed={','.join(str(seed) for seed in range(asked.seeds))}"
    given = [*RECIPE, *overrides, PRECISIONS, seeds, f"output_dir={asked.runs}", f"sweep={name}"]
    command = [sys.executable, "-m", "polarity.train", "-m", *given, f"hydra.launcher.jobs={asked.jobs}"]
    subprocess.run(command, check=True)  # noqa: S603 - this very project
    (found,) = polarity.compare(asked.runs / name, split="test", margin=MARGIN, baselines=False)
    return found


def line(name: str, found: Comparison) -> str:
    """A row of the table."""
    (pair,) = found.pairs
    scores = {group.name: f"{100 * group.overall:.2f} ({100 * (group.deviation or 0):.2f})" for group in found.groups}
    sign = 100 if pair.first == ORDER[0] else -100  # the order of a comparison is its own
    low, high = sorted(sign * end for end in (pair.interval.low, pair.interval.high))
    difference = f"{sign * pair.difference:+.2f} ({low:+.2f} to {high:+.2f})"
    cells = [name, str(found.setup.rows), str(pair.seeds[0]), *(scores[each] for each in ORDER)]
    return f"| {' | '.join([*cells, difference, f'{pair.equal.p:.3f}', pair.verdict])} |"


def markdown(lines: list[str]) -> str:
    """The results as a page."""
    host = ", ".join(f"{key} {value}" for key, value in machine("torch", "lightning", "transformers").items())
    return f"""# float32 and bfloat16

Made by `python -m benchmarks.precision`, which says what was run. Overall macro-F1 on the test rows in points, mean
over the seeds (standard deviation); the difference is {ORDER[1]} minus {ORDER[0]},
with its 95 % interval over rows and seeds. "p" is that of two one-sided tests that the difference is a point or more:
below 0.05 the two are equal up to that.

| data | test rows | seeds | {ORDER[0]} | {ORDER[1]} | difference | p | verdict |
|---|---|---|---|---|---|---|---|
{chr(10).join(lines)}

Machine: {host}.
"""


def main() -> None:
    """Train what is missing, and compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder that holds the data sets")
    parser.add_argument("--runs", type=Path, default=Path("outputs/precision"), help="folder of the sweeps")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--jobs", type=int, default=2, help="side by side")
    parser.add_argument("--sets", nargs="+", default=list(sets(Path())), choices=list(sets(Path())))
    asked = parser.parse_args()
    found = {name: compared(name, sets(asked.data)[name], asked) for name in asked.sets}
    before = RESULTS.read_text(encoding="utf-8").splitlines()
    kept = [row for name in sets(Path()) if name not in found for row in before if row.startswith(f"| {name} |")]
    lines = [*kept, *(line(*each) for each in found.items())]
    RESULTS.write_text(markdown(lines), encoding="utf-8")
    print(RESULTS.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
