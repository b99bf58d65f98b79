"""Training speed against the Trainer of transformers on the same rows, model and maths, side by side in one run.

make bench
make bench ARGS="--rounds 20 --save"
make bench ARGS="--precision bf16-mixed data=newsframe data.path=FOLDER"
BENCH_ROWS=192 make bench ARGS="--threads 1 --cpu-time --rounds 2"   # where other programs run, or time is short
"""

import argparse
import json
import sys
import warnings
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from scipy.stats import t as student
from transformers.utils import logging as transformers_logging

from benchmarks import loop, ours, peers
from benchmarks import work as settings
from benchmarks.machine import machine
from benchmarks.turns import Clock, Side, Turn
from polarity.config.cli import prepare_process
from polarity.errors import UserError

RESULTS = Path(__file__).parent / "results"
EXPLANATION = {
    "polarity": "length-grouped batches, both dropout passes in one forward, no work for padding and unseen tokens",
    "loop": "the same modules and batches in a bare PyTorch loop",
    "notebook": f"every text padded to {settings.MAX_LENGTH} tokens, gradient checkpointing, two passes",
    "dynamic": "random batches padded to their longest text, two passes",
    "grouped": "batches grouped by length, padded to their longest text, two passes",
}

TURN = {"notebook": 1}
"""Optimizer steps of a turn where it is no whole epoch: one step is like the other where every text is padded alike."""


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="*", help="overrides of the groups data and limit, as for polarity.train")
    parser.add_argument("--rounds", type=int, default=4, help="turns of each side (default: 4)")
    parser.add_argument("--precision", choices=["32-true", "bf16-mixed"], default="32-true", help="of all sides")
    parser.add_argument("--encoder", help="folder of another encoder than MiniLM, with its tokenizer")
    parser.add_argument("--threads", type=int, help="of each side (default: as torch chooses)")
    parser.add_argument("--peers", nargs="+", choices=["loop", *peers.PEERS], default=["loop", *peers.PEERS])
    parser.add_argument("--cpu-time", action="store_true", help="count seconds on processors, on a machine in use")
    parser.add_argument("--save", action="store_true", help=f"write NAME.json and NAME.md in benchmarks/{RESULTS.name}")
    parser.add_argument("--name", default="training_speed", help="of the saved results (default: training_speed)")
    arguments = parser.parse_intermixed_args()
    for text in arguments.data:
        if not text.startswith(("data", "limit")):
            parser.error(f"{text}: only data may be chosen, since all sides must do the same work")
    return arguments


def chosen(arguments: argparse.Namespace) -> list[str]:
    """Overrides of data and encoder."""
    encoder = [] if arguments.encoder is None else ["model=local", f"model.name={arguments.encoder}"]
    return [*encoder, *arguments.data]


def train_side(name: str, arguments: argparse.Namespace, clock: Clock) -> None:
    """What the process of a side does."""
    transformers_logging.disable_progress_bar()
    warnings.filterwarnings("ignore", message=".*LeafSpec.*")  # Lightning 2.6 on torch 2.13
    if arguments.threads is not None:
        torch.set_num_threads(arguments.threads)
    assembled = ours.load(chosen(arguments), precision=arguments.precision)
    if name == "polarity":
        ours.train(assembled, clock)
    elif name == "loop":
        loop.train(assembled, clock)
    else:
        peers.PEERS[name](ours.as_work(assembled), clock)


def measure(arguments: argparse.Namespace) -> dict[str, list[Turn]]:
    """The turns of each side."""
    turns: dict[str, list[Turn]] = {name: [] for name in ["polarity", *arguments.peers]}
    with ExitStack() as stack:
        sides = []
        for name in turns:
            print(f"{name}: loading, and a turn to warm up", flush=True)
            sides.append(stack.enter_context(Side(name, train_side, name, arguments, cpu=arguments.cpu_time)))
            if TURN.get(name) != 1:  # a new shape of a batch is slow the first time
                sides[-1].take_turn(settings.STEPS - 1)
        for number in range(arguments.rounds):
            for side in sides:
                turns[side.name].append(side.take_turn(TURN.get(side.name, settings.STEPS)))
            sides.reverse()
            rates = "  ".join(f"{name} {done[-1].rows / done[-1].seconds:.2f}" for name, done in turns.items())
            print(f"round {number + 1}/{arguments.rounds}, samples/s: {rates}", flush=True)
    return turns


def pooled(turns: Sequence[Turn]) -> float:
    """Rows a second over all turns."""
    return sum(turn.rows for turn in turns) / sum(turn.seconds for turn in turns)


