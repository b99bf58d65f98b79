"""Charts hold whatever the numbers are: everything lies inside the picture, and nothing is not a number."""

import re
from itertools import pairwise
from math import isfinite, nan
from xml.etree.ElementTree import Element, fromstring

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polarity.analysis import PrecisionRecall, ReliabilityBin
from polarity.reports.html.charts import (
    axis_of,
    bar,
    dots,
    histogram,
    learning_curves,
    marks,
    matrix,
    overlaid,
    parallel,
    precision_recall,
    reliability,
    scale,
    track,
)
from polarity.reports.html.charts.dots import Dot
from polarity.reports.html.charts.learning_curves import rounded
from polarity.reports.html.charts.names import CHARACTER_WIDTH, shortened, without_overlaps
from polarity.reports.html.charts.names import width as width_of
from polarity.reports.html.charts.overlaid import POINTS, Overlaid
from polarity.reports.html.charts.parallel import Threaded
from polarity.reports.html.charts.scales import apart, around, short, ticks
from polarity.reports.html.charts.series import DASHES, MARKERS, SERIES, STANDING, swatch
from tests.reports.pages import HOSTILE

values = st.one_of(st.just(nan), st.floats(0, 1))
names = st.text(min_size=1, max_size=40)


def numbers_in(tree: Element) -> list[float]:
    collected = []
    for item in tree.iter():
        placed = (
            item.attrib.get(key) for key in ("x", "y", "x1", "x2", "y1", "y2", "cx", "cy", "r", "width", "height")
        )
        collected += [float(text.removesuffix("%")) for text in placed if text is not None]
        drawn = item.attrib.get("transform", item.attrib.get("d", ""))  # markers are drawn around 0 and moved
        collected += [float(text) for text in re.findall(r"-?[\d.]+", drawn) if not drawn.startswith("rotate")]
    return collected


def inside(picture: str) -> Element:
    tree = fromstring(picture)
    _, _, width, height = (float(text) for text in tree.attrib["viewBox"].split())
    result = numbers_in(tree)
    assert result
    assert all(isfinite(number) and -1 <= number <= max(width, height) + 1 for number in result)
    assert tree[0].tag == "title"
    for text in tree.iter("text"):
        if "transform" not in text.attrib and "%" not in text.attrib["x"]:
            left, right = span(text)
            assert left >= -1, (text.text, left)
            assert right <= width + 1, (text.text, right, width)
    return tree


def span(text: Element) -> tuple[float, float]:
    """Where a text begins and ends, roughly."""
    x, size = float(text.attrib["x"]), CHARACTER_WIDTH * width_of(text.text or "")
    before = {"start": 0.0, "middle": 0.5, "end": 1.0}[text.attrib.get("text-anchor", "start")]
    return x - before * size, x + (1 - before) * size


def words(tree: Element) -> list[str]:
    return [item.text or "" for item in tree.iter("text")]


@given(st.lists(st.lists(values, min_size=4, max_size=4), max_size=12), names)
def test_learning_curves_hold_any_scores(lines: list[list[float]], name: str) -> None:
    named = {f"{name} {number}": line for number, line in enumerate(lines)}
    total = next(iter(named), None)
    inside(learning_curves("t", [0, 1, 2, 3], named, y_name="F1", total=total, best=2))


@pytest.mark.parametrize("epochs", [[], [0.0], [3.0]])
def test_learning_curves_hold_few_epochs(epochs: list[float]) -> None:
    lines = {"one": [0.5] * len(epochs), "two": [0.6] * len(epochs)}
    tree = inside(learning_curves("t", epochs, lines, y_name="F1", total=None, best=0))
    assert ("one 0.50" in words(tree)) is bool(epochs)


def test_an_axis_of_zeros_has_no_other_mark() -> None:
    """As the learning rate in the end of a single epoch is."""
    tree = inside(learning_curves("t", [1], {"rate": [0.0]}, y_name="rate", total=None, best=None))
    assert [mark.text for mark in tree.iter("text") if mark.get("class") == "tick"] == ["0", "1"], "1 is the epoch"


@given(st.floats(-9, 9), st.integers(1, 4), st.lists(names, min_size=1, max_size=3, unique=True))
def test_numbers_of_any_size_are_shown_whole(power: float, epochs: int, names: list[str]) -> None:
    """A mark or a last value that is cut off would be another number."""
    lines = {name: [(number + 1) * 10**power / 7] * epochs for number, name in enumerate(names)}
    tree = inside(learning_curves("", range(epochs), lines, y_name="rate", total=None, best=None))
    shown = [text.text or "" for text in tree.iter("text")]
    for name, line in lines.items():
        assert any(text.endswith(rounded(line[0])) for text in shown), (name, shown)


