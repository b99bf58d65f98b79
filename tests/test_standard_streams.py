"""A console or pipe that cannot show a character, or that nobody reads any more, never ends a run."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from polarity.run import RunDirectory
from tests.command import PATIENCE, ROOT, start
from tests.running import overrides

TEXT = "ใช่ да 是 हाँ نعم \udce9 ✓"
SAY = f"""
import sys
from polarity.config.cli import user_errors
from polarity.reports.console import RunConsole
from polarity.standard_streams import standard_streams
with user_errors("test"), standard_streams():
    for number in range(int(sys.argv[1])):
        print({TEXT!a})
        RunConsole(None).print({TEXT!a})
        print({TEXT!a}, file=sys.stderr)
    with open(sys.argv[2], "w") as file:  # as libraries do, without an encoding
        file.write({"ใช่"!a})
"""
PLAIN = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
ENVIRONMENTS = [
    {},
    {"PYTHONIOENCODING": "ascii"},
    {"PYTHONIOENCODING": "ascii:strict"},
    {"PYTHONIOENCODING": "latin-1"},
    {"PYTHONIOENCODING": "cp1252"},
    {"PYTHONIOENCODING": "utf-16"},
    {"LANG": "C"},
    {"LC_ALL": "POSIX"},
    PLAIN,
]


def say(times: int, file: Path, environment: dict[str, str], **streams: object) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(
        [sys.executable, "-c", SAY, str(times), str(file)],
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        check=False,
        **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **streams},  # type: ignore[call-overload]
    )


@pytest.mark.parametrize("environment", ENVIRONMENTS, ids=str)
def test_a_character_that_cannot_be_shown_is_written_as_an_escape(environment: dict[str, str], tmp_path: Path) -> None:
    ended = say(1, tmp_path / "file", environment)
    assert ended.returncode == 0, ended.stderr
    encoding = environment.get("PYTHONIOENCODING", "ascii" if environment is PLAIN else "utf-8").split(":")[0]
    shown = TEXT.encode(encoding, "backslashreplace").decode(encoding)
    assert ended.stdout.decode(encoding).splitlines()[0] == shown
    assert (tmp_path / "file").read_text(encoding="utf-8") == "ใช่"


def test_a_reader_that_goes_away_is_no_failure(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    ended = say(10_000, tmp_path / "file", {}, stdout=writing, stderr=writing)
    os.close(writing)
    assert ended.returncode == 0
    assert (tmp_path / "file").exists()


def test_a_full_disk_under_the_output_is_reported_in_the_end(tmp_path: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        ended = say(10, tmp_path / "file", {}, stdout=full)
    assert ended.returncode == 1
    assert ended.stderr.decode().splitlines()[-1] == "polarity.test: failed: standard output: No space left on device"
    assert (tmp_path / "file").exists()


def test_streams_that_were_never_opened_are_no_failure(tmp_path: Path) -> None:
    command = f'exec "{sys.executable}" -c "$0" 1 "{tmp_path / "file"}" >&- 2>&-'
    ended = subprocess.run(
        ["sh", "-c", command, SAY], env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False, timeout=PATIENCE
    )
    assert ended.returncode == 0
    assert (tmp_path / "file").exists()


@pytest.mark.slow
def test_a_run_ends_well_though_nobody_reads_what_it_says_and_nothing_can_be_shown(tmp_path: Path) -> None:
    names = {"yes": "ใช่", "no": "да", "none": "是", "1": "हाँ", "war": "نعم", "food": "Ä"}
    command = overrides(tmp_path, "trainer.max_epochs=1", "reporting.baselines=false")
    corpus = tmp_path / "corpus.csv"
    rows = [line.split(",") for line in corpus.read_text(encoding="utf-8").splitlines()]
    collected = [",".join([*row[:2], *(names.get(cell, cell) for cell in row[2:4]), row[4]]) for row in rows]
    corpus.write_text("\n".join(collected) + "\n", encoding="utf-8")
    (tmp_path / "mine" / "data").mkdir(parents=True)
    preset = "defaults: [csv]\ntasks: {tone: [ใช่, да, 是, हाँ], topic: [نعم, Ä]}\n"
    (tmp_path / "mine" / "data" / "six.yaml").write_text(preset, encoding="utf-8")
    command = [text for text in command if not text.startswith(("data=", "data.tasks="))]
    reading, writing = os.pipe()
    os.close(reading)
    environment = {**os.environ, **PLAIN, "PYTHONIOENCODING": "ascii", "PYTHONPATH": str(ROOT)}
    process = start(
        "train", "--config-dir", "mine", "data=six", *command,
        folder=tmp_path, stdout=writing, stderr=subprocess.PIPE, env=environment,
    )  # fmt: skip
    _, said = process.communicate(timeout=PATIENCE)
    os.close(writing)
    run = RunDirectory.open(tmp_path / "outputs" / "latest")
    assert process.returncode == 0, said
    assert run.status["state"] == "finished"
    assert "ใช่" in run.log.read_text(encoding="utf-8")
    assert "ใช่" in run.history.read_text(encoding="utf-8")