def interval(ours: Sequence[Turn], theirs: Sequence[Turn]) -> list[float]:
    """Of how much faster the first side is: Student's, of the logarithms of the rounds' ratios; none of one round.

    A bootstrap over three rounds would be the range of these, which holds the truth in three of four cases.
    """
    ratios = np.log(
        [one.rows / one.seconds / (other.rows / other.seconds) for one, other in zip(ours, theirs, strict=True)]
    )
    if len(ratios) < 2:
        return []
    reach = student.ppf(0.975, len(ratios) - 1) * ratios.std(ddof=1) / np.sqrt(len(ratios))
    return [round(float(np.exp(ratios.mean() + side * reach)), 2) for side in (-1, 1)]


def summary(turns: dict[str, list[Turn]]) -> list[dict[str, Any]]:
    """One row a side: its rate over all turns, how much faster polarity is, and an interval over rounds."""
    rows = []
    for name, taken in turns.items():
        rows.append(
            {
                "side": name,
                "samples_per_second": round(pooled(taken), 2),
                "polarity_is_faster_by": round(pooled(turns["polarity"]) / pooled(taken), 2),
                "interval_95": interval(turns["polarity"], taken),
                "peak_memory_mib": max(turn.memory for turn in taken),
                "turns": [[turn.rows, round(turn.seconds, 2)] for turn in taken],
            }
        )
    return rows


def measured_on() -> dict[str, Any]:
    """What the numbers were measured on."""
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "none"
    versions = machine("torch", "lightning", "transformers", "accelerate")
    return {"threads": torch.get_num_threads(), "accelerator": device, **versions}


def markdown(arguments: argparse.Namespace, rows: list[dict[str, Any]], host: dict[str, Any]) -> str:
    """The results as a page."""
    lines = [
        "# Training speed",
        "",
        f"{arguments.encoder or 'all-MiniLM-L6-v2'} with two heads on {' '.join(arguments.data) or 'data=vader'},",
        "focal loss and R-Drop,",
        f"batch {settings.BATCH} x {settings.ACCUMULATE}, {arguments.precision}. Each side trains in its own process;",
        f"seconds are {'those of its processor' if arguments.cpu_time else 'those that pass'};",
        f"they are timed in turn, in {arguments.rounds} rounds after one to warm up. A turn is an epoch over the same",
        f"{settings.ROWS} drawn rows; of the notebook, whose steps are all alike, it is one step.",
        "The peers are the `Trainer` of transformers with the same rows, model and maths",
        "(`benchmarks/peers.py`). Intervals: 95 %, Student's of the logarithms of the rounds' ratios.",
        "",
        "| side | samples/s | polarity is faster by | peak memory, MiB | how |",
        "|---|---|---|---|---|",
    ]
    for row in rows:
        shown = "" if row["side"] == "polarity" else faster(row)
        numbers = f"{row['samples_per_second']:.2f} | {shown} | {row['peak_memory_mib']}"
        lines.append(f"| {row['side']} | {numbers} | {EXPLANATION[row['side']]} |")
    described = ", ".join(f"{name} {value}" for name, value in host.items())
    return "\n".join([*lines, "", f"Machine: {described}.", ""])


def faster(row: dict[str, Any]) -> str:
    within = "{:.2f} to {:.2f}".format(*row["interval_95"]) if row["interval_95"] else "one round"
    return f"{row['polarity_is_faster_by']:.2f} x ({within})"


def main() -> None:
    arguments = read_arguments()
    prepare_process()  # so that threads of all sides sleep soon, where other programs run
    try:
        ours.load(chosen(arguments), precision=arguments.precision)  # a mistake in the data is told once
        turns = measure(arguments)
    except UserError as error:
        sys.exit("\n".join(error.problems))
    rows, host = summary(turns), measured_on()
    table = Table("side", "samples/s", "polarity is faster by", "how")
    for row in rows:
        table.add_row(row["side"], f"{row['samples_per_second']:.2f}", faster(row), EXPLANATION[row["side"]])
    Console().print(table)
    if arguments.save:
        RESULTS.mkdir(exist_ok=True)
        content = {"machine": host, "arguments": vars(arguments), "sides": rows}
        (RESULTS / f"{arguments.name}.json").write_text(json.dumps(content, indent=2) + "\n")
        (RESULTS / f"{arguments.name}.md").write_text(markdown(arguments, rows, host))
        print(f"written: {arguments.name}.json and .md in benchmarks/{RESULTS.name}")


if __name__ == "__main__":
    main()
