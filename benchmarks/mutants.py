"""Whether the tests notice faults: small ones are put into the code, one at a time, and the tests beside it are run.

``make mutants`` draws some of each part of ``benchmarks/mutants.yaml`` by a seed, and writes them with what became of
them into ``benchmarks/results/mutants.json``, and as a table into ``mutants.md`` beside it. A fault that no test has
noticed needs a test, or a reason in ``benchmarks/survivors.yaml``; else it ends with exit code 1.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from benchmarks.machine import machine
from benchmarks.mutant_table import survivors, table
from benchmarks.mutant_trial import ROOT, failure, prepare
from benchmarks.mutating import Mutant, mutants

BENCHMARKS = ROOT / "benchmarks"
RECORD, RESULTS = BENCHMARKS / "results" / "mutants.json", BENCHMARKS / "results" / "mutants.md"
PARTS, REASONS = BENCHMARKS / "mutants.yaml", BENCHMARKS / "survivors.yaml"


@dataclass(frozen=True)
class Drawn:
    """A fault that is tried.

    :param file: of the code, from the root.
    """

    file: str
    mutant: Mutant

    @property
    def key(self) -> str:
        """Names it among those of all files."""
        return f"{self.file}: {self.mutant.key}"


def main() -> None:
    arguments = parsed()
    parts = yaml.safe_load(PARTS.read_text("utf-8"))
    names = arguments.parts or list(parts)
    if unknown := set(names) - set(parts):
        sys.exit(f"no such part: {', '.join(sorted(unknown))}; there are {', '.join(parts)}")
    record = json.loads(RECORD.read_text("utf-8")) if RECORD.exists() else {"parts": {}}
    with tempfile.TemporaryDirectory() as temporary:
        copy = prepare(Path(temporary) / "copy")
        for name in names:
            known, every = record["parts"].get(name, {}), faults(parts[name]["code"])
            if arguments.survivors:
                drawn = [one for one in every if known.get(one.key) == ""]
                known = {key: said for key, said in known.items() if said}  # the code of others has changed
            else:
                known, generator = {}, np.random.default_rng([arguments.seed, *name.encode()])
                drawn = [every[place] for place in sorted(generator.permutation(len(every))[: arguments.each].tolist())]
            record["parts"][name] = known | tried(name, drawn, parts[name]["tests"], copy)
            record |= {"seed": arguments.seed, "machine": machine("pytest", "torch")}
            write(record, list(parts))
    print(RESULTS.read_text("utf-8"))
    reasons = yaml.safe_load(REASONS.read_text("utf-8"))
    sys.exit(any(key not in reasons for key in survivors(record["parts"])))


def parsed() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", help="parts of benchmarks/mutants.yaml; all if none is named")
    parser.add_argument("--seed", type=int, default=0, help="which faults are drawn (%(default)s)")
    parser.add_argument("--each", type=int, default=8, help="faults of each part (%(default)s)")
    parser.add_argument("--survivors", action="store_true", help="only those again that were not noticed last time")
    return parser.parse_args()


def write(record: dict[str, Any], order: Sequence[str]) -> None:
    """Keep what is known so far, as record and as table; parts that are no more go."""
    record["parts"] = {name: record["parts"][name] for name in order if name in record["parts"]}
    RECORD.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", "utf-8")
    RESULTS.write_text(table(record, yaml.safe_load(REASONS.read_text("utf-8"))), "utf-8")


def faults(globs: Sequence[str]) -> list[Drawn]:
    """All faults of these files."""
    files = sorted({path.relative_to(ROOT).as_posix() for glob in globs for path in ROOT.glob(glob)})
    if not files:
        sys.exit(f"no such file: {', '.join(globs)}")
    return [Drawn(name, mutant) for name in files for mutant in mutants((ROOT / name).read_text("utf-8"))]


def tried(part: str, drawn: Sequence[Drawn], tests: Sequence[str], copy: Path) -> dict[str, str]:
    """By fault, the first test that fails with it, and passes without; empty if none does."""
    collected: dict[str, str] = {}
    for one in drawn:
        path = copy / one.file
        whole = path.read_text("utf-8")
        path.write_text(one.mutant.source, "utf-8")
        collected[one.key] = failure(tests)
        path.write_text(whole, "utf-8")
        print(f"{'noticed' if collected[one.key] else 'NOT NOTICED'}  {one.key}  {collected[one.key]}", flush=True)
    failed = sorted({said for said in collected.values() if "::" in said})
    if failed and (said := failure(failed)):
        sys.exit(f"{part}: {said} fails without any fault")
    return collected


if __name__ == "__main__":
    main()
