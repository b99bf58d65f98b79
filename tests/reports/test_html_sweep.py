"""The page of a sweep: its numbers, its charts, and sweeps of any size and state."""

import json
import re
import shutil
import subprocess
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from polarity.reports import html
from polarity.reports.html.numbers import ABSENT, duration
from polarity.reports.html.sweep.content import SweepContent, Trial
from polarity.reports.html.sweep.importance import FEWEST, explained, importances, why_no_fanova
from polarity.reports.html.sweep.interactions import MOST, interactions
from polarity.reports.html.sweep.parameters import Level, levels_of, parameters_of, short_keys
from polarity.reports.html.sweep.report import sweep_headline, write_sweep_report
from polarity.statistics.interval import UNKNOWN
from tests.command import PATIENCE
from tests.reports.pages import SEARCHED, STATES, Page, sweep_content


def page_of(content: SweepContent, folder: Path) -> Page:
    page = Page(write_sweep_report(content, folder / "sweep.html").read_text(encoding="utf-8"))
    assert page.problems == []
    return page


def content_of(trials: list[Trial], **changed: Any) -> SweepContent:
    return SweepContent("s", "2026-01-02T03:04:05+00:00", ["python"], {}, "val/macro_f1", trials, **changed)


def finished(number: int, score: float, seed: int = 0, **values: str) -> Trial:
    return Trial(f"{number:012x}", "finished", values, seed, score, ended=f"{number:03}")


@pytest.mark.parametrize("seeds", [1, 3])
@pytest.mark.parametrize("jobs", [1, 3, pytest.param(300, marks=pytest.mark.slow)])
def test_sweeps_of_every_size_have_a_page(jobs: int, seeds: int, tmp_path: Path) -> None:
    content = sweep_content(jobs, seeds=seeds)
    page = page_of(content, tmp_path)
    assert all(trial.name in page.text for trial in content.trials)
    assert ("one seed" in page.text) is (seeds == 1 or jobs == 1)
    assert all(state in page.text for state in STATES) or jobs < 100
    assert len(page.source) < 2_500_000


@pytest.mark.parametrize("keys", [(), *((key,) for key in SEARCHED), tuple(SEARCHED)])
def test_every_setting_that_was_searched_has_its_plot(keys: tuple[str, ...], tmp_path: Path) -> None:
    page = page_of(sweep_content(60, searched=keys), tmp_path)
    section = page.source.partition('<section id="parameters">')[2].partition("</section>")[0]
    for key in keys:
        place = section[section.index(f"<bdi>{key}</bdi>") :]
        assert 'class="chart"' in place if key != "loss" else 'class="track' in place
    assert ("All settings" in page.text) is (len(keys) > 1)
    assert ("Two settings" in page.text) is (len(keys) > 1)
    assert page.source.count('class="matrix"') == (3 if len(keys) > 3 else 0)


def test_the_numbers_are_those_of_the_jobs(tmp_path: Path) -> None:
    content = sweep_content(40, seeds=2)
    source = write_sweep_report(content, tmp_path / "sweep.html").read_text(encoding="utf-8")
    rows = re.findall(r"<tr[^>]*data-state=.*?</tr>", source, re.DOTALL)
    told = {}
    for row in rows:
        cells = [unescape(re.sub(r"<[^>]+>", "", cell)) for cell in re.findall(r"<t[hd].*?</t[hd]>", row, re.DOTALL)]
        told[cells[0]] = cells
    assert list(told) != sorted(told)  # the highest score comes first
    assert len(told) == 40
    for trial in content.trials:
        cells = told[trial.name]
        assert cells[2] == (ABSENT if trial.score is None else f"{trial.score:.4f}")
        assert list(trial.values.values()) == cells[4:8]
        assert cells[8] == str(trial.seed)
    scores = [float(cells[2]) for cells in told.values() if cells[2] != ABSENT]
    assert scores == sorted(scores, reverse=True)


def test_what_is_recommended_stands_before_everything_else(tmp_path: Path) -> None:
    content = sweep_content(30)
    page = page_of(content, tmp_path)
    best = content.best[0]
    summary = page.text[: page.text.index("What a seed changes")]
    assert page.headings["h1"] == (
        f"4 of the {best.shortlist.of - 1} other configurations cannot be told apart from the best"
    )
    for said in (best.chosen.sentence, *best.shortlist.sentences, *content.advice.values(), *content.remaining):
        assert said[1:] in summary


def test_rows_of_one_group_correct_no_choice(tmp_path: Path) -> None:
    content = sweep_content(30)
    (best,) = content.best
    chosen = replace(best.chosen, corrected=None, interval=UNKNOWN)
    shortlist = replace(best.shortlist, error=None)
    page = page_of(replace(content, best=[replace(best, chosen=chosen, shortlist=shortlist)]), tmp_path)
    assert "rows of one group cannot say by how much" in page.text
    assert "since rows of one group tell none from another" in page.text
    assert "the choice adds nothing" not in page.text


