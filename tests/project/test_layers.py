"""Imports run downwards only: a room may use the rooms of lower layers, never one beside or above it."""

import ast
import re
from pathlib import Path

import polarity
from tests.presets import VERBS

PACKAGE = Path(polarity.__file__).parent
STANDALONE = PACKAGE / "exporting" / "modeling.py"
"""What an exported folder has in the place of this project, under the same names."""

LAYERS = (
    {"content", "errors", "paths", "run_files", "settings", "signature", "yaml_loader"},
    {"quoting", "secrets"},
    {"importing", "printable", "privacy", "processes", "standard_streams", "torch_state", "unique_rows", "wording"},
    {"locks", "parts", "progress", "signals", "tasks"},
    {"component"},
    {"confusion", "files", "reporting"},
    {"calibration", "decisions", "losses", "regularizers", "samplers", "schedulers", "spreadsheets"},
    {"tables"},
    {"data"},
    {"models"},
    {"clipping", "evaluation", "optimizers"},
    {"statistics"},
    {"analysis", "pretraining"},
    {"config", "posthoc"},
    {"run"},
    {"runs"},
    {"baselines", "comparison"},
    {"inspection", "systems"},
    {"reports"},
    {"exporting", "prediction", "training"},
    {"ensembles", "reduced_precision"},
    {"crossvalidation"},
    {"sweeps"},
    {"verbs"},
    {"loaded_model", "train", *VERBS},
    {"__main__", "api"},
)
NO_ROOMS = {"__init__", "__pycache__", "conf", "py.typed"}
HEIGHT = {room: number for number, layer in enumerate(LAYERS) for room in layer}


def test_every_room_has_its_layer() -> None:
    rooms = {path.name.removesuffix(".py") for path in PACKAGE.iterdir()} - NO_ROOMS
    assert rooms == set(HEIGHT)


def test_the_page_on_architecture_has_the_rooms_from_the_ground_up() -> None:
    page = (PACKAGE.parent / "docs" / "architecture.md").read_text(encoding="utf-8")
    table = page.partition("from the ground up")[2].partition("## Where to look")[0]
    rows = [re.findall(r"`(\w+)`", row) for row in re.findall(r"^\| [a-z ]+ \| (`.*?`) \|", table, re.MULTILINE)]
    assert sorted(name for row in rows for name in row) == sorted(HEIGHT)
    lowest = [min(HEIGHT[name] for name in row) for row in rows]
    assert lowest == sorted(lowest)


def test_no_import_runs_upwards_or_sideways() -> None:
    wrong = [
        f"{path.relative_to(PACKAGE.parent)} imports {module}"
        for path in PACKAGE.rglob("*.py")
        for module in imported(path)
        if (room := module.split(".")[1]) in HEIGHT
        and room != (own := room_of(path))
        and HEIGHT[room] >= HEIGHT.get(own, len(LAYERS))
    ]
    assert not wrong, "\n".join(wrong)


def test_only_the_configuration_knows_where_a_setting_stands() -> None:
    reads = re.compile(r"""(?:config|composed|launcher)(?:\[["']|\.get\(["'])""")
    reads_outside = [
        f"{path.relative_to(PACKAGE.parent)}: {line.strip()}"
        for path in PACKAGE.rglob("*.py")
        if room_of(path) != "config"
        for line in path.read_text(encoding="utf-8").splitlines()
        if reads.search(line)
    ]
    assert not reads_outside, "\n".join(reads_outside)


def test_what_no_type_can_say_is_rare() -> None:
    loose = sum(path.read_text(encoding="utf-8").count("dict[str, Any]") for path in PACKAGE.rglob("*.py"))
    assert loose < 30


def test_each_name_of_a_class_is_one_thing() -> None:
    places: dict[str, list[str]] = {}
    for path in PACKAGE.rglob("*.py"):
        if path != STANDALONE:
            for node in ast.parse(path.read_text(encoding="utf-8")).body:
                if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                    places.setdefault(node.name, []).append(str(path.relative_to(PACKAGE)))
    assert {name: found for name, found in places.items() if len(found) > 1} == {}


def room_of(path: Path) -> str:
    first = path.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


def imported(path: Path) -> list[str]:
    """Dotted names of this package's modules that a file imports, also inside of functions."""
    names: list[str] = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module is not None:
            names += [f"polarity.{alias.name}" for alias in node.names] if node.module == "polarity" else [node.module]
        elif isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
    return [name for name in names if name.startswith("polarity.")]
