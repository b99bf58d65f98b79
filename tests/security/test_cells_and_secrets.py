"""Cells that spreadsheets would run, texts that steer terminals, and secrets that nobody may find in a folder."""

import csv
import io
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from lightning.pytorch.callbacks import Callback
from omegaconf import OmegaConf
from pydantic_core import ValidationError
from rich.table import Table

from polarity.config.accepted import Accepted
from polarity.config.compose import resolved
from polarity.config.constructors import constructor
from polarity.config.trust import check_trusted, targets_of
from polarity.data.ngrams import TextFeatures
from polarity.data.rows import Rows
from polarity.errors import UserError
from polarity.files import write_json
from polarity.models.ngrams.reader import NgramReader
from polarity.paths import conf_dir
from polarity.printable import printable
from polarity.reports.console import RunConsole
from polarity.run import RunDirectory
from polarity.runs import environment as environments
from polarity.runs.environment import environment
from polarity.secrets import (
    NAMED_BY_USERS,
    is_secret,
    learn,
    learn_environment,
    masked,
    masked_command,
    masked_places,
    masked_text,
    secret_places,
    without_known,
)
from polarity.spreadsheets import as_written, harmless, write_csv
from polarity.tables.writers import DelimitedWriter
from polarity.training.run import start_run
from tests.command import ROOT
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
    DelimitedWriter(stream, ["=a", "b"], [], ",", spreadsheet=spreadsheet)
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
SECRETS += ["OPENAI_API_KEY_2", "openai_key", "hf_tokens", "HF_TOKEN_2", "API_KEY_PROD", "service_key", "api_keys"]
PLAIN = [
    "max_tokens",
    "batching.tokens",
    "tokenizer",
    "key_column",
    "pad_token",
    "keys",
    "monkey",
    "sort_key",
    "tokens_2",
]


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


