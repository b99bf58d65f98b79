"""What all reports promise: valid, whole in themselves, safe with any text, readable in both themes."""

import base64
import hashlib
import re
from collections.abc import Callable
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from polarity.reports.html import numbers, write_comparison_report, write_inspection_report, write_run_report
from polarity.reports.html.charts import SERIES
from polarity.reports.html.page import style
from polarity.reports.html.sweep.report import write_sweep_report
from polarity.tasks import Task
from polarity.wording import times
from tests.reports.pages import HOSTILE, SECRET, Page, comparison, inspection, run_folder, sweep_content

ROOT = Path(__file__).resolve().parents[2]


def write_run(folder: Path, *, hostile: bool = False) -> Path:
    return write_run_report(run_folder(folder / "run", hostile=hostile), resamples=100)


def write_comparison(folder: Path, *, hostile: bool = False) -> Path:
    return write_comparison_report(comparison(hostile=hostile), folder / "comparison.html")


def write_inspection(folder: Path, *, hostile: bool = False) -> Path:
    return write_inspection_report(inspection(hostile=hostile), folder / "inspection.html")


def write_sweep(folder: Path, *, hostile: bool = False) -> Path:
    return write_sweep_report(sweep_content(24, seeds=2, hostile=hostile), folder / "sweep.html")


REPORTS = [write_run, write_comparison, write_inspection, write_sweep]
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
    charts = re.findall(r"<svg[^>]*>(?:<title>[^<]+</title><desc>[^<]+</desc>)?", source)
    assert charts
    assert all("aria-hidden" in chart or ('role="img"' in chart and "<desc>" in chart) for chart in charts)


@every_report
@pytest.mark.parametrize("hostile", [False, True])
def test_tables_can_be_read_by_a_screen_reader(write: Callable[..., Path], hostile: bool, tmp_path: Path) -> None:
    source = write(tmp_path, hostile=hostile).read_text(encoding="utf-8")
    tables = re.findall(r"<table[^>]*>(.*?)</table>", source, re.DOTALL)
    assert tables
    for table in tables:
        assert re.search(r"<caption><span[^>]*>[^<]+", table)
        heads = re.findall(r"<th(\s[^>]*)>(.*?)</th>", table, re.DOTALL)
        assert all("scope=" in attributes for attributes, _ in heads)
        assert all(re.sub(r"<[^>]+>", "", inside).strip() for _, inside in heads), "a header without words"
        rows = re.findall(r"<tr[^>]*>(.*?)</tr>", table.partition("<tbody>")[2], re.DOTALL)
        assert all('<th scope="row"' in row for row in rows)
    assert "tabindex" not in source.partition("<script>")[0], "boxes are stops only where they scroll, by the script"


def test_names_and_texts_have_a_direction_of_their_own(tmp_path: Path) -> None:
    tasks = [Task("tone", ("نعم", "no"), "tone")]
    source = write_run_report(run_folder(tmp_path / "run", tasks=tasks), resamples=100).read_text(encoding="utf-8")
    body = source.partition("<script>")[0]
    heads = re.findall(r"<th[^>]*>((?:(?!</th>).)*نعم.*?)</th>", body, re.DOTALL)
    assert heads
    assert all("<bdi>" in head for head in heads)
    texts = re.findall(rf"<p[^>]*>{SECRET}", source)
    assert texts
    assert all('dir="auto"' in text for text in texts)


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
    ("ranked", "verdict", "message"),
    [
        (True, "unclear", "No evidence that run-a is the best"),
        (True, "better", "run-a is better than all others"),
        (False, "better", "3 of 3 pairs can be told apart; nothing is ranked"),
    ],
)
def test_comparisons_name_a_winner_only_with_evidence(ranked: bool, verdict: str, message: str, tmp_path: Path) -> None:
    result = comparison(ranked=ranked, verdict=verdict)
    page = Page(write_comparison_report(result, tmp_path / "page.html").read_text(encoding="utf-8"))
    assert page.headings["h1"] == message
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


THEMES = pytest.mark.parametrize("theme", [0, 1, 2], ids=["light", "dark by the system", "dark by choice"])


