"""The report of an inspection of data."""

from collections.abc import Mapping
from pathlib import Path

from polarity.inspection.result import Inspection
from polarity.reports.html.page import write_page
from polarity.wording import times

LEVELS = {"stop": ("stop", "stops training"), "warning": ("", "warning")}
"""Level of a finding that has to be seen: its class in the style sheet, and its name."""


def write_inspection_report(inspection: Inspection, path: Path) -> Path:
    """Write the report of an inspection as one page; returns its path. Texts are those that the inspection holds."""
    return write_page(
        path,
        "inspection.html",
        title="Inspection of data",
        inspection=inspection,
        headline=inspection_headline(inspection),
        sections=_sections(inspection),
        levels=LEVELS,
        total=_total,
    )


def inspection_headline(inspection: Inspection) -> str:
    """The finding in one line."""
    stops = sum(finding.level == "stop" for finding in inspection.findings)
    warnings = sum(finding.level == "warning" for finding in inspection.findings)
    if stops:
        return f"{times(stops, 'problem')} would stop training"
    if warnings:
        return f"{times(warnings, 'finding')} to look into before scores are believed"
    return "Nothing was found that speaks against training"


def _sections(inspection: Inspection) -> list[tuple[str, str]]:
    """Ids, which are what findings are about, and names."""
    named = [
        ("data", "Summary", True),
        ("counts", "Counts", bool(inspection.counts)),
        ("association", "Tasks together", bool(inspection.joint)),
        ("lengths", "Lengths", bool(inspection.lengths.splits)),
        ("duplicates", "Duplicates", True),
        ("conflicts", "Label conflicts", True),
        ("groups", "Groups", bool(inspection.groups)),
        ("languages", "Languages", inspection.languages is not None),
        ("labels", "Suspicious labels", bool(inspection.labels)),
    ]
    return [(key, name) for key, name, there in named if there]


def _total(rows: Mapping[str, int]) -> int:
    return sum(rows.values())