def test_names_that_users_choose_are_no_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A column, task or class may be called "key": that destroyed runs, and merged the jobs of sweeps."""
    known = set[str]()
    monkeypatch.setattr("polarity.secrets._known", known)
    config = {
        "data": {
            "_target_": "a.token",
            "features": {"token": "category-of-2024", "outlet": "category"},
            "tasks": {"key": ["category-of-2024", "***"]},
        },
        "sampler": {"boosts": {"kind": {"key": 6.0}}},
        "loss": {"gamma": {"password": 2}},
        "decision": {"target": {"secret": {"token": 0.5}}},
    }
    learn(config)
    assert known == set()
    assert masked(config) == config
    assert secret_places(config) + masked_places(config) == []
    given = ["+data.features={token: category}", "data={features:{token: category}}", "sampler.boosts.kind.key=1,6"]
    given += ["loss={gamma:{key:2}}", "data.tasks.kind=[key,other]", "decision.target={kind:{key:0.5}}"]
    run = RunDirectory.create(tmp_path, config, given)
    assert run.written_config == config
    assert run.overrides == masked_command(given) == given
    problem = "sampler.boosts.kind.key: must be a number, got 'abc'"
    assert masked_text(problem) == problem


def test_the_mappings_whose_keys_users_choose_are_all_known() -> None:
    """Each setting of a shipped component that is a mapping, wherever a preset has it."""
    found = set[str]()
    for path in conf_dir().glob("*/*.yaml"):
        for place, target, _ in targets_of(OmegaConf.to_container(OmegaConf.load(path)), path.parent.name):
            if target.startswith("polarity."):
                settings = constructor(target).settings.items()
                found |= {f"{place}.{name}" for name, accepted in settings if _takes_a_mapping(accepted)}
    assert found - set(NAMED_BY_USERS) == set()
    assert len(found) > 9


def _takes_a_mapping(accepted: Accepted) -> bool:
    try:
        return accepted.validator is not None and accepted.validator.validate_python({}, strict=True) == {}
    except ValidationError:
        return False


def test_what_stands_below_the_name_of_a_secret_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("polarity.secrets._known", set())
    own = {"password": 20240101.5, "api_key": 7, "credentials": {"user": "me", "x": {"y": "z"}}, "passwords": ["abc"]}
    assert masked({"logger": {"token": {"_target_": "a.B", "name": "n", **own}}}) == {
        "logger": {
            "token": {
                "_target_": "a.B",
                "name": "n",
                "password": "***",
                "api_key": "***",
                "credentials": {"user": "***", "x": {"y": "***"}},
                "passwords": ["***"],
            }
        }
    }
    assert masked_command(
        ["+logger.w={credentials: {user: me}, passwords: [a, b], name: n}", "logger.w.pwd=a b,c"]
    ) == [
        "+logger.w={credentials: {user: ***}, passwords: ***, name: n}",
        "logger.w.pwd=***",
    ]


def test_a_secret_that_is_a_plain_word_destroys_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known = set[str]()
    monkeypatch.setattr("polarity.secrets._known", known)
    for name, word in {"POSTGRES": "polarity", "MYSQL": "lightning", "OTHER": "early_stopping"}.items():
        monkeypatch.setenv(f"{name}_PASSWORD", word)
    learn_environment()
    assert not known & {"polarity", "lightning", "early_stopping"}
    known.update({"polarity", "category"})
    config = {"data": {"_target_": "polarity.data.files.FileCorpus", "features": {"category": "category"}}}
    assert RunDirectory.create(tmp_path, config, []).written_config == config


def test_variables_stay_by_their_names_wherever_a_secret_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OF_MINE", "Zq7-from-environment")
    given = {"credentials": {"user": "${oc.env:OF_MINE}"}, "passwords": ["${oc.env:OF_MINE}"]}
    config, problems = resolved(OmegaConf.create({"logger": {"w": given}}))
    assert problems == []
    assert masked(config) == {"logger": {"w": given}}
    assert masked_command(["+logger.w.password='${oc.env:OF_MINE}'"]) == ["+logger.w.password='${oc.env:OF_MINE}'"]


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
    written = [path.read_text(encoding="utf-8") for path in run.path.iterdir()] + [str(environment({}, ())["command"])]  # type: ignore[arg-type]
    assert not [text for text in written if "Zq7" in text]
    assert run.config["logger"]["own"]["password"] == "${oc.env:OF_MINE}"
    with pytest.raises(UserError, match=r"logger.own.api_key: is a secret that was masked.*oc.env:NAME"):
        check_trusted(run.config, "config.yaml", trust=["my.Logger"])


def test_what_a_model_has_learnt_holds_every_word(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A word that is somebody's password elsewhere is a word here, without which the model would be another."""
    monkeypatch.setattr("polarity.secrets._known", {"democracy"})
    texts = ["love democracy", "democracy is good", "love is good"]
    features = TextFeatures()
    features.fit(Rows.unlabelled(texts, None, {}))
    reader = NgramReader(features)
    reader.save(tmp_path)
    assert NgramReader.load(tmp_path).same_as(reader)
    assert "democracy" not in without_known("love democracy")


VALUES = ("Zq7-typed-key", "Zq7-from-environment", "Zq7-in-address")


class Leaking(Callback):
    """A component of a user's own that holds secrets, and tells them all where it fails."""

    def __init__(self, *, api_key: str, hub_token: str, url: str) -> None:
        self.held = (api_key, hub_token, url)

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        raise ConnectionError(f"refused: {' and '.join(self.held)}, header x-api-key: Zq7-of-others")


