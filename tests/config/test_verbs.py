"""Every verb has one file of settings, which is its help, and refuses what it does not know."""

import re
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

import polarity
from polarity import __version__
from polarity.config.constructors import _kept
from polarity.config.sections import PLACES
from polarity.config.verb import read_settings
from polarity.errors import UserError
from polarity.paths import cache_dir, conf_dir
from polarity.train import check
from tests.command import PATIENCE, run
from tests.comparison.made import a_run, noisy, some_labels
from tests.presets import ELSEWHERE, VERBS
from tests.verbs import said_by, schema_of

CODE = Path(polarity.__file__).parents[1]
HEAVY_OF_TRAINING = ("lightning", "torch", "transformers")
HEAVY = (*HEAVY_OF_TRAINING, "matplotlib", "numpy", "pandas", "pyarrow", "scipy", "sklearn")
every_verb = pytest.mark.parametrize("verb", VERBS)


def text_of(verb: str) -> str:
    return (conf_dir() / f"{verb}.yaml").read_text(encoding="utf-8")


def test_every_verb_has_its_file() -> None:
    modules = {path.stem for path in Path(polarity.__file__).parent.glob("*.py") if "def main(" in path.read_text()}
    assert modules - {"train"} == set(VERBS)


@every_verb
def test_its_file_opens_with_commands_and_says_where_its_code_is(verb: str) -> None:
    heading = text_of(verb).split("\n\n")[0]
    lines = [line for line in heading.splitlines() if f"python -m polarity.{verb}" in line]
    assert len(lines) >= 2
    for place in re.search(r"Code: ([\w./]+(?:, [\w./]+)*)", heading)[1].rstrip(".").split(", "):  # type: ignore[index]
        assert (CODE / place).exists(), place


@every_verb
def test_the_settings_of_its_commands_exist(verb: str) -> None:
    start = f"python -m polarity.{verb}"
    known = schema_of(verb).__dataclass_fields__
    for line in text_of(verb).splitlines():
        if line.startswith(f"# {start}"):
            for word in shlex.split(line.removeprefix(f"# {start}").split(" > ")[0]):
                if "=" in word:
                    assert word.split("=")[0].split(".")[0] in known, word


@every_verb
@pytest.mark.parametrize("name", ["x" * 300, "é" * 200, "a/" * 3000])
def test_a_place_is_refused_by_its_setting_where_no_file_system_takes_it(verb: str, name: str) -> None:
    keys = [key for key in schema_of(verb).__dataclass_fields__ if key in PLACES and key not in ("texts", "test")]
    assert keys
    for key in keys:
        value = f"[{name}]" if key == "runs" else name
        with pytest.raises(UserError, match=rf"(?m)^{key}: .* is too long for a file or folder: \d+ bytes"):
            read_settings(verb, [f"{key}={value}"])


@every_verb
def test_unknown_settings_are_refused_by_name(verb: str) -> None:
    wrong = next(iter(schema_of(verb).__dataclass_fields__))
    with pytest.raises(UserError) as refused:
        read_settings(verb, [f"{wrong}x=1"])
    assert any(problem.startswith(f"{wrong}x: no such setting") for problem in refused.value.problems)


def test_what_a_verb_has_no_choice_of_is_told_in_plain_words() -> None:
    with pytest.raises(UserError, match=r"^experiment=quickstart: there is no experiment to choose here; --help shows"):
        read_settings("baseline", ["experiment=quickstart"])


@pytest.mark.parametrize("name", ["text", "context", "encoding", "delimiter", "error_column"])
@pytest.mark.parametrize("empty", ["", '""'])
def test_no_name_of_a_column_is_empty(name: str, empty: str) -> None:
    """Such a one was taken for the default."""
    asked = ["run=a", "input=a.csv", "output=b.csv", f"{name}={empty}"]
    with pytest.raises(UserError, match=rf"^{name}: "):
        read_settings("predict", asked)
    if name in ("text", "context"):
        with pytest.raises(UserError, match=rf"^data\.{name}: "):
            read_settings("evaluate", ["run=a", "data.path=a.csv", f"data.{name}={empty}"])


def test_several_values_where_one_is_taken_are_told_with_what_else_is_wrong() -> None:
    with pytest.raises(UserError) as refused:
        read_settings("predict", ["run=a", "input=a.csv,b.csv", "output=c.csv", "top_k=0", "prefx=x"])
    several, *others = sorted(refused.value.problems)
    assert several.startswith("input=a.csv,b.csv: these are several values, and one is taken; ")
    assert "-m" not in several
    assert [text.split(":")[0] for text in others] == ["prefx", "top_k"]
    with pytest.raises(UserError, match=r"^seed=1,2: these are several values.*; with -m, train takes one after the"):
        check(["seed=1,2"])


