"""No text of data, of paths or of messages steers a terminal, whichever verb shows it."""

import ast
import csv
import logging
import sys
import warnings
from io import StringIO
from pathlib import Path

import pytest
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

import polarity
from polarity.config import cli
from polarity.printable import SafeConsole, shared_console
from polarity.run import RunDirectory
from polarity.verbs.predict import PredictSettings
from tests.running import overrides
from tests.verbs import outcome_of

STEERING = "\x1b[5m\x1b]0;title\x07\x9b2J\r\u202e"
HARMFUL = set("\x1b\x07\x9b\r\u202e")


def written(folder: Path) -> list[str]:
    """A command line whose data hold control characters in ids, texts, names of columns and their values."""
    arguments = overrides(folder, rows=120)
    path = folder / "corpus.csv"
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        row["id"] += STEERING
        row["text"] += f" {STEERING} words"
        row[f"where{STEERING}"] = f"{row['source']}{STEERING}"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0], quoting=csv.QUOTE_ALL)
        writer.writeheader()
        writer.writerows(rows)
    return [*arguments, "trainer.max_epochs=1", "trainer.log_every_n_steps=1", "reporting.resamples=100"]


@pytest.mark.slow
def test_nothing_that_a_verb_says_steers_a_terminal(tmp_path: Path) -> None:
    folder = tmp_path / "fold\x1b[2Jer"
    folder.mkdir()
    arguments = written(folder)
    said = {"train": outcome_of("train", *arguments)}
    assert said["train"][0] == 0, said
    latest = RunDirectory.open(folder / "outputs" / "latest")
    run = f"run={latest.path}"
    data = [text for text in arguments if text.startswith(("data", "cache_dir"))]
    new = str(folder / "corpus.csv")
    for verb, command in {
        "evaluate": [run],
        "report": [run],
        "export": [run, "format=hf"],
        "inspect": [*data, "~model", f"output={folder / 'inspected'}"],
        "baseline": [*data, f"output={folder / 'baselines'}"],
        "compare": [str(latest.path), str(latest.path), f"output={folder / 'compared'}"],
        "predict": [run, f"input={new}", f"output={folder / 'predicted.csv'}"],
    }.items():
        said[verb] = outcome_of(verb, *command)
    for verb, (code, text) in said.items():
        assert code in ((0, 2) if verb == "compare" else (0,)), (verb, text)
        assert "\\x1b[2J" in text or verb == "baseline", (verb, text)
        assert not HARMFUL & set(text), (verb, text)
    assert not HARMFUL & set(latest.log.read_text(encoding="utf-8"))


def test_the_console_of_a_terminal_has_its_own_colours_and_none_of_the_data() -> None:
    said = StringIO()
    console = SafeConsole(file=said, force_terminal=True, color_system="standard", width=200)
    table = Table(f"heading{STEERING}", title=f"[red]title{STEERING}", caption=STEERING)
    table.add_row(f"cell{STEERING}")
    table.add_row(Text(f"text{STEERING}"))
    for content in (STEERING, table, Panel(f"panel{STEERING}"), Text(STEERING), ":heart: [bold]x"):
        console.print(content, style="red")
    text = said.getvalue()
    assert "\x1b[31m" in text
    assert not (HARMFUL - {"\x1b"}) & set(text)
    assert not {"\x1b[5m", "\x1b]"} & {text[at : at + 4][:length] for at in range(len(text)) for length in (2, 4)}
    assert ":heart: [bold]x" in text
    assert "[red]title" in text
    assert isinstance(shared_console(), SafeConsole)


def test_messages_of_libraries_and_mistakes_of_the_program(capsys: pytest.CaptureFixture[str]) -> None:
    handler = logging.StreamHandler(sys.stderr)
    logger = logging.getLogger("of a library")
    logger.addHandler(handler)

    @cli.verb("train")
    def work() -> None:
        sys.stderr.write(warnings.formatwarning(f"careful: {STEERING}", UserWarning, f"file{STEERING}", 1))
        logger.warning("log of %s", STEERING)
        raise ZeroDivisionError(f"because of {STEERING}")

    with pytest.raises(SystemExit) as stop:
        work()
    assert stop.value.code == 1
    said = capsys.readouterr().err
    for text in ("careful", "log of", "ZeroDivisionError: because of", "Traceback"):
        assert text in said
    assert not HARMFUL & set(said)


def test_there_is_no_other_way_to_a_terminal() -> None:
    """Everything that is printed goes through the one console; ``print`` shows only what the project wrote itself."""
    package = Path(polarity.__file__).parent
    consoles, prints = set(), set()
    for path in package.rglob("*.py"):
        name = path.relative_to(package).as_posix()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module == "rich.console":
                consoles |= {name for item in node.names if item.name == "Console"}
            elif isinstance(node, ast.ImportFrom) and node.module == "rich":
                consoles.add(name)
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print":
                prints.add(name)
    assert consoles == {"printable.py"}
    assert prints == {"__init__.py", "__main__.py", "config/verb.py", "train.py", "verbs/report.py", "verbs/sweep.py"}


def test_settings_that_are_printed_steer_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    code, said = outcome_of("predict", f"input={STEERING}", "run=x", "output=y", "--cfg", "job")
    assert code == 0
    assert "input: " in said
    assert not HARMFUL & set(said)
    assert PredictSettings.__dataclass_fields__.keys() == {line.partition(":")[0] for line in said.splitlines() if line}
