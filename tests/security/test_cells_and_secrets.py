"""Cells that spreadsheets would run, texts that steer terminals, and secrets that nobody may find in a folder."""

import csv
import io
from pathlib import Path

import pytest
from rich.table import Table

from polarity.config.trust import check_trusted
from polarity.errors import UserError
from polarity.prediction.sink import DelimitedSink
from polarity.printable import printable
from polarity.reports.console import RunConsole
from polarity.run import RunDirectory
from polarity.runs.environment import environment
from polarity.secrets import is_secret, masked, masked_text
from polarity.spreadsheets import as_written, harmless, write_csv
from tests.running import composed, overrides

FORMULAS = ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\tx", "\rx", "'=quoted", "--", "-"]


@pytest.mark.parametrize("text", FORMULAS)
def test_formulas_are_texts_and_read_back_as_what_they_were(text: str, tmp_path: Path) -> None:
    write_csv(tmp_path / "a.csv", [text], [[text, "-0.5", -0.5, "1e-3", "plain"]])
    with (tmp_path / "a.csv").open(newline="", encoding="utf-8") as file:
        header, line = csv.reader(file)
    assert header[0][0] == line[0][0] == "'"
    assert as_written(line[0]) == text
    assert line[1:] == ["-0.5", "-0.5", "1e-3", "plain"]
    assert as_written("it's") == harmless("it's") == "it's"


@pytest.mark.parametrize("spreadsheet", [False, True])
def test_the_output_of_predict_stays_as_it_is_unless_it_is_for_a_spreadsheet(spreadsheet: bool) -> None:
    stream = io.BytesIO()
    DelimitedSink(stream, ["=a", "b"], [], ",", spreadsheet=spreadsheet)
    assert stream.getvalue() == (b"'=a,b\n" if spreadsheet else b"=a,b\n")


def test_texts_do_not_steer_a_terminal(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    table = Table("name")
    table.add_row("\x1b[2Jgone\u202e")
    for content in ("\x1b]0;title\x07[red]x", table):
        RunConsole(tmp_path / "train.log").print(content)
    for said in (capsys.readouterr().out, (tmp_path / "train.log").read_text(encoding="utf-8")):
        assert not set("\x1b\x07\u202e") & set(said)
        assert "[red]x" in said
        assert "gone" in said
    assert printable("für\tใช่\n") == "für\tใช่\n"


SECRETS = ["password", "logger.x.api_key", "hub_token", "token", "key", "clientSecret", "AWS_SECRET_ACCESS_KEY"]
PLAIN = ["max_tokens", "batching.tokens", "tokenizer", "key_column", "pad_token", "keys", "monkey", "sort_key"]


def test_names_of_secrets() -> None:
    assert [name for name in SECRETS if not is_secret(name)] == []
    assert [name for name in PLAIN if is_secret(name)] == []


def test_secrets_are_masked_in_all_their_forms() -> None:
    assert masked({"a": {"token": "x", "max_tokens": 5, "b": ["https://me:pw@host/x"]}}) == {
        "a": {"token": "***", "max_tokens": 5, "b": ["https://***@host/x"]}
    }
    assert masked({"password": "${oc.env:PW}"}) == {"password": "${oc.env:PW}"}
    assert masked({"data": {"tasks": {"token": "label"}}}) == {"data": {"tasks": {"token": "label"}}}
    assert masked_text("+logger.w={_target_: a.B, api_key: 'abc', name: n}") == (
        "+logger.w={_target_: a.B, api_key: ***, name: n}"
    )


def test_no_file_of_a_run_holds_a_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OF_MINE", "Zq7-from-environment")
    given = [
        "+logger.own={_target_: my.Logger, api_key: Zq7-typed, password: '${oc.env:OF_MINE}'}",
        "+logger.other.url=https://me:Zq7-url@host/",
    ]
    arguments = overrides(tmp_path, *given)
    config = composed(*arguments)
    run = RunDirectory.create(tmp_path / "runs", config, arguments)
    monkeypatch.setattr("sys.argv", ["train", *arguments])
    written = [path.read_text(encoding="utf-8") for path in run.path.iterdir()] + [str(environment({})["command"])]  # type: ignore[arg-type]
    assert not [text for text in written if "Zq7" in text]
    assert run.config["logger"]["own"]["password"] == "${oc.env:OF_MINE}"
    with pytest.raises(UserError, match=r"logger.own.api_key: is a secret that was masked.*oc.env:NAME"):
        check_trusted(run.config, "config.yaml", trust=["my.Logger"])