def test_a_setting_that_is_given_twice_in_other_shapes_is_told() -> None:
    twice = ["data=csv", "data.tasks=[label]", "data.tasks={label:[no,yes]}"]
    with pytest.raises(UserError, match=r"data.tasks=\{label:\[no,yes\]\}: a list and a mapping .*is it given twice"):
        check(twice)


@every_verb
def test_its_help_is_its_file(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert read_settings(verb, ["--help"]) is None
    assert capsys.readouterr().out.strip() == text_of(verb).strip()


@every_verb
def test_mistakes_end_with_code_2_and_no_traceback(verb: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    said = said_by(verb, "nonsense=1", code=2)
    assert "Traceback" not in said
    assert said.startswith(f"polarity.{verb}: ")
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.parametrize("verb", ["train", *VERBS])
def test_it_starts_as_a_new_process(verb: str, tmp_path: Path) -> None:
    assert run(verb, "nonsense=1", folder=tmp_path, code=2, real=True).startswith(f"polarity.{verb}: ")
    assert not list(tmp_path.iterdir())


def test_the_help_of_training_explains_every_setting_at_the_root_and_names_every_preset(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as ended:
        check(["--help"])
    shown = capsys.readouterr().out
    assert not ended.value.code
    assert (conf_dir() / "train.yaml").read_text(encoding="utf-8").strip() in shown
    for preset in conf_dir().glob("*/*.yaml"):
        if preset.parent.name not in ("hydra", *ELSEWHERE) and not preset.name.startswith("_"):
            assert re.search(rf"^  {preset.parent.name} .*\b{preset.stem}\b", shown, re.MULTILINE), preset


@pytest.mark.parametrize("asked", ["--version", "--help", ""])
def test_the_package_tells_its_version_and_verbs(asked: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "polarity", *asked.split()], capture_output=True, text=True, timeout=PATIENCE, check=True
    )
    assert done.stdout.startswith(f"polarity {__version__}")
    assert (asked == "--version") == ("torch" in done.stdout.splitlines()[0])
    shown = dict(re.findall(r"^  (\w+) +(.+)$", done.stdout, re.MULTILINE))
    assert set(shown) == (set() if asked == "--version" else {"train", *VERBS})
    assert asked == "--version" or shown["report"] == "the report of a finished run again, from the files of its folder"


LIGHT = """
import importlib, sys
for verb in {verbs}:
    sys.argv[:] = [verb, *{words}]
    try:
        getattr(importlib.import_module(f"polarity.{{verb}}"), "main", int)()
    except SystemExit as end:
        assert end.code == 2, end.code
imported = set({heavy}) & set(sys.modules)
assert not imported, imported
"""


@pytest.mark.parametrize("words", [["--help"], ["nonsense=1"], ["--cfg", "job"]])
def test_what_can_be_said_at_once_is_said_without_importing_libraries(words: list[str], tmp_path: Path) -> None:
    said_lightly(HEAVY, VERBS, words, tmp_path)


@pytest.mark.parametrize(
    ("verbs", "words"),
    [
        (["evaluate", "export", "predict", "refit", "report"], ["run=nope"]),
        (["train"], ["from=nope"]),
        (["train"], ["resume=nope", "seed=1"]),
    ],
    ids=["run", "from", "resume"],
)
def test_so_is_that_there_is_no_such_run(verbs: list[str], words: list[str], tmp_path: Path) -> None:
    said_lightly(HEAVY, verbs, words, tmp_path)


def said_lightly(heavy: Sequence[str], verbs: Sequence[str], words: Sequence[str], folder: Path) -> None:
    _kept(cache_dir())  # only the first process that needs it asks the constructors themselves
    program = LIGHT.format(heavy=heavy, verbs=verbs, words=words)
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, check=False, timeout=PATIENCE, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_what_needs_no_model_is_done_without_torch(tmp_path: Path) -> None:
    labels = some_labels()
    runs = [str(a_run(tmp_path / name, labels, noisy(labels, right, 1))) for name, right in (("a", 0.6), ("b", 0.7))]
    said_lightly(
        HEAVY_OF_TRAINING, ["verbs.report", "verbs.sweep", "compare"], [*runs, f"output={tmp_path / 'out'}"], tmp_path
    )
    assert (tmp_path / "out" / "comparison.html").exists()