@pytest.mark.parametrize(
    ("trials", "message"),
    [
        ([], "None of 0 jobs has a score yet"),
        ([Trial("a", "waiting", {})], "None of 1 job has a score yet"),
        ([finished(1, 0.5)], "One configuration: overall macro-F1 0.500"),
        ([finished(1, 0.5), finished(2, 0.6, 1)], "One configuration: overall macro-F1 0.550, the mean of 2 seeds"),
        ([finished(1, 0.5, a="1"), finished(2, 0.6, a="2")],
         "2 configurations, and no best one: their files do not tell"),
    ],
)  # fmt: skip
def test_a_sweep_without_a_choice_says_so(trials: list[Trial], message: str, tmp_path: Path) -> None:
    content = content_of(trials, unread=["left out: a"] if "their files" in message else [])
    assert sweep_headline(content) == message
    assert page_of(content, tmp_path).headings["h1"] == message


def test_scores_on_other_rows_are_in_no_chart_together(tmp_path: Path) -> None:
    trials = [finished(n, 0.5 + n / 10, **{"data.split.seed": str(n), "loss": "ce"}) for n in range(3)]
    whole, parted = content_of(trials), content_of(trials, apart=["b: has other rows than a"])
    pages = page_of(whole, tmp_path / "whole"), page_of(parted, tmp_path / "parted")
    assert pages[1].headings["h1"] == "3 configurations, and no best one: not all of them can be compared"
    assert "has other rows than a" in pages[1].text
    for told in ("Each setting", "All settings", "Importance", "Best so far", "Score and training time"):
        assert [told in page.text for page in pages] == [True, False], told
    assert all(trial.name in pages[1].text for trial in trials)


