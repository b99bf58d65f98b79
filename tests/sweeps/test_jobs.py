"""What the folders of jobs tell the table and the page, also where one of them is damaged."""

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from polarity.comparison.chosen import Ranking
from polarity.files import read_object, write_json
from polarity.reports.html.sweep.content import SweepContent
from polarity.sweeps import launch, page, places
from polarity.sweeps.folder import Sweep
from polarity.sweeps.table import job_rows, print_jobs, what_next, write_jobs
from tests.comparison.made import a_run, noisy, some_labels
from tests.reports.pages import Page
from tests.sweeps.test_planning import small


def with_settings(sweep: Sweep, number: int, trainer: Mapping[str, object]) -> None:
    """Give a job, counted from 0, settings that its page needs."""
    run = sweep.jobs[number].run
    run.settle({"data": {}, "limit": {}, "seed": 0, "monitor": "val/macro_f1", "trainer": dict(trainer)})


def content_of(sweep: Sweep, monkeypatch: pytest.MonkeyPatch) -> SweepContent:
    """What the page of a sweep is made of."""
    kept: list[SweepContent] = []
    monkeypatch.setattr(page, "write_sweep_report", lambda content, path: kept.append(content) or path)
    page.write_page_of(sweep, job_rows(sweep.jobs), Ranking(), [])
    return kept[0]


@pytest.mark.parametrize("name", ["status.json", "config.yaml"])
def test_a_damaged_file_of_one_job_leaves_the_others(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sweep = small(tmp_path / "sweep", "abc")
    for number in range(3):
        with_settings(sweep, number, {})
    (sweep.jobs[1].path / name).write_text('{"state": [', encoding="utf-8")
    assert [row["state"] for row in job_rows(sweep.jobs)] == ["waiting", "damaged", "waiting"]
    launch.tell(sweep, retry=True)
    assert print_jobs(sweep, page=False) == 3
    assert "1 of 3 jobs damaged" in capsys.readouterr().out
    assert len(content_of(sweep, monkeypatch).trials) == 2
    assert dict(sweep.retried(retry=True)) == {}
    assert len(list(launch._left(sweep, {}))) == 2
    assert not sweep.jobs[1].take({})
    assert not sweep.jobs[1].is_missing({}), "what cannot be read is begun by nobody, again and again"


def test_a_history_of_other_columns_tells_of_no_epoch(tmp_path: Path) -> None:
    sweep = small(tmp_path / "sweep", "a")
    sweep.jobs[0].run.history.write_text("eopch,step\n-1,0\n0,5\n", encoding="utf-8")
    assert sweep.jobs[0].epochs == []
    sweep.jobs[0].run.history.write_text("epoch,step\n-1,0\n0,5\n", encoding="utf-8")
    assert sweep.jobs[0].epochs == [{"epoch": "0", "step": "5"}]


@pytest.mark.parametrize(
    ("trainer", "devices", "machine"),
    [
        ({"accelerator": "cpu", "devices": 1}, 1, "on CPU"),
        ({"accelerator": "cpu", "devices": "auto"}, 1, "on CPU"),
        ({"accelerator": "gpu", "devices": 4, "num_nodes": 2}, 8, "on H200"),
        ({"accelerator": "auto", "devices": "auto"}, 8, "on H200"),
    ],
)
def test_devices_are_those_that_a_job_was_given(
    trainer: dict[str, object], devices: int, machine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweep = small(tmp_path / "sweep", "a")
    with_settings(sweep, 0, trainer)
    write_json(sweep.jobs[0].run.environment, {"devices": ["H200"] * 8, "data": {}})
    content = content_of(sweep, monkeypatch)
    assert ([trial.devices for trial in content.trials], content.machine) == ([devices], machine)


def test_a_place_is_as_wide_as_the_widest_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "_gpus", lambda: list("0123"))
    sweep = small(tmp_path / "sweep", "ab")
    for number, devices in enumerate((1, 2)):
        with_settings(sweep, number, {"accelerator": "gpu", "devices": devices})
    assert places.places_of(sweep, None) == [{"CUDA_VISIBLE_DEVICES": two} for two in ("0,1", "2,3")]
    with_settings(sweep, 0, {"accelerator": "cpu"})
    assert len(places.places_of(sweep, None)) == 2, "the other one needs them"
    with_settings(sweep, 1, {"accelerator": "cpu"})
    assert places.places_of(sweep, None) == [{}]


def test_jobs_end_in_their_order_where_clocks_are_set_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sweep = small(tmp_path / "sweep", "abc")
    ended = ("2026-10-25T02:50:00.000+02:00", "2026-10-25T02:10:00.000+01:00", "never")
    for number, moment in enumerate(ended):
        with_settings(sweep, number, {})
        sweep.jobs[number].run.set_status("failed", ended=moment)
    first, second, unknown = (trial.ended for trial in content_of(sweep, monkeypatch).trials)
    assert "" == unknown < first < second


def test_what_is_gone_of_a_search_comes_again_while_its_trial_is_open(tmp_path: Path) -> None:
    sweep = small(tmp_path / "sweep", "ab")
    rows = [{"state": "damaged"}, {"state": "waiting"}]
    search = {"trials": 2, "seeds": 1, "params": {"experiment": "choice(a,b)"}}
    asked = sweep.asked
    asked.search = search
    sweep.ask(asked)
    (told,) = (line for line in what_next(rows, sweep) if "damaged" in line)
    assert told.endswith("a search does not try the same values again, unless their trial is still open")


def with_scores(folder: Path, presets: str, configuration: Callable[[int], Mapping[str, object]]) -> Sweep:
    """A sweep over presets that make these configurations, all finished."""
    sweep, labels = small(folder, presets), some_labels(60)
    for number, job in enumerate(sweep.jobs):
        shutil.rmtree(job.path)
        a_run(job.path, labels, noisy(labels, 0.7, number), monitor="val/macro_f1", trainer={}, **configuration(number))
        scores = {"best": {"value": 0.5, "epoch": 0}, "crossfit": {"val": {"overall": 0.5, "tasks": {}}}}
        write_json(job.run.metrics, {**read_object(job.run.metrics), **scores})
    return sweep


def test_the_page_counts_the_configurations_of_the_ranking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As those of ``loss=ce,focal batching.micro_batch_size=8,16``."""
    sweep = with_scores(
        tmp_path / "sweep",
        "abcd",
        lambda n: {"loss": {"gamma": float(n // 2)}, "batching": {"micro_batch_size": 8 * (1 + n % 2)}},
    )
    _, ranking = write_jobs(sweep)
    found = content_of(sweep, monkeypatch).configurations
    assert [len(one.trials) for one in found] == [2, 2]
    assert [len(one.scores) for one in found] == [1, 1], "the same seed again is no further evidence"
    assert ranking.best[0].chosen.of == len(found)


def test_jobs_that_are_one_configuration_are_said_to_be(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As those of ``batching.micro_batch_size=8,16``."""
    sweep = with_scores(tmp_path / "sweep", "ab", lambda n: {"batching": {"micro_batch_size": n}})
    assert print_jobs(sweep) == 0
    alike = "no best one: they differ by nothing that makes another configuration"
    assert alike in capsys.readouterr().out
    headings = Page((sweep.path / page.PAGE).read_text(encoding="utf-8")).headings
    assert headings["h1"] == f"2 jobs, and {alike}"
    shutil.rmtree(sweep.jobs[1].path)
    print_jobs(Sweep.open(sweep.path), page=False)
    assert alike not in capsys.readouterr().out
