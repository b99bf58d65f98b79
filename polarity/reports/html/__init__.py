"""Reports as single pages: readable offline, in light and dark, on a phone and on paper."""

from polarity.reports.html.comparison import write_comparison_report
from polarity.reports.html.inspection import write_inspection_report
from polarity.reports.html.run.folder import SplitContent, read_splits
from polarity.reports.html.run.report import write_run_report

__all__ = ["SplitContent", "read_splits", "write_comparison_report", "write_inspection_report", "write_run_report"]