@pytest.mark.parametrize(
    ("value", "mark", "end"),
    [
        (0.00015, "1.5e\u22124", "1.5e\u22124"),
        (4e-05, "4e\u22125", "4e\u22125"),
        (-0.00025, "\u22122.5e\u22124", "\u22122.5e\u22124"),
        (0.0025, "0.0025", "0.0025"),
        (0, "0", "0.00"),
    ],
)
def test_small_numbers_take_few_characters(value: float, mark: str, end: str) -> None:
    assert (short(value), rounded(value)) == (mark, end)


def test_a_line_has_a_gap_where_there_is_no_value() -> None:
    tree = inside(learning_curves("t", [0, 1, 2, 3], {"a": [0.1, nan, 0.2, 0.3]}, y_name="F1", total=None, best=None))
    (path,) = (item.attrib["d"] for item in tree.iter("path") if item.attrib["class"].startswith("line"))
    assert path.count("M") == 2
    assert path.count("L") == 1


@given(st.integers(1, 14), st.data())
def test_matrices_hold_any_counts(size: int, data: st.DataObject) -> None:
    counts = data.draw(
        st.lists(st.lists(st.integers(0, 10**6), min_size=size, max_size=size), min_size=size, max_size=size)
    )
    columns = [f"column {number}" for number in range(size)]
    tree = inside(matrix("t", counts, columns, row_name="label", column_name="decided"))
    shares = [float(item.attrib["fill-opacity"]) for item in tree.iter("rect") if "fill-opacity" in item.attrib]
    assert len(shares) == len(counts) * size
    assert all(0 <= share <= 1 for share in shares)


def test_a_matrix_shows_counts_and_shares_of_the_row() -> None:
    counts = [[3, 1], [0, 0]]
    tree = inside(matrix("t", counts, ["a", "b"], row_name="label", column_name="decided"))
    assert {"75%", "25%", "3", "1", "0%", "0"} <= set(words(tree))


def reliability_bins(confidences: list[float]) -> list[ReliabilityBin]:
    empty = ReliabilityBin(0, 0.1, 0, None, None)
    return [empty, *(ReliabilityBin(c, min(c + 0.1, 1), 5, c, c / 2) for c in confidences)]


@given(st.lists(st.floats(0, 1), max_size=5), st.lists(st.floats(0, 1), max_size=5))
def test_reliability_holds_any_bins(before: list[float], after: list[float]) -> None:
    inside(reliability("t", reliability_bins(before), reliability_bins(after)))


@given(st.lists(st.lists(st.floats(0, 1), min_size=1, max_size=5), max_size=10))
def test_precision_and_recall_hold_any_curves(lines: list[list[float]]) -> None:
    curves = [
        PrecisionRecall("t", "c", 1, 0.5, 0.1, tuple(sorted(line, reverse=True)), tuple(line), tuple(line), (), ())
        for line in lines
    ]
    tree = inside(precision_recall("t", curves))
    assert len([path for path in tree.iter("path") if path.attrib["class"].startswith("line")]) == len(lines)


@given(st.lists(st.integers(0, 10**7), min_size=1, max_size=40), st.one_of(st.none(), st.integers(0, 400)))
def test_histograms_hold_any_counts(rows: list[int], limit: int | None) -> None:
    edges = [10 * number for number in range(len(rows) + 1)]
    inside(histogram("t", edges, rows, name="tokens", limit=limit))


def test_a_bar_of_a_histogram_names_the_lengths_that_it_holds() -> None:
    drawn = inside(histogram("t", [0, 5, 129, 130], [1, 2, 3], name="tokens", limit=129))
    bars = [bar for bar in drawn.iter("rect") if "count" in bar.attrib.get("class", "")]
    assert [bar[0].text for bar in bars] == ["0 to 4: 1 row", "5 to 128: 2 rows", "129: 3 rows"]
    assert not any("beyond" in bar.attrib["class"] for bar in bars), "rows as long as the limit are not cut"


@given(st.lists(st.one_of(st.none(), st.floats(-3, 3), st.just(nan)), max_size=6), st.one_of(st.none(), st.just(0.0)))
def test_an_axis_holds_its_values_and_its_reference(known: list[float | None], reference: float | None) -> None:
    axis = axis_of(known, reference=reference)
    assert len(axis.ticks) >= 2
    for value in [*known, reference]:
        if value is not None and isfinite(value):
            assert axis.ticks[0] - 1e-9 <= value <= axis.ticks[-1] + 1e-9
            low = value - 0.1
            drawn = (track(axis, value, low, None, others=[value]), marks(axis, [("own", value)]), scale(axis))
            for picture in drawn:
                assert all(0 <= number <= 100 for number in numbers_in(fromstring(f"<div>{picture}</div>")))


