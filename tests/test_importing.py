"""The garbage collector rests while much is imported, and works again afterwards, whatever happened."""

import gc
import subprocess
import sys
from contextlib import suppress

import pytest

from polarity.importing import importing


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
