"""What threads of a pass do while they wait for each other."""

import os
import subprocess
from pathlib import Path

import pytest
import torch

from polarity.config.cli import SPINS
from tests.command import PATIENCE, ROOT, python

PROGRAM = "from polarity.config.cli import prepare_process; prepare_process(); import torch"
GNU = any(Path(torch.__file__).parent.glob("lib/libgomp*"))


@pytest.mark.slow
@pytest.mark.skipif(not GNU, reason="torch has other threads on this system")
@pytest.mark.parametrize(
    ("variables", "spins"),
    [({}, SPINS), ({"GOMP_SPINCOUNT": "70"}, "70"), ({"OMP_WAIT_POLICY": "PASSIVE"}, "0")],
)
def test_they_sleep_soon_unless_somebody_has_said_otherwise(
    variables: dict[str, str], spins: str, tmp_path: Path
) -> None:
    own = {name: value for name, value in os.environ.items() if not name.startswith(("GOMP_", "OMP_"))}
    environment = {**own, "PYTHONPATH": str(ROOT), "OMP_DISPLAY_ENV": "VERBOSE", **variables}
    process = python("-c", PROGRAM, folder=tmp_path, env=environment, real=True, stderr=subprocess.PIPE)
    _, said = process.communicate(timeout=PATIENCE)
    assert f"GOMP_SPINCOUNT = '{spins}'" in said
