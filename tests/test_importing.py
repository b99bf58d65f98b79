"""The garbage collector rests while much is imported, and works again afterwards, whatever happened."""

import gc
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from polarity.importing import importing
from tests.presets import VERBS


def test_it_rests_within_the_block_and_works_again_after_it() -> None:
    with importing():
        assert not gc.isenabled()
        with importing():
            assert not gc.isenabled()
        assert not gc.isenabled(), "the outer block has not ended"
    assert gc.isenabled()


def test_it_works_again_after_an_import_that_failed() -> None:
    with suppress(ImportError), importing():
        raise ImportError
    assert gc.isenabled()


def test_whoever_has_switched_it_off_finds_it_so() -> None:
    gc.disable()
    try:
        with importing():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


@pytest.mark.parametrize(("settings", "frozen"), [("", "False"), ("for_good=True", "True")])
def test_only_a_process_of_the_programs_own_forgets_what_is_there(settings: str, frozen: str) -> None:
    program = (
        f"import gc; from polarity.importing import importing\nwith importing({settings}): import json\n"
        f"print(gc.get_freeze_count() > 0)\nbefore = gc.get_freeze_count()\nwith importing({settings}): x = [[]]\n"
        "print(gc.get_freeze_count() == before)"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert said.stdout.split() == [frozen, "True"]


def test_ctrl_c_while_a_verb_is_imported_is_a_line(tmp_path: Path) -> None:
    """Which takes seconds, most of them before any of its code runs."""
    (tmp_path / "hydra.py").write_text("import signal\nsignal.raise_signal(signal.SIGINT)\n", encoding="utf-8")
    for verb in VERBS:
        ended = subprocess.run(
            [sys.executable, "-m", f"polarity.{verb}", "run=x"],
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])},
            capture_output=True,
            text=True,
            check=False,
        )
        assert ended.returncode in (130, -signal.SIGINT), ended.stderr
        assert ended.stderr.splitlines()[-1].endswith("interrupted")
        assert len(ended.stderr.splitlines()) == 1
