"""What ``python -m polarity.sweep`` does: the table of a sweep, its report, and its best configuration as a preset."""

import sys
import time
from dataclasses import dataclass

from rich.live import Live

from polarity.errors import UserError
from polarity.files import check_room, write_text
from polarity.printable import printable, shared_console
from polarity.sweeps.folder import Sweep
from polarity.sweeps.table import job_rows, jobs_table, print_jobs, report_jobs

PAUSE = 5.0
"""Seconds between two looks at a sweep that goes on."""


@dataclass(frozen=True, kw_only=True)
class SweepSettings:
    """The settings of ``conf/sweep.yaml``, where each is explained."""

    folder: str
    best: bool
    report: bool
    output: str | None
    watch: bool | None


def sweep(settings: SweepSettings) -> None:
    """Show the table, write the report, or show the best configuration.

    :raises UserError: if there is no such sweep, or nothing in it to choose from.
    """
    found = Sweep.open(settings.folder)
    if settings.best and settings.report:
        raise UserError("best, report: one at a time")
    if settings.best:
        _best(found, settings.output)
        return
    if settings.output is not None:
        raise UserError("output: has an effect with best only")
    if settings.report:
        print(printable(f"report: {report_jobs(found)}"))
        return
    if settings.watch or (settings.watch is None and sys.stdout.isatty()):
        with Live(console=shared_console(), transient=True) as live:
            rows = job_rows(found.jobs)
            while any(row["state"] == "running" for row in rows):
                live.update(jobs_table(rows), refresh=True)
                time.sleep(PAUSE)
                found = Sweep.open(found.path)  # others may have extended it
                rows = job_rows(found.jobs)
    print_jobs(found, page=False)


def _best(found: Sweep, output: str | None) -> None:
    """Print the preset of the recommended configuration, or write it."""
    from polarity.sweeps.preset import place_of, preset_of, recommended_job  # composes, which imports every component

    file = place_of(output, found.asked.config_dir)
    if output is not None:
        check_room(output=file.parent)
    text = preset_of(found, recommended_job(found), file, written=output is not None)
    if output is None:
        print(printable(text), end="")
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    write_text(file, text)
    print(printable(f"{file}: {text.splitlines()[1].removeprefix('# ')}"))
