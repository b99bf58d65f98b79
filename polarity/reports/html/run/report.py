"""``report.html`` of a run."""

from pathlib import Path

from polarity.analysis import Estimate
from polarity.config.shown import facts
from polarity.reports.html.charts import Axis, axis_of
from polarity.reports.html.page import write_page
from polarity.reports.html.run.folder import RunContent, SplitContent, read_run
from polarity.reports.html.run.headline import as_bad, run_headline, worst_class
from polarity.run import RunDirectory
from polarity.statistics import Interval

DECISIONS = {
    "uncalibrated": "largest raw logit",
    "decided": "stored rule",
    "crossfit": "stored rule, cross-fitted",
}


def write_run_report(
    run: RunDirectory,
    *,
    texts: bool | None = None,
    resamples: int | None = None,
    splits: tuple[SplitContent, ...] | None = None,
) -> Path:
    """Write the report of a run from its folder alone; returns its path.

    :param texts: whether mistakes are shown with their texts; None as the run's settings say.
    :param resamples: of the bootstrap behind the intervals; None as the run's settings say.
    :param splits: what was read from the folder already; None to read it.
    :raises UserError: if the folder lacks something that every run writes, or holds something damaged.
    """
    own = run.settings.reporting
    content = read_run(
        run,
        texts=own.texts if texts is None else texts,
        resamples=own.resamples if resamples is None else resamples,
        splits=splits,
    )
    return write_page(
        run.report,
        "run.html",
        title=f"{content.name}: run report",
        run=content,
        headline=run_headline(content),
        sections=_sections(content),
        decisions=DECISIONS,
        axes=_axes(content.splits),
        facts=facts(content.config),
        leads=_leads(content),
        worst_class=worst_class,
        as_bad=as_bad,
    )


def _sections(content: RunContent) -> list[tuple[str, str]]:
    """Ids and names of the sections that there are, for the navigation."""
    analysis = content.headline.analysis
    named = [
        ("summary", "Summary", True),
        ("folds", "Folds", bool(content.folds)),
        ("scores", "Scores", True),
        ("baselines", "Baselines", any(split.baselines for split in content.splits)),
        ("learning", "Learning curves", bool(content.curves)),
        ("confusion", "Confusion", True),
        ("curves", "Precision and recall", bool(analysis.curves)),
        ("calibration", "Calibration", any(item.before or item.after for item in analysis.calibration)),
        ("exposure", "Exposure", bool(content.class_exposure)),
        ("slices", "Slices", bool(analysis.slicings)),
        ("mistakes", "Mistakes", bool(content.mistakes)),
        ("settings", "Settings", True),
        ("origin", "Data and machine", True),
    ]
    return [(key, name) for key, name, there in named if there]


def _axes(splits: tuple[SplitContent, ...]) -> dict[str, Axis]:
    """What the tracks of all tables of a kind have in common, so that splits can be compared by eye."""
    systems = [result for split in splits for result in split.analysis.results]
    systems += [item.result for split in splits for item in split.baselines]
    tasks = [task for split in splits for task in split.analysis.headline.tasks]
    classes = [item.f1 for task in tasks for item in task.classes if item.support]
    gaps = [item.difference.overall for split in splits for item in split.baselines]
    return {
        "overall": axis_of([end for result in systems for end in _ends(result.overall)]),
        "class": axis_of([end for item in (*classes, *(task.macro_f1 for task in tasks)) for end in _ends(item)]),
        "difference": axis_of([end for gap in gaps for end in (gap.value, *_known(gap.interval))], reference=0.0),
    }


def _known(interval: Interval | None) -> list[float]:
    return [] if interval is None else [interval.low, interval.high]


def _leads(content: RunContent) -> dict[tuple[str, str, str], str]:
    """For a task, a label and a decision the place in the page where the first such mistake stands."""
    return {
        (item.mistake.task, item.mistake.label, item.mistake.predicted): f"mistake-{item.number}"
        for item in reversed(content.mistakes)
    }


def _ends(estimate: Estimate) -> list[float | None]:
    return [estimate.value, estimate.low, estimate.high]
