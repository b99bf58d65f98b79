"""The ledger counts every look at a test split, whoever looks at the same time and whatever happened to the file."""

import json
import multiprocessing
import os
import signal
from pathlib import Path
from threading import Thread

import numpy as np
import pytest
from filelock import FileLock

from polarity.errors import UserError
from polarity.evaluation.metrics import Scores, TaskScore
from polarity.paths import cache_dir
from polarity.run import RunDirectory, configuration_hash
from polarity.runs.ledger import NO_CAUSE, Ledger, causes, configuration_name, ledger_of, record_evaluation
from tests.command import PATIENCE

ROWS, OTHER = "0123abcd", "4567ef00"


def look(ledger: Ledger, number: int = 0, *, rows: str = ROWS, configuration: str = "aaaa") -> None:
    tasks = {"tone": 0.25, "topic": None}
    ledger.record(rows, run=f"outputs/{number}", configuration=configuration, verb="evaluate", overall=0.5, tasks=tasks)


def look_often(folder: Path, process: int, times: int) -> None:
    ledger = Ledger(folder)
    for number in range(times):
        look(ledger, number, configuration=f"of process {process} " + "x" * 5000)


def test_nobody_has_looked_at_new_rows(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    assert ledger.evaluations(ROWS).times == 0
    assert ledger.sentence(ROWS) == "nobody has looked at this test split yet"
    assert not list(tmp_path.iterdir()), "asking writes nothing"


def test_a_folder_whose_name_is_no_text_is_noted(tmp_path: Path) -> None:
    ledger, run = Ledger(tmp_path), os.fsdecode(b"outputs/caf\xe9")
    ledger.record(ROWS, run=run, configuration="aaaa", verb="train", overall=0.5, tasks={})
    assert [entry.run for entry in ledger.evaluations(ROWS).entries] == [run]


def test_looks_are_counted_by_rows_and_configurations(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    look(ledger)
    assert ledger.sentence(ROWS) == "this test split has been looked at once by 1 configuration"
    look(ledger, 1)
    look(ledger, 2, configuration="bbbb")
    look(ledger, 3, rows=OTHER, configuration="cccc")
    assert ledger.sentence(ROWS) == "this test split has been looked at 3 times by 2 configurations"
    evaluations = Ledger(tmp_path).evaluations(ROWS)
    assert [entry.run for entry in evaluations.entries] == ["outputs/0", "outputs/1", "outputs/2"]
    assert evaluations.entries[0].overall == 0.5
    assert evaluations.entries[0].tasks == {"tone": 0.25, "topic": None}
    assert evaluations.entries[0].time[:2] == "20"
    assert evaluations.entries[0].verb == "evaluate"


def test_processes_that_look_at_the_same_time_lose_nothing(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=look_often, args=(tmp_path, number, 30)) for number in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(PATIENCE)
        assert process.exitcode == 0
    evaluations = Ledger(tmp_path).evaluations(ROWS)
    assert (evaluations.times, evaluations.configurations, evaluations.damaged) == (90, 3, ())


def test_a_writer_waits_for_another_one(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    look(ledger)
    with FileLock(ledger.path(ROWS).with_suffix(".lock")):
        waiting = Thread(target=look, args=(ledger, 1))
        waiting.start()
        waiting.join(0.3)
        assert waiting.is_alive()
        assert ledger.evaluations(ROWS).times == 1
    waiting.join(60)
    assert ledger.evaluations(ROWS).times == 2


def look_and_be_killed(folder: Path) -> None:
    os.fsync = lambda _: os.kill(os.getpid(), signal.SIGKILL)
    look(Ledger(folder))


def test_a_writer_that_was_killed_while_it_had_the_lock_blocks_no_other_one(tmp_path: Path) -> None:
    killed = multiprocessing.get_context("fork").Process(target=look_and_be_killed, args=(tmp_path,))
    killed.start()
    killed.join(PATIENCE)
    assert killed.exitcode == -signal.SIGKILL
    waiting = Thread(target=look, args=(Ledger(tmp_path), 1), daemon=True)
    waiting.start()
    waiting.join(60)
    assert Ledger(tmp_path).evaluations(ROWS).times == 2


@pytest.mark.parametrize(
    "damage",
    [b'{"time": "2026', b"\xff\xfe\x00", b"[]", b"3", b"null", b'{"time": "now"}', b'{"tasks": 3, "overall": 1}'],
    ids=repr,
)
def test_a_damaged_line_is_reported_and_costs_no_other_line(tmp_path: Path, damage: bytes) -> None:
    ledger = Ledger(tmp_path)
    look(ledger)
    with ledger.path(ROWS).open("ab") as file:
        file.write(damage)  # without an end, as a writer that was killed leaves it
    look(ledger, 1)
    evaluations = ledger.evaluations(ROWS)
    assert [entry.run for entry in evaluations.entries] == ["outputs/0", "outputs/1"]
    assert len(evaluations.damaged) == 1
    assert "line 2 is damaged" in evaluations.damaged[0]
    assert "looked at 2 times by 1 configuration, or more often: 1 line" in ledger.sentence(ROWS)


def test_lines_are_json(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    look(ledger, configuration="größer")
    (line,) = ledger.path(ROWS).read_text(encoding="utf-8").splitlines()
    assert json.loads(line)["configuration"] == "größer"


def test_a_ledger_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "ledger").write_text("in the way")
    with pytest.raises(UserError, match=r"ledger.*cannot be written.*POLARITY_CACHE"):
        look(Ledger(tmp_path))


def test_a_ledger_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    Ledger(tmp_path).path(ROWS).mkdir(parents=True)
    with pytest.raises(UserError, match="cannot be read"):
        Ledger(tmp_path).evaluations(ROWS)


def test_a_look_names_the_run_its_configuration_and_its_scores(tmp_path: Path) -> None:
    config = {"seed": 1, "cache_dir": str(tmp_path / "cache"), "loss": {"gamma": 2}}
    run = RunDirectory.create(tmp_path / "outputs", config, [])
    scores = Scores(3, 0.5, {"tone": TaskScore(3, 0.25, 0.75, {}, np.eye(2))})
    said = record_evaluation(run, ROWS, scores, verb="compare", decision="argmax", path=tmp_path / "later")
    assert said == "this test split has been looked at once by 1 configuration"
    (entry,) = ledger_of(config).evaluations(ROWS).entries
    assert (entry.run, entry.verb, entry.overall) == (str(tmp_path / "later"), "compare", 0.5)
    assert entry.configuration == configuration_name(run.config, decision="argmax")
    assert entry.tasks == {"tone": 0.25}


def test_it_lies_with_the_data_cache(tmp_path: Path) -> None:
    assert ledger_of({"cache_dir": str(tmp_path)}).folder == tmp_path / "ledger"
    assert ledger_of({"cache_dir": None}).folder == cache_dir() / "ledger"


def test_seeds_and_folders_make_no_other_configuration_but_everything_else_does() -> None:
    config = {"seed": 1, "output_dir": "a", "loss": {"gamma": 2.0}, "logger": {}, "run_dir": None}
    name = configuration_name(config)
    for key in NO_CAUSE:
        assert configuration_name({**config, key: "other"}) == name
    assert configuration_name({**config, "loss": {"gamma": 1.0}}) != name
    assert configuration_name({**config, "monitor": "val/loss"}) != name
    assert configuration_name(config, decision="argmax") not in (name, configuration_name(config, decision="bias"))


def test_where_things_are_kept_makes_no_other_configuration() -> None:
    one = {"seed": 0, "cache_dir": None, "data": {"path": "a.csv", "cache_dir": None}, "loss": {"gamma": 2.0}}
    moved = {**one, "seed": 1, "cache_dir": "/elsewhere", "data": {"path": "a.csv", "cache_dir": "/elsewhere"}}
    assert configuration_name(one) == configuration_name(moved)
    assert configuration_name(one) != configuration_name({**one, "data": {"path": "b.csv", "cache_dir": None}})


def test_how_much_memory_there_was_makes_no_other_configuration() -> None:
    """Seeds that were trained on several machines are one configuration, and so are runs of earlier versions."""
    batching = {"batch_size": 16, "accumulate": 2}
    names = {configuration_name({"batching": {**batching, "micro_batch_size": rows}}) for rows in (None, 4, 16)}
    assert names == {configuration_name({"batching": batching})}
    assert names != {configuration_name({"batching": {**batching, "batch_size": 8}})}


def test_on_what_it_was_computed_makes_no_other_configuration() -> None:
    one = {"accelerator": "cpu", "devices": 1, "max_epochs": 2}
    two = {"accelerator": "gpu", "devices": 2, "num_nodes": 2, "strategy": {"_target_": "x"}, "max_epochs": 2}
    assert configuration_name({"trainer": one}) == configuration_name({"trainer": two})
    usual = {"trainer": {"max_epochs": 2, "accelerator": "auto", "devices": 1}}
    assert configuration_name({"trainer": two}) == configuration_name(usual) == configuration_hash(usual)
    assert causes({"trainer": two}) != causes(usual), "a comparison tells them apart"
    assert configuration_name({"trainer": one}) != configuration_name({"trainer": {**one, "max_epochs": 3}})
    assert configuration_name({"loss": {"devices": 1}}) != configuration_name({"loss": {"devices": 2}})