def test_seeds_are_repetitions_of_one_configuration() -> None:
    content = content_of(
        [finished(n, score, seed=n % 2, a=str(n // 2)) for n, score in enumerate((0.4, 0.6, 0.7, 0.8))]
    )
    assert [one.mean for one in content.configurations] == pytest.approx([0.5, 0.75])
    assert content.seed_deviation == pytest.approx(((0.02 + 0.005) / 2) ** 0.5)  # variances, of one degree each
    assert replace(content, trials=content.trials[::2]).seed_deviation is None


def test_numbers_are_put_in_their_order_and_names_in_that_of_the_command_line() -> None:
    values = [("8", "z"), ("0.5", "a"), ("64", "z")]
    content = content_of([finished(n, 0.5, boost=b, loss=name) for n, (b, name) in enumerate(values)])
    boost, loss = parameters_of(replace(content, searched={"boost": ["64", "8", "0.5"], "loss": ["z", "a", "never"]}))
    assert (boost.values, boost.numeric, boost.logarithmic) == (["0.5", "8", "64"], True, True)
    assert boost.places["8"] == pytest.approx(4 / 7)  # powers of two
    assert (loss.values, loss.numeric) == (["z", "a"], False)
    assert [level.scores for level in levels_of(loss, content.configurations)] == [[0.5, 0.5], [0.5]]


def test_pairs_are_those_of_settings_that_a_table_has_room_for(tmp_path: Path) -> None:
    trials = [
        finished(n, n / 100, name=f"n{n}", a=str(n % 2), b=str(n % 3), c=str(n % 5 // 3)) for n in range(MOST + 1)
    ]
    page = page_of(content_of(trials), tmp_path)
    assert page.source.count('class="matrix"') == 3
    assert f"the most important ones of those with at most {MOST} values" in page.text


SORTED = """
const cell = (text) => ({ childNodes: [{ textContent: text }], textContent: text, matches: () => false });
console.log(JSON.stringify(%s.map((text) => key(cell(text)).value)));
"""


def test_durations_are_sorted_as_such(tmp_path: Path) -> None:
    if (node := shutil.which("node")) is None:
        pytest.skip("nothing here runs scripts")
    script = (Path(html.__file__).parent / "templates" / "script.js").read_text(encoding="utf-8")
    key = script[script.index("const key = ") : script.index("const compare = ")]
    seconds = {duration(value): value for value in (4.5, 42, 200, 3900, 0.25e6 - 40)}
    told = {**seconds, "1,234": 1234, "0.5 to 0.6": 0.5, "12 s of 3": 12}
    file = tmp_path / "sorted.js"
    file.write_text(key + SORTED % json.dumps(list(told)), encoding="utf-8")
    said = subprocess.run([node, str(file)], capture_output=True, text=True, check=True, timeout=PATIENCE).stdout
    assert json.loads(said) == list(told.values())


def test_many_numbers_are_told_of_in_groups() -> None:
    trials = [finished(n, n / 100, rate=f"{n / 1000}") for n in range(1, 51)]
    content = content_of(trials)
    (rate,) = parameters_of(content)
    levels = levels_of(rate, content.configurations)
    assert [level.name for level in levels][::4] == ["0.001 to 0.01", "0.041 to 0.05"]
    assert [len(level.scores) for level in levels] == [10] * 5
    assert levels[0].mean == pytest.approx(0.055)


def test_long_numbers_are_headings_in_short_where_that_tells_them_apart() -> None:
    for values, names in {
        ("3e-5", "0.00710217", "7.86092e-05"): ["3e-5", "7.86e\u221205", "0.0071"],
        ("0.0071021", "0.0071022"): ["0.0071021", "0.0071022"],
    }.items():
        (rate,) = parameters_of(content_of([finished(n, 0.5, rate=value) for n, value in enumerate(values)]))
        assert list(rate.groups) == names


def test_what_a_setting_explains_leaves_chance_out() -> None:
    apart = [Level("a", 0, [0.1, 0.2]), Level("b", 1, [0.5, 0.6])]
    # between 0.16, within 0.01 with 2 degrees, total 0.17: (0.16 - 0.005) / 0.17
    assert explained(apart) == pytest.approx(0.155 / 0.17)
    assert explained([Level("a", 0, [0.1, 0.6]), Level("b", 1, [0.2, 0.5])]) == 0.0
    assert explained([Level("a", 0, [0.1]), Level("b", 1, [0.5])]) is None
    assert explained([Level("a", 0, [0.1, 0.1]), Level("b", 1, [0.1])]) is None


def test_the_setting_that_matters_is_the_most_important_one() -> None:
    content = sweep_content(120, unfinished=False)
    ranked = importances(parameters_of(content), content.configurations)
    assert ranked[0].parameter.key == "optimizer.lr"
    assert sorted(one.parameter.key for one in ranked) == sorted(SEARCHED)
    assert all(one.highest.mean >= one.lowest.mean for one in ranked)


def test_settings_that_matter_only_together_are_given_no_more_than_the_forest_gives_them() -> None:
    pytest.importorskip("optuna")
    places = [(a, b) for a in range(6) for b in range(6)]
    trials = [finished(number, float((a > 2) != (b > 2)), a=str(a), b=str(b)) for number, (a, b) in enumerate(places)]
    content = content_of(trials)
    content = replace(content, searched={key: [str(n) for n in range(6)] for key in "ab"})
    ranked = importances(parameters_of(content), content.configurations)
    assert len(ranked) == 2
    assert sum(one.fanova or 0.0 for one in ranked) < 0.7


def test_fanova_is_optunas_or_its_absence_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pytest.importorskip("optuna")
    content = sweep_content(40)
    ranked = importances(parameters_of(content), content.configurations)
    assert 0 < sum(one.fanova or 0.0 for one in ranked) < 1, "main effects, and not shares of what they sum to"
    assert "of trees" in page_of(content, tmp_path).text
    few = sweep_content(FEWEST - 1, unfinished=False)
    assert all(one.fanova is None for one in importances(parameters_of(few), few.configurations))
    assert f"needs {FEWEST} configurations" in page_of(few, tmp_path).text
    monkeypatch.setattr("polarity.reports.html.sweep.importance.find_spec", lambda _: None)
    assert "needs the package optuna" in str(why_no_fanova(content.configurations))
    assert "needs the package optuna" in page_of(content, tmp_path).text


def test_a_cell_of_two_settings_is_the_mean_of_what_has_both() -> None:
    scores = {("1", "1"): [0.1, 0.3], ("1", "2"): [0.4], ("2", "2"): [0.6]}
    pairs = [(one, two, score) for (one, two), own in scores.items() for score in own]
    trials = [finished(n, s, a=one, b=two, c=str(n)) for n, (one, two, s) in enumerate(pairs)]
    content = content_of(trials)
    table = interactions(parameters_of(content)[:2], content.configurations)[0]
    means = [[None if cell.mean is None else round(cell.mean, 6) for cell in line] for line in table.cells]
    assert means == [[0.2, 0.4], [None, 0.6]]
    assert [[round(cell.shade, 6) for cell in line] for line in table.cells] == [[0, 0.5], [0, 1]]
    assert table.cells[0][0].configurations == 2


def test_values_of_any_kind_and_length(tmp_path: Path) -> None:
    values = ["null", "[1,2]", "é" * 500 + "a", "é" * 500 + "b", "x" * 400, "नमस्ते", "مرحبا", "nan", "{a:{b:1}}", "-0"]
    trials = [finished(n, 0.4 + n / 100, place=value, **{"a.b.c": "1e-5"}) for n, value in enumerate(values)]
    page = page_of(content_of([*trials, Trial("lacks", "finished", {"a.b.c": "1e300"}, None, 0.5)]), tmp_path)
    assert "é" * 500 not in re.sub(r'"[^"]*"|<title>.*?</title>', "", page.source)
    assert "lacks" in page.text


def test_keys_are_as_short_as_they_can_be() -> None:
    keys = ["a.b.c", "a.d.c", "loss"]
    assert short_keys(keys) == {"a.b.c": "b.c", "a.d.c": "d.c", "loss": "loss"}
    assert short_keys([]) == {}
    assert short_keys(["data.split.seed", "loss"], taken=("seed",)) == {"data.split.seed": "split.seed", "loss": "loss"}


def test_the_same_jobs_give_the_same_page(tmp_path: Path) -> None:
    content = sweep_content(30)
    first = write_sweep_report(content, tmp_path / "one.html").read_bytes()
    assert write_sweep_report(content, tmp_path / "two.html").read_bytes() == first
