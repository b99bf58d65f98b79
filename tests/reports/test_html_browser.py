"""The reports in a real browser: no error on the console, no page wider than a phone, both themes."""

import html
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from polarity.reports.html import write_comparison_report, write_inspection_report, write_run_report
from polarity.reports.html.sweep.report import write_sweep_report
from polarity.tasks import Task
from tests.command import PATIENCE
from tests.reports.pages import comparison, inspection, run_folder, sweep_content

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
SWITCHED_OFF = ("gpu", "quic", "background-networking", "component-update", "sync", "dev-shm-usage")
QUIET = ("--headless", "--no-sandbox", "--no-first-run", *(f"--disable-{name}" for name in SWITCHED_OFF))
TELL = ("--enable-logging=stderr", "--dump-dom", "--virtual-time-budget=4000", "--window-size=1400,900")
WIDTHS = (390, 1280)

# Says of each page how wide it is, whether its script ran, and whether its button changes the colours.
LOOK = """
addEventListener("load", () => {
  const seen = [...document.querySelectorAll("iframe")].map((frame) => {
    const page = frame.contentDocument, root = page.documentElement, button = page.getElementById("theme");
    const ground = () => frame.contentWindow.getComputedStyle(page.body).backgroundColor;
    const before = ground();
    button.click();
    const drawn = (chart) => chart.getBoundingClientRect().width / chart.viewBox.baseVal.width;
    const small = [...page.querySelectorAll("svg.chart")].map(drawn);
    const end = (item) => item.getBoundingClientRect().right;
    const ends = [...page.querySelectorAll(".scale text:last-child")].filter((tick) => end(tick) > 0);
    const cut = ends.filter((tick) => end(tick) > end(tick.closest("th,.pair")) + 1);
    const stops = [...page.querySelectorAll(".scroll[tabindex]")].filter((box) => box.scrollWidth <= box.clientWidth
      && box.scrollHeight <= box.clientHeight);
    const head = page.querySelector("th:first-child > .sort");
    const column = () => head && [...head.closest("table").tBodies[0].rows]
      .filter((row) => !row.matches(".sum")).map((row) => row.cells[0].textContent.trim());
    head?.click();
    const up = column();
    head?.click();
    const link = page.querySelector(".matrix td a[data-task]"), wanted = link?.dataset;
    link?.click();
    const listed = link && [...page.querySelectorAll(".found")].find((found) => found.dataset.task === wanted.task);
    const shown = listed && [...listed.querySelectorAll("li")].filter((item) => !item.hidden);
    const right = !link || (shown.length > 0 && shown.every((item) => item.dataset.label === wanted.label
      && item.dataset.predicted === wanted.predicted));
    const state = page.querySelector("select[data-key=state]"), wish = state?.options[2].value;
    if (state) state.value = wish;
    state?.dispatchEvent(new Event("input"));
    const jobs = [...page.querySelectorAll("tr[data-state]")], kept = jobs.filter((row) => !row.hidden);
    const filtered = !state || (0 < kept.length && kept.length < jobs.length
      && kept.length === jobs.filter((row) => row.dataset.state === wish).length
      && kept.every((row) => row.dataset.state === wish));
    return {filtered, chosen: Boolean(state),
            cut: cut.length, stops: stops.length, ascending: up, descending: column(), right, linked: Boolean(link),
            name: frame.title, asked: frame.clientWidth, wide: root.scrollWidth, hidden: button.hidden,
            changes: before !== ground(), marked: page.querySelectorAll("nav a[aria-current]").length,
            scale: Math.min(1, ...small.filter((value) => value > 0))};
  });
  document.getElementById("seen").textContent = JSON.stringify(seen);
});
"""


@pytest.fixture(scope="module")
def browser() -> str:
    result = next(filter(None, map(shutil.which, BROWSERS)), None)
    if result is None:
        pytest.skip("no Chromium is installed")
    return result


def pages(folder: Path) -> list[Path]:
    hostile = [
        write_run_report(run_folder(folder / "hostile", hostile=True), resamples=100),
        write_comparison_report(comparison(hostile=True), folder / "comparison.html"),
        write_inspection_report(inspection(hostile=True), folder / "inspection.html"),
        write_sweep_report(sweep_content(60, seeds=3, hostile=True), folder / "sweep.html"),
    ]
    return [write_run_report(run_folder(folder / "run"), resamples=100), *hostile]


@pytest.mark.slow
def test_reports_render_without_errors(browser: str, tmp_path: Path) -> None:
    frames = [
        f'<iframe title="{path.parent.name}/{path.name}" style="width:{width}px;height:900px;border:0" '
        f'srcdoc="{html.escape(path.read_text(encoding="utf-8"))}"></iframe>'
        for path in pages(tmp_path)
        for width in WIDTHS
    ]
    wrapper = tmp_path / "all.html"
    wrapper.write_text(f"<!doctype html><pre id=seen></pre>{''.join(frames)}<script>{LOOK}</script>", encoding="utf-8")
    command = [browser, *QUIET, *TELL, f"--user-data-dir={tmp_path / 'profile'}", wrapper.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    if not done.stdout.strip():
        pytest.skip(f"{browser} does not start here: {done.stderr.strip().splitlines()[-1:]}")
    assert [line for line in done.stderr.splitlines() if "CONSOLE" in line] == []
    match = re.search(r'<pre id="seen">(.*?)</pre>', done.stdout, re.DOTALL)
    assert match is not None
    seen = json.loads(html.unescape(match.group(1)))
    assert len(seen) == 5 * len(WIDTHS)
    for page in seen:
        assert page["wide"] <= page["asked"], page  # wide tables scroll in their own boxes
        assert page["changes"], page
        assert not page["hidden"], page
        assert page["marked"] == 1, page
        assert page["scale"] >= 0.9, page  # charts are not drawn so small that their texts cannot be read
        assert page["cut"] == 0, page  # the last tick of a table's scale
        assert page["stops"] == 0, page  # boxes that need no scrolling are no stops for the keyboard
        assert page["ascending"] == (page["descending"] and page["descending"][::-1]), page
        assert page["right"], page  # a cell of a confusion matrix shows its own mistakes
        assert page["filtered"], page  # the table of a sweep's jobs shows those of the state that is chosen
        assert page["chosen"] == page["name"].endswith("sweep.html"), page
        assert page["linked"] == page["name"].endswith("report.html"), page
    assert any(page["ascending"] for page in seen)


@pytest.mark.slow
@pytest.mark.parametrize("classes", [3, 30])
def test_a_report_on_paper_is_short(browser: str, classes: int, tmp_path: Path) -> None:
    tasks = [Task("many", tuple(f"class number {number}" for number in range(classes)), "many")]
    page, paper = write_run_report(run_folder(tmp_path / "run", tasks=tasks), resamples=100), tmp_path / "page.pdf"
    command = [browser, *QUIET, f"--user-data-dir={tmp_path / 'profile'}", f"--print-to-pdf={paper}", page.as_uri()]
    subprocess.run(command, capture_output=True, timeout=PATIENCE, check=False)
    if not paper.is_file():
        pytest.skip(f"{browser} does not print here")
    assert 1 <= len(re.findall(rb"/Type\s*/Page[^s]", paper.read_bytes())) <= 10
