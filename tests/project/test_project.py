"""The project's outer shell: what is promised beside the code."""

import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from polarity.paths import cache_dir, conf_dir

ROOT = Path(__file__).resolve().parents[2]
PYPROJECT = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
MANIFEST = tomllib.loads(PYPROJECT)
TARGETS = ["help", "install", "train", "test", "test-slow", "test-all", "lint", "bench", "mutants", "clean"]


def declared() -> list[str]:
    project = MANIFEST["project"]
    extras = project["optional-dependencies"].values()
    return [
        *MANIFEST["build-system"]["requires"],
        *project["dependencies"],
        *(item for extra in extras for item in extra),
    ]


def pins() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pinned = [line.split("==") for line in lines if line and not line.startswith("#")]
    return {canonicalize_name(name): version for name, version in pinned}


def needed(name: str, seen: set[str]) -> Iterator[str]:
    """The installed packages that ``name`` brings, itself included."""
    if name in seen:
        return
    seen.add(name)
    try:
        wanted = [Requirement(line) for line in requires(name) or []]
    except PackageNotFoundError:
        return
    yield name
    for requirement in wanted:
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            yield from needed(canonicalize_name(requirement.name), seen)


def tracked() -> list[Path]:
    if not (ROOT / ".git").exists() or shutil.which("git") is None:
        pytest.skip("not a git checkout")
    command = ["git", "ls-files", "-z"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\0")
    return [ROOT / name for name in listed if name and (ROOT / name).is_file()]


def make(folder: Path, *words: str) -> str:
    if shutil.which("make") is None:
        pytest.skip("make is not installed")
    return subprocess.run(["make", *words], cwd=folder, check=True, capture_output=True, text=True).stdout


def test_every_bound_has_a_reason() -> None:
    bounded = [line for line in PYPROJECT.splitlines() if re.search(r'"[^"]*(?:[<>]=?|[=~!]=)\s*\d[^"]*"', line)]
    assert len(bounded) > 5
    without = [line for line in bounded if len(line.partition("#")[2].strip()) < 10]
    assert without == []


def test_every_dependency_is_pinned_within_its_bounds() -> None:
    pinned = pins()
    for requirement in map(Requirement, declared()):
        if requirement.name != "polarity":
            version = pinned[canonicalize_name(requirement.name)]
            assert requirement.specifier.contains(version), f"{requirement} excludes the pinned {version}"


def test_what_dependencies_bring_is_pinned() -> None:
    seen: set[str] = {"polarity"}
    brought = [name for item in declared() for name in needed(canonicalize_name(Requirement(item).name), seen)]
    assert len(brought) > 50
    accelerator = re.compile(r"cuda-|nvidia-|triton$")  # a CUDA build of torch asks for exact versions of these itself
    assert [name for name in brought if name not in pins() and not accelerator.match(name)] == []


def test_help_lists_the_targets() -> None:
    text = make(ROOT, "help")
    for target in TARGETS:
        assert re.search(rf"^  {target} +\S", text, re.MULTILINE), f"make help does not explain {target}"
    assert make(ROOT) == text, "make alone shows the help"


def test_install_names_a_python_that_is_too_old(tmp_path: Path) -> None:
    shutil.copy(ROOT / "Makefile", tmp_path)
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "constraints.txt").touch()
    old = tmp_path / "python3.9"
    old.write_text('#!/bin/sh\nif [ "$1" = --version ]; then echo "Python 3.9.1"; else exit 1; fi\n')
    old.chmod(0o755)
    for python, hint in [("./python3.9", "Python 3.9.1"), ("./missing", "missing")]:
        command = ["make", "install", f"PYTHON={python}"]
        done = subprocess.run(command, cwd=tmp_path, check=False, capture_output=True, text=True)
        assert done.returncode != 0
        assert "polarity needs Python 3.11 or newer" in done.stderr
        assert hint in done.stderr
    assert not (tmp_path / ".venv").exists()