def test_a_failure_that_names_secrets_is_reported_without_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OF_MINE", VALUES[1])
    monkeypatch.setattr("polarity.runs.environment._run_git", lambda *_: "")  # this file may differ from its commit
    leaking = (
        "+callbacks.own={_target_: tests.security.test_cells_and_secrets.Leaking, api_key: Zq7-typed-key, "
        "hub_token: '${oc.env:OF_MINE}', url: 'https://me:Zq7-in-address@host/x'}"
    )
    arguments = overrides(tmp_path, leaking)
    with pytest.raises(SystemExit):
        start_run(composed(*arguments), arguments, keep_going=False)
    said = capsys.readouterr()
    (run,) = (tmp_path / "outputs").glob("2*")
    assert "refused" in RunDirectory.open(run).status["traceback"]
    assert "refused" in said.out
    assert "Zq7" not in said.out + said.err
    for path in run.rglob("*"):
        assert path.is_dir() or b"Zq7" not in path.read_bytes(), path


def test_what_was_learnt_is_masked_in_whatever_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("polarity.secrets._known", set())
    monkeypatch.setenv("OF_MINE", VALUES[1])
    where = {"PWD": str(tmp_path), "data.tasks.token": "is a name", "pad_token": "[PADDING]"}
    learn({"api_key": VALUES[0], "x": {"password": "${oc.env:OF_MINE}", "url": f"s3://me:{VALUES[2]}@h"}, "pin": 1234})
    learn(where)
    text = f"{' '.join(VALUES)} {' '.join(where.values())} 1234"
    kept = f"*** *** *** {' '.join(where.values())} 1234"
    assert without_known(text) == kept
    write_json(tmp_path / "a.json", {"said": text})
    write_csv(tmp_path / "a.csv", ["said"], [[text]])
    assert kept in (tmp_path / "a.json").read_text()
    assert kept in (tmp_path / "a.csv").read_text()


def test_the_difference_to_the_commit_is_kept_without_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    changed = "+api_key: Zq7-in-a-preset\n+lr: 1e-3\n+url = 'https://me:Zq7-url@host'"
    answers = {"rev-parse HEAD": "abc", "rev-parse --show-toplevel": str(ROOT)}
    monkeypatch.setattr("polarity.runs.environment._run_git", lambda _, *words: answers.get(" ".join(words), changed))
    git = environment({}, ())["git"]  # type: ignore[arg-type]
    assert git == {"commit": "abc", "diff": "+api_key: ***\n+lr: 1e-3\n+url = 'https://***@host'"}


@pytest.mark.parametrize(
    "text",
    [
        '+  "api_key": "sesamesesame",',
        "{'api_key': 'sesamesesame'}",
        "https://user:sesam@sesame99@host/x@y",
        "ftp://user:sesamesesame@host",
        "https://user:sesam/sesame99@host/x",
    ],
)
def test_secrets_of_other_spellings_are_hidden(text: str) -> None:
    said = masked_text(text)
    assert "sesam" not in said
    assert "***" in said


def test_a_port_is_no_secret() -> None:
    text = "http://host:8080/path?mail=a@b.de"
    assert masked_text(text) == text


def test_a_secret_is_found_with_the_escapes_of_errors_and_json() -> None:
    secret = "it's\\\"secret99\u00fc"
    learn({"password": secret})
    for spelt in (secret, repr(KeyError(secret)), json.dumps({"x": secret}), json.dumps(secret, ensure_ascii=False)):
        assert "secret99" not in without_known(spelt)


def test_changes_of_data_in_a_checkout_are_not_recorded(tmp_path: Path) -> None:
    """They may be texts; those of code are."""
    names = ("polarity/a.py", "data/c.csv", "conf/x.yaml", "texts.jsonl")

    def write(text: str) -> None:
        for name in names:
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_text(text, encoding="utf-8")

    write("before\n")
    for words in (["init", "-q"], ["add", "-A"], ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "x"]):
        subprocess.run(["git", *words], cwd=tmp_path, check=True, capture_output=True)
    write("after\n")
    found = environments._git(tmp_path / "polarity")
    assert found is not None
    assert [name in found["diff"] for name in names] == [True, False, True, False]