def colours_of(theme: int) -> dict[str, str]:
    blocks = [block for block in re.findall(r"\{([^{}]*)\}", style()) if "--page:" in block]
    assert blocks[1] == blocks[2]
    return dict(re.findall(r"--(\w+): (#\w{6});", blocks[theme]))


@THEMES
def test_texts_can_be_read_in_every_theme(theme: int) -> None:
    colours = colours_of(theme)
    for name in ("ink", "muted", "accent", "good", "bad", "doubt"):
        for ground in ("page", "faint"):
            assert contrast(colours[name], colours[ground]) >= 4.5, (name, ground)
    assert contrast(colours["ink"], colours["heat"]) >= 4.5  # counts in the darkest cell of a matrix


@THEMES
def test_what_is_drawn_can_be_seen_in_every_theme(theme: int) -> None:
    """WCAG 2.2, 1.4.11: 3 to 1 for every line, bar, dot and control; grids and fields behind texts only decorate."""
    colours, seen = colours_of(theme), set()
    plain = re.sub(r"/\*.*?\*/", "", style(), flags=re.DOTALL)
    for selectors, rules in re.findall(r"([^{}]+)\{([^{}]*)\}", plain):
        names = set(re.findall(r"\.([\w-]+)", selectors))
        drawn = re.search(r"\bsvg\b|\.track|\.mark\b|\.s\d|button|input", selectors)
        if not drawn or names & {"grid", "cell", "heat"}:
            continue
        assert "opacity" not in rules, f"{selectors}: what shines through cannot be judged"
        values = re.findall(r"(?:fill|stroke|color|border): (?:1px solid )?var\(--(\w+)\)", rules)
        visible = [value for value in values if value not in ("page", "surface")]
        for value in visible:
            assert contrast(colours[value], colours["page"]) >= 3, (selectors, value)
            seen |= names
        assert visible or not values or "currentColor" in rules, f"{selectors}: is as the page and cannot be seen"
    assert seen >= {"bar", "count", "axis", "track", *(f"s{number}" for number in range(SERIES))}


VIEWS = {
    "all cones": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
}
"""Machado, Oliveira and Fernandes, A physiologically-based model for simulation of color vision deficiency, 2009."""
TO_XYZ = np.array([[0.4125, 0.3576, 0.1804], [0.2127, 0.7152, 0.0722], [0.0193, 0.1192, 0.9503]])


def lab(colour: str, view: object) -> np.ndarray:
    """CIE L*a*b* of a colour as someone sees it."""
    parts = np.array([int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)])
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    x, y, z = np.cbrt(np.clip(TO_XYZ @ np.clip(np.asarray(view) @ linear, 0, 1) / [0.9505, 1, 1.089], 1e-4, None))
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@THEMES
@pytest.mark.parametrize("view", VIEWS)
def test_the_colours_of_lines_can_be_told_apart_by_everyone(view: str, theme: int) -> None:
    colours = colours_of(theme)
    lines = [lab(colours[f"s{number}"], VIEWS[view]) for number in range(SERIES)]
    assert min(float(np.linalg.norm(one - two)) for one, two in combinations(lines, 2)) > 12


@pytest.mark.parametrize(
    ("written", "wanted"),
    [
        (numbers.score_text(0.6124), "0.612"),
        (numbers.score_text(None), "\u2013"),
        (numbers.signed(-0.0126), "\u22120.013"),
        (numbers.signed(0.02), "+0.020"),
        (numbers.interval(0.1, 0.25), "0.100 to 0.250"),
        (numbers.interval(None, 0.25), ""),
        (numbers.count(16591), "16,591"),
        (numbers.probability(0.0), "< 0.001"),
        (numbers.duration(61), "1 min 1 s"),
        (numbers.duration(3725), "1 h 2 min"),
        (numbers.moment("no time"), "no time"),
        (times(1, "row"), "1 row"),
        (times(3555, "row"), "3,555 rows"),
        (numbers.sentence("no evidence"), "No evidence."),
        (numbers.sentence("run-b is better."), "run-b is better."),
    ],
)
def test_numbers_are_written_alike_everywhere(written: str, wanted: str) -> None:
    assert written == wanted