def test_what_is_absent_is_not_drawn() -> None:
    axis = axis_of([])
    assert "circle" not in track(axis, None) + track(axis, nan, nan, nan) + marks(axis, [("own", nan)])
    assert 'width="0.00%"' in bar(0, 0)


@given(st.lists(st.floats(0, 100), max_size=8))
def test_labels_keep_their_distance_and_their_order(places: list[float]) -> None:
    moved = apart(places, 10, 0, 100)
    order = sorted(range(len(places)), key=lambda number: places[number])
    put = [moved[number] for number in order]
    assert all(later - sooner >= 10 - 1e-9 for sooner, later in pairwise(put))
    assert all(-1e-9 <= place <= 100 + 1e-9 for place in put)


@given(st.floats(-1e6, 1e6), st.floats(0.01, 1e6))
def test_ticks_lie_between_the_ends(low: float, width: float) -> None:
    assert all(low - width * 1e-6 <= value <= low + width * 1.000001 for value in ticks(low, low + width))


def test_ticks_are_short() -> None:
    assert [short(value) for value in (0.0, -0.1, 0.25, 12_000, 1e-17)] == ["0", "\u22120.1", "0.25", "12k", "0"]
    assert [short(value) for value in (9_999, 1e6, 2.5e7, 1e9)] == ["9999", "1M", "25M", "1e+09"]


@given(st.lists(st.text(min_size=1, max_size=60), max_size=12, unique=True), st.floats(60, 160))
def test_names_fit_and_stay_apart(names: list[str], room: float) -> None:
    shown = shortened(names, room)
    assert len(set(shown)) == len(names)
    assert all(
        width_of(text) <= max(width_of(name) for name in names) or width_of(text) * 6.1 <= room for text in shown
    )


@pytest.mark.parametrize(
    ("names", "endings"),
    [
        (["card payment fee charged", "card payment wrong exchange rate"], ("arged", "rate")),
        ([f"the same long beginning and the same long end, number {n} of some classes" for n in range(12)], ()),
        (["ทดสอบข้อความที่ยาวมากๆสำหรับป้าย" + "ก", "ทดสอบข้อความที่ยาวมากๆสำหรับป้าย" + "ข"], ("ก", "ข")),
    ],
)
def test_names_that_begin_alike_are_told_apart(names: list[str], endings: tuple[str, ...]) -> None:
    shown = shortened(names, 96)
    assert len(set(shown)) == len(names)
    assert all(width_of(text) <= 15 for text in shown)
    for text, end in zip(shown, endings, strict=False):
        assert text.endswith(end)


def test_short_names_stay_as_they_are() -> None:
    assert shortened(["short", "是的"], 96) == ["short", "是的"]
    assert shortened(["نعم"], 96) == ["\u2068نعم\u2069"], "isolated, or a number beside it would change places with it"


def test_every_series_differs_in_dash_and_marker_and_the_legend_is_drawn_alike() -> None:
    assert len(set(DASHES)) == len(set(MARKERS)) == SERIES
    lines = {f"n{number}": [0.1, 0.2] for number in range(SERIES)}
    chart = fromstring(learning_curves("t", [0, 1], lines, y_name="F1", total=None, best=None))
    drawn = [path.attrib for path in chart.iter("path")]
    for number in range(SERIES):
        line, marker = (path.attrib for path in fromstring(swatch(number)).iter("path"))
        assert any(
            (path["class"], path.get("stroke-dasharray")) == (line["class"], line.get("stroke-dasharray"))
            for path in drawn
        )
        assert any((path["class"], path["d"]) == (marker["class"], marker["d"]) for path in drawn)


@given(st.floats(-1e6, 1e6), st.floats(1e-6, 1e6), st.booleans())
def test_round_values_enclose_the_ends(low: float, size: float, whole: bool) -> None:
    result = around(low, low + size, whole=whole)
    assert 2 <= len(result) <= 9
    assert result[0] <= low + size * 1e-6
    assert result[-1] >= low + size * (1 - 1e-6)
    assert not whole or all(value == round(value) for value in result)


def test_names_in_charts_are_escaped() -> None:
    lines = {HOSTILE: [0.1, 0.2]}
    drawn = learning_curves(HOSTILE, [0, 1], lines, y_name=HOSTILE, total=None, best=None)
    drawn += matrix(HOSTILE, [[1]], [HOSTILE], row_name=HOSTILE, column_name=HOSTILE)
    assert "<script" not in drawn
    assert "<img" not in drawn


share = st.floats(0, 1)
standing = st.sampled_from(STANDING)


