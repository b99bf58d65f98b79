"""Sentences are true in the state in which they are printed: none, one, many; kept or not; known or not."""

from dataclasses import replace
from pathlib import Path

import pytest

from polarity.calibration.scaling import Scaling
from polarity.decisions.rules import LargestLogit
from polarity.exporting.card import _probabilities
from polarity.inspection.findings import of_duplicates
from polarity.inspection.result import Conflicts, Duplicates
from polarity.posthoc.decider import Decider, TaskDecider
from polarity.reports.html.comparison import comparison_headline
from polarity.verbs import compare as verb
from polarity.wording import points, times
from tests.comparison.made import a_run, by_hand, noisy, some_labels
from tests.test_compare_verb import compare, settings

LABELS = some_labels()
NAMES = ("bad", "flat", "good")


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (times(0, "row"), "0 rows"),
        (times(1, "row"), "1 row"),
        (times(2500, "row"), "2,500 rows"),
        (times(1, "class", "classes"), "1 class"),
        (points(0.01), "1 point"),
        (points(0.005), "0.5 points"),
        (points(0.02), "2 points"),
    ],
)
def test_words_agree_with_numbers(said: str, expected: str) -> None:
    assert said == expected


@pytest.mark.parametrize(
    ("kept", "expected"),
    [
        (("a", "b"), "calibrated probabilities"),
        (("a",), "probabilities (calibrated for a)"),
        ((), "probabilities that are not calibrated"),
    ],
)
def test_a_card_calls_calibrated_what_is(kept: tuple[str, ...], expected: str) -> None:
    def task(name: str) -> TaskDecider:
        scaling = Scaling((0.5,) * 3, (0.0,) * 3) if name in kept else Scaling.identity(3)
        return TaskDecider(NAMES, scaling, LargestLogit())

    assert _probabilities(Decider({name: task(name) for name in "ab"})) == expected


def test_equal_and_unclear_are_no_difference_in_a_headline(tmp_path: Path) -> None:
    runs = [a_run(tmp_path / str(n), LABELS, noisy(LABELS, 0.7, n), loss={"gamma": float(n)}) for n in range(2)]
    comparison = compare(settings(*runs))
    (pair,) = comparison.pairs
    said = {
        verdict: comparison_headline(replace(comparison, pairs=[replace(pair, verdict=verdict)]))
        for verdict in ("equal", "unclear")
    }
    assert said["equal"].endswith("and the other are equal within 1 point")
    assert said["unclear"] == "No evidence of a difference"
    unranked = replace(
        comparison, setup=replace(comparison.setup, ranked=False), pairs=[replace(pair, verdict="equal")]
    )
    assert comparison_headline(unranked) == "0 of 1 pair can be told apart; nothing is ranked"


def test_nothing_is_said_of_settings_where_there_are_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    columns = {"tone": ([NAMES[n] for n in LABELS], [NAMES[n] for n in noisy(LABELS, 0.6, 1)])}
    made = [by_hand(tmp_path / name, columns) for name in "ab"]
    verb.show_comparison(compare(settings(*made)))
    assert "no setting differs" not in capsys.readouterr().out
    runs = [a_run(tmp_path / name, LABELS, noisy(LABELS, 0.6, n)) for n, name in enumerate("cd")]
    verb.show_comparison(compare(settings(*runs, *made)))
    assert "no setting differs" not in capsys.readouterr().out, "there is one configuration only"


def test_copies_whose_labels_differ_are_reported_with_what_they_are() -> None:
    (finding,) = of_duplicates(
        Duplicates((), {}, 0, 0, ()), Conflicts({"tone": {"exact": 1}}, {"tone": {"exact": 2}}, ())
    )
    assert "labels differ in 1 group of the same or nearly the same text (2 rows)" in finding.text
