"""The summary in words: the score, what it has to beat, and whether it does."""

from dataclasses import dataclass

from markupsafe import Markup

from polarity.analysis import ClassResult, TaskResult
from polarity.reports.html.numbers import interval, probability, score_text, sentence, signed
from polarity.reports.html.run.baselines import BaselineResult
from polarity.reports.html.run.folder import RunContent, SplitContent
from polarity.wording import times

TITLES = {
    "better": "Better than the strongest baseline",
    "unclear": "No evidence that the model is better than the strongest baseline",
    "worse": "Worse than the strongest baseline",
    "unknown": "Too few groups of rows: nothing says how the model would compare in another",
}


@dataclass(frozen=True)
class Headline:
    """What stands at the top of the report.

    :param verdict: of the model against the strongest baseline; empty without baselines.
    :param lead: sentences that say it with numbers.
    :param caution: sentences about what these numbers cannot tell.
    """

    title: str
    verdict: str
    lead: list[Markup]
    caution: list[str]


def run_headline(content: RunContent) -> Headline:
    """The summary of a run, about its test split where it has one."""
    split = content.headline
    lead, caution, strongest = [_score(split)], _caution(content, split), split.strongest
    if strongest is None:
        title = f"Overall macro-F1 {score_text(split.analysis.headline.overall.value)} on {split.heading}"
        lead.append(Markup("No baseline was computed, so nothing here says whether that is good."))
        return Headline(title, "", lead, caution)
    return Headline(TITLES[strongest.verdict], strongest.verdict, [*lead, _against(strongest)], caution)


def worst_class(task: TaskResult) -> ClassResult | None:
    """The class with the lowest F1, of those that have rows; of several, the one with the most rows."""
    known = [item for item in task.classes if item.support]
    return min(known, key=lambda item: (item.f1.value or 0.0, -item.support), default=None)


def as_bad(task: TaskResult, worst: ClassResult) -> int:
    """How many other classes that have rows have the same F1."""
    return sum(item.f1.value == worst.f1.value for item in task.classes if item.support) - 1


def _score(split: SplitContent) -> Markup:
    overall, rows = split.analysis.headline.overall, times(split.analysis.rows, f"{split.heading} row")
    said = Markup("Overall macro-F1 <strong>{}</strong> on {}").format(score_text(overall.value), rows)
    ends = interval(overall.low, overall.high)
    return said + (f", {100 * split.analysis.confidence:g}\u00a0% interval {ends}." if ends else ".")


def _against(baseline: BaselineResult) -> Markup:
    difference = baseline.difference.overall
    ends, p = difference.interval, probability(difference.p)
    known = "interval unknown"
    if ends is not None:
        p = p if p.startswith("<") else f"= {p}"
        known = f"interval {signed(ends.low)} to {signed(ends.high)}, p {p}"
    return Markup(
        "The strongest baseline, {}, has <strong>{}</strong>. "
        'The model minus this baseline: <strong class="{}">{}</strong>, {}.'
    ).format(
        baseline.title,
        score_text(baseline.result.overall.value),
        baseline.verdict,
        signed(difference.value),
        known,
    )


def _caution(content: RunContent, split: SplitContent) -> list[str]:
    if content.folds:
        return ["Each row was decided by a model that has seen neither it nor what folds keep together with it."]
    said = []
    if split.analysis.has_intervals:
        said.append("Intervals say how scores would change with other rows, not with another seed of training.")
    if split.name == "val":
        said.append("No test split was scored.")
    chosen = content.best.get("selection", {"sentence": "the epoch was chosen on the validation rows, which flatters"})
    if chosen["sentence"]:
        said.append(sentence(chosen["sentence"]))
    if split.analysis.crossfit is not None:
        said.append("Decisions are cross-fitted: no row was decided by a rule that had seen its label.")
    if split.ledger:
        said.append(sentence(split.ledger))
    return said