@given(st.lists(st.tuples(share, share, share, standing), max_size=8), st.dictionaries(share, names, max_size=8))
def test_dots_hold_any_scores(scores: list[tuple[float, float, float, str]], places: dict[float, str]) -> None:
    drawn = [Dot(x, (one + two) / 2, min(one, two), max(one, two), style, HOSTILE) for x, one, two, style in scores]
    line = [(dot.x, dot.y) for dot in drawn]
    marks = dict(zip(places, shortened(list(places.values()), 50), strict=True))  # as those of a sweep are
    tree = inside(dots("t", drawn, marks, x_name="x", y_name="y", about="a", line=line, band=0.1))
    assert len(list(tree.iter("circle"))) == len(scores)


def test_a_dot_lies_at_its_score_and_its_band_around_the_line() -> None:
    drawn = [Dot(0.0, 0.25, 0.25, 0.25, "faint", "low"), Dot(1.0, 0.75, 0.5, 1.0, "sum", "high")]
    tree = inside(dots("t", drawn, {}, x_name="x", y_name="y", about="a", line=[(0, 0.5), (1, 0.5)], band=0.25))
    low, high = (float(circle.attrib["cy"]) for circle in tree.iter("circle"))
    (seeds,) = (item for item in tree.iter("line") if item.attrib["class"] == "join")
    whole = {float(item.attrib["y1"]) for item in tree.iter("line") if item.attrib["class"] == "grid"}
    bottom, top = max(whole), min(whole)  # of 0 and 1, or of 0.2 and 1
    assert float(seeds.attrib["y2"]) == pytest.approx(top)
    assert float(seeds.attrib["y1"]) == pytest.approx((low + high) / 2)
    (band,) = (item.attrib["d"] for item in tree.iter("path") if item.attrib["class"] == "heat")
    ends = sorted({float(text) for text in re.findall(r" ([\d.]+)", band)})
    assert ends == pytest.approx([high, low], abs=0.1)
    assert bottom >= low


@given(st.lists(st.tuples(st.lists(values, min_size=3, max_size=3), standing), max_size=8))
def test_parallel_coordinates_hold_any_values(lines: list[tuple[list[float], str]]) -> None:
    axes = [(HOSTILE, {0.0: "a" * 50, 0.5: "b", 1.0: "c" * 50}), ("b", {0.5: "one"}), ("c", {})]
    tree = inside(parallel("t", axes, [Threaded(places, style, "said") for places, style in lines], "a"))
    drawn = [item.attrib for item in tree.iter("path")]
    assert [item["class"] for item in drawn] == sorted(
        (f"line {style}" for _, style in lines), key=lambda name: STANDING.index(name.removeprefix("line "))
    )
    gaps = sorted(sum(isfinite(place) for place in places) for places, _ in lines)
    assert sorted(len(re.findall("[ML]", item["d"])) for item in drawn) == gaps


@given(st.lists(st.tuples(st.lists(values, max_size=100), standing, st.booleans()), max_size=5))
def test_curves_over_each_other_hold_any_scores(curves: list[tuple[list[float], str, bool]]) -> None:
    drawn = [Overlaid(list(enumerate(line, 1)), style, cut, HOSTILE) for line, style, cut in curves]
    tree = inside(overlaid("t", drawn, y_name="y", about="a"))
    known = [[value for value in line if isfinite(value)] for line, _, _ in curves]
    assert len(list(tree.iter("path"))) == sum(bool(line) for line in known)
    rings = sum(bool(line) and cut for line, (_, _, cut) in zip(known, curves, strict=True))
    assert len([item for item in tree.iter("circle") if item.attrib["class"] == "mark natural"]) == rings


def test_a_long_curve_keeps_its_ends() -> None:
    points = [(float(epoch), epoch / 1000) for epoch in range(1, 1001)]
    whole, short_one = (
        inside(overlaid("t", [Overlaid(part, "sum", False, "")], y_name="y", about="a")).find("path")
        for part in (points, [points[0], points[-1]])
    )
    assert whole is not None
    assert short_one is not None
    drawn = re.findall(r"[ML][^ML]+", whole.attrib["d"])
    assert len(drawn) == POINTS
    assert [drawn[0], drawn[-1]] == re.findall(r"[ML][^ML]+", short_one.attrib["d"])


@given(st.dictionaries(st.floats(0, 360), names, max_size=12))
def test_marks_are_not_written_over_each_other(places: dict[float, str]) -> None:
    kept = without_overlaps(places)
    spans = [(x - 3 * width_of(text), x + 3 * width_of(text)) for x, text in kept.items()]
    assert all(first[1] <= second[0] for first, second in pairwise(spans))
    assert set(kept.items()) <= set(places.items())
    assert not places or max(places) in kept
