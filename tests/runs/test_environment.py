"""What a start records must not stop it, whatever lies in the checkout."""

import subprocess
from pathlib import Path

from polarity.runs.environment import _git


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True)


def test_changes_in_another_encoding_are_recorded(tmp_path: Path) -> None:
    package = tmp_path / "package"
    package.mkdir()
    module = package / "module.py"
    module.write_bytes("# -*- coding: latin-1 -*-\nNAME = 'é'\n".encode("latin-1"))
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", "-A")
    git(tmp_path, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "first")
    module.write_bytes("# -*- coding: latin-1 -*-\nNAME = 'éé'\n".encode("latin-1"))
    found = _git(package)
    assert found is not None
    assert "+NAME = '\ufffd\ufffd'" in found["diff"]
