"""A command that is forked by a warm process is what a new process would be."""

import json
import os
import signal
import subprocess
from pathlib import Path

import psutil
import pytest

from tests.command import PATIENCE, USUAL, Forked, end_started, python, start, warm_process
from tests.running import train

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="commands are new processes on this system"),
]
SCRIPT = """
import json, os, random, sys, threading
import numpy as np
facts = {"path": [name for name in sys.path if "site-packages" not in name], "argv": sys.argv, "here": os.getcwd()}
facts |= {"variable": os.environ.get("POLARITY_CACHE"), "loaded": "torch" in sys.modules, "pid": os.getpid()}
facts |= {"session": os.getsid(0), "descriptors": sorted(int(name) for name in os.listdir("/proc/self/fd"))}
facts |= {"verbs": [name for name in sys.modules if name in ("polarity.train", "polarity.api", "polarity.predict")]}
facts |= {"random": [random.random(), np.random.random()], "hydra": "GlobalHydra" in str(sys.argv)}
facts |= {"seekable": [sys.stdin.seekable(), sys.stdout.seekable()], "read": sys.stdin.read()}
print(json.dumps(facts))
print("to the other", file=sys.stderr)
"""
STREAMS = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
WAIT = "import time; print('there', flush=True); time.sleep(600)"


def process_facts(folder: Path, *, real: bool, text: str = "words", **settings: object) -> dict[str, object]:
    environment = {**USUAL, "POLARITY_CACHE": "other", "PYTHONPATH": "a:/b"}
    process = python("-c", SCRIPT, "one", "two", folder=folder, real=real, env=environment, **STREAMS, **settings)
    assert isinstance(process, Forked) != real
    said, errors = process.communicate(text, timeout=PATIENCE)
    assert (process.returncode, errors) == (0, "to the other\n")
    assert process.pid == json.loads(said)["pid"]
    return dict(json.loads(said))


def test_it_differs_from_a_new_one_in_what_is_imported(tmp_path: Path) -> None:
    forked, real = (process_facts(tmp_path, real=real) for real in (False, True))
    assert (forked.pop("loaded"), real.pop("loaded")) == (True, False)
    assert forked["read"] == "words"
    assert forked.pop("random") != real.pop("random")
    assert forked.pop("pid") != real.pop("pid")
    assert forked == real


def test_random_numbers_are_other_ones_each_time(tmp_path: Path) -> None:
    one, two = (process_facts(tmp_path, real=False)["random"] for _ in range(2))
    assert not set(one) & set(two)  # type: ignore[call-overload]


def test_a_session_of_its_own(tmp_path: Path) -> None:
    result = process_facts(tmp_path, real=False, start_new_session=True)
    assert result["session"] == result["pid"]
    assert process_facts(tmp_path, real=False)["session"] == os.getsid(0)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_signals_reach_it_and_its_end_is_told(number: signal.Signals, tmp_path: Path) -> None:
    process = python("-c", WAIT, folder=tmp_path, env=USUAL, **STREAMS)
    assert process.stdout is not None
    assert process.stdout.readline() == "there\n"
    assert process.poll() is None
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(timeout=0.1)
    process.send_signal(number)
    process.communicate(timeout=PATIENCE)
    assert process.returncode == -number
    assert not psutil.pid_exists(process.pid)


@pytest.mark.parametrize(("program", "code"), [("raise SystemExit('no')", 1), ("exit(7)", 7), ("1 / 0", 1), ("", 0)])
def test_it_ends_as_it_wants(program: str, code: int, tmp_path: Path) -> None:
    process = python("-c", program, folder=tmp_path, env=USUAL, **STREAMS)
    process.communicate(timeout=PATIENCE)
    assert process.returncode == code


def test_training_within_this_process_makes_no_difference(tmp_path: Path) -> None:
    train(tmp_path, "trainer.max_epochs=1", "reporting.baselines=false")
    process = start("predict", "--help", folder=tmp_path)
    assert isinstance(process, Forked)
    process.communicate(timeout=PATIENCE)


def test_another_environment_at_the_start_needs_a_new_process(tmp_path: Path) -> None:
    process = python("-c", "", folder=tmp_path, env={**USUAL, "PYTHONUTF8": "0"}, **STREAMS)
    assert not isinstance(process, Forked)
    process.communicate(timeout=PATIENCE)


def test_all_end_with_the_process_that_asked_for_them(tmp_path: Path) -> None:
    program = f"""
import os, subprocess
from pathlib import Path
from tests.command import USUAL, python
process = python("-c", {WAIT!r}, folder=Path.cwd(), env=USUAL, stdout=subprocess.PIPE)
process.stdout.readline()
print(process.pid, flush=True)
os.kill(os.getpid(), 9)
"""
    environment = {**USUAL, "PYTHONPATH": str(Path(__file__).parent.parent)}
    dying = python("-c", program, folder=tmp_path, env=environment, real=True, **STREAMS)
    said, errors = dying.communicate(timeout=PATIENCE)  # until nobody holds the streams any more
    assert dying.returncode == -signal.SIGKILL, errors
    assert not psutil.pid_exists(int(said))


def test_it_is_started_once() -> None:
    assert warm_process() is warm_process()


@pytest.mark.parametrize("real", [True, False])
def test_what_a_failed_test_has_started_is_ended(real: bool, tmp_path: Path) -> None:
    process = python("-c", WAIT, folder=tmp_path, env=USUAL, real=real, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == "there\n"
    started = psutil.Process(process.pid)
    end_started()
    assert process.returncode == -signal.SIGKILL
    assert process.stdout.closed
    assert not started.is_running()
