"""The end of a multirun: one table of all jobs, and a non-zero exit if any failed."""

import json
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.utils import JobReturn, JobStatus
from hydra.experimental.callback import Callback
from hydra.types import RunMode
from omegaconf import DictConfig
from rich.table import Table

from polarity.comparison.chosen import Best, best_of_runs
from polarity.content import Json
from polarity.reports.console import RunConsole, log_only
from polarity.run import RunDirectory
from polarity.spreadsheets import write_csv
from polarity.wording import times

_UNENDED: list[Path] = []
"""The folder of the sweep that goes on in this process."""

SCORES = ("monitored", "overall")


class SweepTable(Callback):
    """Hydra calls this around each job of a multirun, which gets two lines, and when all have ended.

    What a job says goes to the ``train.log`` of its folder.
    """

    def __init__(self) -> None:
        self._silence: AbstractContextManager[None] | None = None
        self._started = 0.0
        self._swept: set[str] = set()

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Remember what the jobs differ by."""
        parsed = OverridesParser.create().parse_overrides(list(config.hydra.overrides.task))
        self._swept = {override.key_or_group for override in parsed if override.is_sweep_override()}
        _UNENDED.append(Path(str(config.hydra.sweep.dir)))

    def on_job_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Say which job starts, and keep the rest from the console."""
        if config.hydra.mode != RunMode.MULTIRUN:
            return
        self._started = time.monotonic()
        console = RunConsole(None)
        texts = [text.lstrip("+~") for text in config.hydra.overrides.task]
        changed = [text for text in texts if text.partition("=")[0] in self._swept]
        console.print(f"job {int(config.hydra.job.num) + 1}: {' '.join(changed)}")
        self._silence = log_only()
        self._silence.__enter__()

    def on_job_end(self, config: DictConfig, job_return: JobReturn, **kwargs: Any) -> None:
        """Say how the job ended."""
        if self._silence is None:
            return
        self._silence.__exit__(None, None, None)
        self._silence = None
        score = job_return.return_value if job_return.status is JobStatus.COMPLETED else None
        RunConsole(None).print(job_line(score, str(config.monitor), time.monotonic() - self._started, newest(config)))

    def on_multirun_end(self, config: DictConfig, **kwargs: Any) -> None:
        """Print the table and write it beside the jobs as ``jobs.csv``."""
        if print_jobs(_UNENDED.pop()):
            sys.exit(1)


@contextmanager
def table_whenever_it_ends() -> Iterator[None]:
    """Print the table of what is finished also of a sweep that a signal ends, within a job or between two."""
    try:
        yield
    except (SystemExit, KeyboardInterrupt):
        if _UNENDED:
            print_jobs(_UNENDED.pop())
        raise


def print_jobs(folder: Path) -> int:
    """Print the table of a sweep's jobs so far, and write it beside them. Returns how many are not finished."""
    runs = [RunDirectory(path.parent) for path in folder.glob("*/status.json") if not path.parent.is_symlink()]
    if not runs:
        return 0
    jobs = job_rows(sorted(runs, key=lambda run: str(run.status["started"])))
    best = best_of_runs([run.path for run in runs if run.status["state"] == "finished"])
    mark_best(jobs, best)
    header = list(dict.fromkeys(name for job in jobs for name in job))
    write_csv(folder / "jobs.csv", header, [[job.get(name, "") for name in header] for job in jobs])
    console = RunConsole(None)
    console.print()
    console.print(jobs_table(jobs))
    for item in best:
        console.print(item.chosen.sentence)
    console.print(f"jobs are in {folder}, and this table in {folder / 'jobs.csv'}")
    console.print("test is scored only with test=true; for the job you choose: polarity.evaluate run=JOB split=test")
    failed = [job for job in jobs if job["state"] != "finished"]
    if failed:
        console.print(
            f"{len(failed)} of {times(len(jobs), 'job')} failed; see status.json in their folders", style="bold red"
        )
    return len(failed)


def newest(config: DictConfig) -> Path | None:
    """The folder of the job that has just ended."""
    paths = [path.parent for path in Path(str(config.hydra.sweep.dir)).glob("*/status.json")]
    own = [path for path in paths if not path.is_symlink()]
    return max(own, key=lambda path: path.stat().st_ctime, default=None)


def job_line(score: Any, monitor: str, seconds: float, folder: Path | None) -> str:
    """How a job ended, on one line."""
    finished = isinstance(score, float) and score == score  # noqa: PLR0124 - not a number: it failed
    ended = f"{monitor} {score:.4f}" if finished else "failed"
    return f"    {ended}, {seconds:.0f} s{'' if folder is None else f', {folder.name}'}"


def job_rows(runs: list[RunDirectory]) -> list[Json]:
    """What each job changed, how it ended, and the validation scores of its best checkpoint, as numbers."""
    overrides = [run.overrides for run in runs]
    shared = set(overrides[0]).intersection(*overrides)
    rows = []
    for run, own in zip(runs, overrides, strict=True):
        status = run.status
        row = {"folder": run.path.name, "changed": " ".join(text for text in own if text not in shared)}
        row |= {"state": status["state"], "error": " ".join(str(status.get("error", "")).split())}
        if status["state"] == "finished":
            metrics = json.loads(run.metrics.read_text(encoding="utf-8"))
            honest = metrics["crossfit"]["val"]  # by decision rules that had not seen the row
            row |= {"monitored": metrics["best"]["value"], "overall": honest["overall"]}
            row |= {f"{task}/macro_f1": scores["macro_f1"] for task, scores in honest["tasks"].items()}
            row["epoch"] = metrics["best"]["epoch"]
        rows.append(row)
    return rows


def mark_best(jobs: list[Json], best: Sequence[Best]) -> None:
    """Beside the score of the best configuration what it is worth on rows that it was not chosen on."""
    for item in best:
        names = {folder.name for folder in item.folders}
        low, high = (item.chosen.interval.low, item.chosen.interval.high) if item.chosen.interval.known else ("", "")
        for job in jobs:
            if job["folder"] in names:
                job["chosen"] = f"best of {item.chosen.of}, chosen on these rows"
                job |= {"corrected": item.chosen.corrected, "corrected_low": low, "corrected_high": high}


def jobs_table(jobs: list[Json]) -> Table:
    """The rows of :func:`job_rows` for people, in the order in which the jobs started."""
    tasks = list(dict.fromkeys(name for job in jobs for name in job if name.endswith("/macro_f1")))
    corrected = ["corrected"] if any("corrected" in job for job in jobs) else []
    headings = [*SCORES, *corrected, *(name.removesuffix("/macro_f1") for name in tasks), "best epoch"]
    table = Table("folder", "changed", "state", *headings, title="validation scores of all jobs")
    for job in jobs:
        scores = [f"{job[name]:.4f}" if job.get(name) is not None else "-" for name in (*SCORES, *corrected, *tasks)]
        state = f"{job['state']}: {job['error'][:60]}" if job["error"] else job["state"]
        epoch = str(job["epoch"] + 1) if "epoch" in job else "-"
        table.add_row(job["folder"], job["changed"] or "(nothing)", state, *scores, epoch)
    return table
