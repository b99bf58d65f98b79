"""What the documentation says is tried: every command line is composed, the cheap ones are run, every example holds."""

import doctest
import importlib
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

import polarity
from polarity.config.compose import compose_jobs, resolved
from polarity.config.structure import structure_problems
from polarity.paths import conf_dir
from tests.running import train, twin
from tests.verbs import said_by

ROOT = Path(__file__).resolve().parents[2]
PAGES = [*(ROOT / f"{name}.md" for name in ("README", "CONTRIBUTING", "CHANGELOG")), *sorted(ROOT.glob("docs/*.md"))]
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
EXAMPLES = [path for path in Path(polarity.__file__).parent.rglob("*.py") if ">>>" in path.read_text(encoding="utf-8")]
WRONG = "loss.gama=3"  # the README shows what a mistake looks like
PRESET = re.compile(r"^```yaml\n((?:# @package _global_\n)?# (mine/\S+\.yaml)\n.*?)^```", re.MULTILINE | re.DOTALL)
"""A whole file, as users copy it."""
ENDS_WITH_ADVICE = {"data.tasks=[stance]"}  # the page says that this one stops and prints what to paste
UNRUNNABLE = {"int8=true": "onnxruntime is an extra", "format=onnx": "as above"}


def commands(text: str) -> Iterator[list[str]]:
    """The words after ``python -m polarity.`` of every command of a page, in blocks and in lines."""
    for line in command_lines(text):
        for part in line.split(" | "):
            words = shlex.split(part.removeprefix("$ "), comments=True) if "python -m polarity." in part else []
            if words[:2] == ["python", "-m"] and "VERB" not in words[2]:
                yield [words[2].removeprefix("polarity."), *(word for word in words[3:] if word != "...")]


def command_lines(text: str) -> list[str]:
    """Every line of the blocks that show commands, and every command within a line."""
    blocks = [block for language, block in BLOCK.findall(text) if language in ("", "sh", "bash")]
    inline = re.findall(r"`((?:python -m|make|pytest) [^`\n]+)`", BLOCK.sub("", text))
    return "\n".join([*blocks, *inline]).replace("\\\n", " ").splitlines()


FIRST = {tuple(command): page for page in reversed(PAGES) for command in commands(page.read_text(encoding="utf-8"))}
"""The page that shows a command first: what several say is tried once."""
COMMANDS = [
    pytest.param(list(command), id=f"{page.name}: {' '.join(command)}")
    for command, page in FIRST.items()
    if WRONG not in command and "=" in "".join(command)
]
TRAINING = [item for item in COMMANDS if item.values[0][0] == "train"]
OTHERS = [item for item in COMMANDS if item.values[0][0] != "train" and not UNRUNNABLE.keys() & set(item.values[0])]


def test_no_page_is_without_its_commands() -> None:
    assert len(TRAINING) > 15
    assert len(OTHERS) > 15


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with finished runs under the names that the pages use."""
    folder = tmp_path_factory.mktemp("documentation")
    run = train(folder, "trainer.max_epochs=1", "reporting.resamples=100")
    for name in ("A", "B"):
        twin(run, folder / "outputs" / name)
    return folder


def written(folder: Path) -> None:
    """Write the presets that the pages tell the user to write, as they stand there."""
    for page in PAGES:
        for text, name in PRESET.findall(page.read_text("utf-8")):
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")


@pytest.mark.slow
@pytest.mark.parametrize("command", TRAINING)
def test_every_training_command_names_settings_that_there_are(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    written(tmp_path)
    rest = [word for word in command[1:] if word not in ("-m", "--cfg", "job", "--config-dir", "mine")]
    if any(word.startswith(("resume=", "from=")) for word in rest):
        rest = []  # takes no other setting
    own = str(tmp_path / "mine") if "mine" in command else None
    for job in compose_jobs("train", rest, config_dir=own, multirun="-m" in command):
        config, problems = resolved(job.config)
        problems += structure_problems(config)
        collected = [text for text in problems if not ENDS_WITH_ADVICE & set(command)]
        assert [text for text in collected if "no such" in text or "must be" in text] == []


@pytest.mark.parametrize("command", OTHERS)
def test_every_other_command_is_understood(command: list[str]) -> None:
    said_by(*command, "--cfg", "job")


def test_every_target_of_make_every_tested_path_and_every_benchmark_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    for page in PAGES:
        for line in command_lines(page.read_text("utf-8")):
            words = shlex.split(line, comments=True) if re.search(r"\b(make|pytest|benchmarks\.\w+) ?", line) else []
            if words[:1] == ["make"]:
                assert words[1] in targets, f"{page.name}: {line}"
            elif words[1:2] == ["-m"]:
                paths = [ROOT / word for word in words if word.startswith("tests/")]
                paths += [ROOT / f"{word.replace('.', '/')}.py" for word in words if word.startswith("benchmarks.")]
                assert [path for path in paths if not path.exists()] == [], f"{page.name}: {line}"


@pytest.mark.slow
@pytest.mark.parametrize("verb", ["report", "compare"])
def test_commands_on_runs_run(verb: str, runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(runs)
    own = [item.values[0] for item in OTHERS if item.values[0][0] == verb and "run=DIR" not in item.values[0]]
    assert own
    for command in own:
        said_by(*command)


def test_every_preset_of_the_documentation_is_written_for_its_group() -> None:
    presets = [(page.name, *found) for page in PAGES for found in PRESET.findall(page.read_text("utf-8"))]
    assert {name.split("/")[1] for _, _, name in presets} > {"experiment"}
    for page, content, name in presets:
        group = name.split("/")[1]
        assert (conf_dir() / group).is_dir(), f"{page}: {name}"
        if group == "experiment":
            assert content.startswith("# @package _global_"), f"{page}: {name}"


def test_every_name_of_python_code_exists() -> None:
    imports, calls = 0, 0
    for page in PAGES:
        for block in re.findall(r"^```python\n(.*?)^```", page.read_text("utf-8"), re.MULTILINE | re.DOTALL):
            for module, names in re.findall(r"^from (polarity\S*) import ([\w, ]+)$", block, re.MULTILINE):
                result = importlib.import_module(module)
                assert [name for name in names.split(", ") if not hasattr(result, name)] == [], f"{page.name}: {module}"
                imports += 1
        for call, module in re.findall(r"`(\w+)\([^`]*\)`,?\s(?:in|from)\s`(polarity[\w.]+)`", page.read_text("utf-8")):
            assert hasattr(importlib.import_module(module), call), f"{page.name}: {call} in {module}"
            calls += 1
    assert imports > 10
    assert calls


def test_every_link_leads_somewhere() -> None:
    link = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")
    links = [(page, target) for page in PAGES for target in link.findall(page.read_text("utf-8"))]
    assert len(links) > 50
    assert [f"{page.name}: {target}" for page, target in links if not (page.parent / target).exists()] == []


def test_every_example_in_the_code_holds() -> None:
    tried = 0
    for path in EXAMPLES:
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        result = doctest.testmod(importlib.import_module(name), optionflags=doctest.NORMALIZE_WHITESPACE)
        assert result.failed == 0, name
        tried += result.attempted
    assert tried > 20
