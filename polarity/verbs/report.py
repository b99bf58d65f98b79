"""What ``python -m polarity.report`` does: the report of a finished run again, from the files of its folder."""

from dataclasses import dataclass
from pathlib import Path

from polarity.files import check_room
from polarity.printable import printable
from polarity.progress import progress
from polarity.reporting import Resamples
from polarity.reports.html import write_run_report
from polarity.runs.manifest import check_unchanged
from polarity.runs.saved import finished_run, refuse_refit


@dataclass(frozen=True)
class ReportSettings:
    """The settings of ``conf/report.yaml``, where each is explained."""

    run: str
    texts: bool | None
    resamples: Resamples | None


def report(settings: ReportSettings) -> Path:
    """Write the report; returns its path.

    :raises UserError: if the run goes on, was cut off or failed, or if its folder holds something damaged.
    """
    run = finished_run(settings.run)
    refuse_refit(run)
    check_unchanged(run, "predictions", "baselines", "metrics.json", "history.csv")
    check_room(run=run.path)
    with progress("writing the report"):
        return write_run_report(run, texts=settings.texts, resamples=settings.resamples)


def report_and_print(settings: ReportSettings) -> None:
    """Write the report and say where it is."""
    print(printable(str(report(settings))))
