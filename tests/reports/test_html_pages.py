"""What all reports promise: valid, whole in themselves, safe with any text, readable in both themes."""

import base64
import hashlib
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from polarity.reports.html import numbers, write_comparison_report, write_inspection_report, write_run_report
from polarity.reports.html.page import style
from tests.reports.pages import HOSTILE, SECRET, Page, comparison, inspection, run_folder

ROOT = Path(__file__).resolve().parents[2]


def write_run(folder: Path, *, hostile: bool = False) -> Path:
    return write_run_report(run_folder(folder / "run", hostile=hostile), resamples=100)


def write_comparison(folder: Path, *, hostile: bool = False) -> Path:
    return write_comparison_report(comparison(hostile=hostile), folder / "comparison.html")


def write_inspection(folder: Path, *, hostile: bool = False) -> Path:
    return write_inspection_report(inspection(hostile=hostile), folder / "inspection.html")


REPORTS = [write_run, write_comparison, write_inspection]
every_report = pytest.mark.parametrize("write", REPORTS, ids=lambda write: write.__name__)


@every_report
@pytest.mark.parametrize("hostile", [False, True])
def test_a_page_is_valid_and_needs_nothing_else(write: Callable[..., Path], hostile: bool, tmp_path: Path) -> None:
    source = write(tmp_path, hostile=hostile).read_text(encoding="utf-8")
    page = Page(source)
    assert page.problems == []
    assert source.startswith("<!doctype html>")
    assert page.tags.count("h1") == 1
    assert page.tags.count("script") == page.tags.count("style") == 1
    assert not {"img", "iframe", "object", "embed", "link", "base", "form"} & set(page.tags)
    assert not re.search(r"@import|url\(", source)


@every_report
def test_texts_of_the_data_stay_texts(write: Callable[..., Path], tmp_path: Path) -> None:
    source = write(tmp_path, hostile=True).read_text(encoding="utf-8")
    assert HOSTILE not in source
    assert HOSTILE in Page(source).text


@every_report
def test_only_the_script_of_the_page_itself_may_run(write: Callable[..., Path], tmp_path: Path) -> None:
    source = write(tmp_path).read_text(encoding="utf-8")
    (script,) = re.findall(r"<script>(.*?)</script>", source, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src &#39;sha256-{digest}&#39;" in source
    assert "default-src &#39;none&#39;" in source


@every_report
def test_the_navigation_leads_to_every_section(write: Callable[..., Path], tmp_path: Path) -> None:
    page = Page(write(tmp_path).read_text(encoding="utf-8"))
    sections = re.findall(r'<section id="([^"]+)"', page.source)
    assert [link[1:] for link in page.links if link[1:] in sections][: len(sections)] == sections


@every_report
def test_pictures_say_what_they_show(write: Callable[..., Path], tmp_path: Path) -> None:
    source = write(tmp_path).read_text(encoding="utf-8")
    charts = re.findall(r"<svg[^>]*>(?:<title>[^<]+</title>)?", source)
    assert charts
    assert all("aria-hidden" in chart or ('role="img"' in chart and "<title>" in chart) for chart in charts)


@pytest.mark.parametrize("empty", [False, True])
def test_inspections_show_what_there_is(empty: bool, tmp_path: Path) -> None:
    page = Page(write_inspection_report(inspection(empty=empty), tmp_path / "page.html").read_text(encoding="utf-8"))
    assert page.problems == []
    assert ("Suspicious labels" in page.text) is not empty
    assert page.headings["h1"] == (
        "Nothing was found that speaks against training" if empty else "1 problem would stop training"
    )
    assert (SECRET in page.text) is not empty


@pytest.mark.parametrize(
    ("ranked", "verdict", "told"),
    [
        (True, "unclear", "No evidence that run-a is the best"),
        (True, "better", "run-a is better than all others"),
        (False, "better", "3 pairs of 3 can be told apart; nothing is ranked"),
    ],
)
def test_comparisons_name_a_winner_only_with_evidence(ranked: bool, verdict: str, told: str, tmp_path: Path) -> None:
    found = comparison(ranked=ranked, verdict=verdict)
    page = Page(write_comparison_report(found, tmp_path / "page.html").read_text(encoding="utf-8"))
    assert page.headings["h1"] == told
    assert "compared on the test split" in page.text


def test_templates_ship_with_the_package() -> None:
    builder = pytest.importorskip("hatchling.builders.wheel", reason="tells what a wheel would hold")
    shipped = {file.distribution_path for file in builder.WheelBuilder(str(ROOT)).recurse_included_files()}
    templates = [path for path in (ROOT / "polarity/reports/html/templates").rglob("*") if path.is_file()]
    assert len(templates) > 20
    assert {str(path.relative_to(ROOT)) for path in templates} <= shipped


def luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(first: str, second: str) -> float:
    dark, light = sorted((luminance(first), luminance(second)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", [0, 1, 2], ids=["light", "dark by the system", "dark by choice"])
def test_texts_can_be_read_in_every_theme(theme: int) -> None:
    blocks = [block for block in re.findall(r"\{([^{}]*)\}", style()) if "--page:" in block]
    colours = dict(re.findall(r"--(\w+): (#\w{6});", blocks[theme]))
    for name in ("ink", "muted", "accent", "good", "bad", "doubt", *(f"s{number}" for number in range(8))):
        for ground in ("page", "faint"):
            assert contrast(colours[name], colours[ground]) >= 4.5, (name, ground)
    assert contrast(colours["ink"], colours["heat"]) >= 4.5  # counts in the darkest cell of a matrix
    assert blocks[1] == blocks[2]


@pytest.mark.parametrize(
    ("written", "wanted"),
    [
        (numbers.score(0.6124), "0.612"),
        (numbers.score(None), "\u2013"),
        (numbers.signed(-0.0126), "\u22120.013"),
        (numbers.signed(0.02), "+0.020"),
        (numbers.interval(0.1, 0.25), "0.100 to 0.250"),
        (numbers.interval(None, 0.25), ""),
        (numbers.count(16591), "16,591"),
        (numbers.probability(0.0), "< 0.001"),
        (numbers.duration(61), "1 min 1 s"),
        (numbers.duration(3725), "1 h 2 min"),
        (numbers.moment("no time"), "no time"),
        (numbers.times(1, "row"), "1 row"),
        (numbers.times(3555, "row"), "3,555 rows"),
        (numbers.sentence("no evidence"), "No evidence."),
        (numbers.sentence("run-b is better."), "run-b is better."),
    ],
)
def test_numbers_are_written_alike_everywhere(written: str, wanted: str) -> None:
    assert written == wanted
