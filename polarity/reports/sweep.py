"""The end of a multirun: one table of all jobs, and a non-zero exit if any failed."""

import json
import sys
from pathlib import Path
from typing import Any

from hydra.experimental.callback import Callback
from omegaconf import DictConfig
from rich.table import Table

from polarity.reports.console import RunConsole
from polarity.run import RunDirectory


class SweepTable(Callback):
    """Hydra calls this when all jobs of a multirun have ended."""

    def on_multirun_end(self, config: DictConfig, **kwargs: Any) -> None:
        """Print the table and write it beside the jobs as ``jobs.csv``."""
        folder = Path(str(config.hydra.sweep.dir))
        runs = [RunDirectory(path.parent) for path in sorted(folder.glob("*/status.json"))]
        runs = [run for run in runs if not run.path.is_symlink()]
        if not runs:
            return
        console = RunConsole(None)
        console.print()
        console.print(jobs_table(runs))
        console.print(f"jobs are in {folder}")
        failed = [run for run in runs if run.status["state"] != "finished"]
        if failed:
            console.print(
                f"{len(failed)} of {len(runs)} jobs failed; see status.json in their folders", style="bold red"
            )
            sys.exit(1)


def jobs_table(runs: list[RunDirectory]) -> Table:
    """What each job changed, how it ended, and its validation scores, in the order in which the jobs started."""
    overrides = [run.overrides for run in runs]
    shared = set(overrides[0]).intersection(*overrides)
    finished = [json.loads(run.metrics.read_text(encoding="utf-8")) for run in runs if run.metrics.exists()]
    tasks = list(finished[0]["val"]["tasks"]) if finished else []
    table = Table(
        "folder", "changed", "state", "monitored", "overall", *tasks, "epoch", title="validation scores of all jobs"
    )
    for run, own in zip(runs, overrides, strict=True):
        cells = ["-"] * (len(tasks) + 3)
        if run.metrics.exists():
            metrics = json.loads(run.metrics.read_text(encoding="utf-8"))
            best, val = metrics["best"], metrics["val"]
            macros = [val["tasks"][task]["macro_f1"] for task in tasks]
            cells = [f"{value:.4f}" for value in (best["value"], val["overall"], *macros)] + [str(best["epoch"])]
        changed = " ".join(text for text in own if text not in shared) or "(nothing)"
        state = run.status["state"]
        reason = f": {str(run.status.get('error', '')).splitlines()[0][:60]}" if run.status.get("error") else ""
        table.add_row(run.path.name, changed, state + reason, *cells)
    return table
