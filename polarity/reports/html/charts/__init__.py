"""Charts as SVG that takes its colours from the page, so that both themes, the printer and files suit it."""

from polarity.reports.html.charts.curves import precision_recall, reliability, worst_curves
from polarity.reports.html.charts.dots import dots
from polarity.reports.html.charts.exposure import exposure
from polarity.reports.html.charts.histogram import histogram
from polarity.reports.html.charts.learning_curves import learning_curves
from polarity.reports.html.charts.matrix import matrix
from polarity.reports.html.charts.overlaid import overlaid
from polarity.reports.html.charts.parallel import parallel
from polarity.reports.html.charts.series import SERIES, swatch
from polarity.reports.html.charts.tracks import Axis, axis_of, bar, marks, scale, track

__all__ = [
    "SERIES",
    "Axis",
    "axis_of",
    "bar",
    "dots",
    "exposure",
    "histogram",
    "learning_curves",
    "marks",
    "matrix",
    "overlaid",
    "parallel",
    "precision_recall",
    "reliability",
    "scale",
    "swatch",
    "track",
    "worst_curves",
]