def test_clean_keeps_runs_and_environment(tmp_path: Path) -> None:
    shutil.copy(ROOT / "Makefile", tmp_path)
    kept = ["outputs/run/__pycache__/x", "outputs/latest/model/weights", ".venv/lib/__pycache__/x", "conf/train.yaml"]
    removed = ["polarity/__pycache__/x", "tests/a/__pycache__/x", "dist/x.whl", ".pytest_cache/x", ".mypy_cache/x"]
    for name in [*kept, *removed, "benchmarks/speed.py"]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    make(tmp_path, "clean")
    assert [name for name in kept if not (tmp_path / name).exists()] == []
    assert [name for name in removed if (tmp_path / name).exists()] == []


def test_no_file_knows_a_machine_or_a_registry() -> None:
    homes = "/" + r"(?:root|work|home/(?!somebody)\w+|Users/\w+)" + "/"
    hosts = "|".join(host.replace("_", r"\.") for host in ["pypi_org", "pythonhosted_org", "download_pytorch_org"])
    pattern = re.compile(rf"(?<![\w.]){homes}|{hosts}")
    collected = []
    for path in tracked():
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), start=1):
            if pattern.search(line):
                collected.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()[:100]}")
    assert collected == []


def test_ci_runs_the_readme_test_command() -> None:
    script = ROOT / ".ci" / "run"
    assert script.stat().st_mode & 0o111, ".ci/run is executable"
    text = script.read_text(encoding="utf-8")
    assert "make lint" in text
    assert text.index("make lint") < text.index("make test"), "pytest's closing line comes last"


def test_ci_fails_when_a_check_fails(tmp_path: Path) -> None:
    (tmp_path / ".ci").mkdir()
    shutil.copy(ROOT / ".ci" / "run", tmp_path / ".ci")
    stages = ("lint", "test-slow", "test")
    for failing in (None, *stages):
        rules = [f"{stage}:\n\t@{'false' if stage == failing else 'true'}\n" for stage in stages]
        (tmp_path / "Makefile").write_text("".join([f".PHONY: {' '.join(stages)}\n", *rules]))
        done = subprocess.run(["bash", ".ci/run"], cwd=tmp_path, check=False, capture_output=True)
        assert done.returncode == (failing is not None)


def test_configuration_is_found_and_ships_in_the_wheel() -> None:
    wheel = MANIFEST["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert wheel == {"packages": ["polarity"], "force-include": {"conf": "polarity/conf"}}
    assert conf_dir() == ROOT / "conf"
    assert (ROOT / "polarity" / "py.typed").is_file()


def test_cache_is_moved_by_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("POLARITY_CACHE", str(tmp_path))
    assert cache_dir() == tmp_path
    monkeypatch.delenv("POLARITY_CACHE")
    assert cache_dir() == Path.home() / ".cache" / "polarity"


@pytest.mark.slow
def test_installed_wheel_finds_its_configuration(tmp_path: Path) -> None:
    pytest.importorskip("hatchling", reason="the wheel is built without a network")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    offline = ["--no-deps", "--no-index"]
    build = [*pip, "wheel", *offline, "--no-build-isolation", "--wheel-dir", str(tmp_path / "dist"), str(ROOT)]
    subprocess.run(build, check=True)
    (wheel,) = (tmp_path / "dist").glob("polarity-*.whl")
    site, elsewhere = tmp_path / "site", tmp_path / "elsewhere"
    elsewhere.mkdir()
    subprocess.run([*pip, "install", *offline, "--target", str(site), str(wheel)], check=True)
    code = "import polarity.paths; print(polarity.paths.conf_dir())"
    environment = {"PYTHONPATH": str(site), "PATH": ""}
    command = [sys.executable, "-c", code]
    printed = subprocess.run(command, cwd=elsewhere, env=environment, check=True, capture_output=True, text=True).stdout
    assert Path(printed.strip()) == site / "polarity" / "conf"
    shipped = {path.relative_to(ROOT / "conf") for path in (ROOT / "conf").rglob("*.yaml")}
    assert {path.relative_to(site / "polarity" / "conf") for path in site.rglob("polarity/conf/**/*.yaml")} == shipped
    assert (site / "polarity" / "py.typed").is_file()
