"""What a run depended on: code, packages, hardware, data."""

import os
import platform
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, chdir, contextmanager, nullcontext
from functools import cache
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import torch

import polarity
from polarity.config.recorded import RunSettings
from polarity.content import Json
from polarity.data.rows import Rows, Splits
from polarity.errors import UserError
from polarity.files import read_object, read_yaml, write_json
from polarity.run import RunDirectory, configuration_hash, now
from polarity.run_files import PAIRS
from polarity.secrets import masked_command, masked_text
from polarity.wording import times

RESUMED = "resumed"
"""Key of ``environment.json``: what each later start depended on; the first one's record stands around it."""
READING = "reading"
"""Key of ``environment.json``: a mark of what the reader made of the first training texts."""
RUNS = "runs"
"""Key of ``environment.json``: a checksum of each other run that this one learns from, by the setting that names it."""
COLUMNS = "columns"
"""Key of a split in ``environment.json``: a fingerprint of the columns that the model reads, or rows are grouped by."""
CONTEXT = "context"
"""Key of a split in ``environment.json``: a fingerprint of the rows and their contexts, where there are some."""
CODE = (".py", ".pyi", ".yaml", ".yml", ".toml", ".jinja", ".html", ".css", ".js")
"""Endings of the files whose uncommitted changes are recorded; data may lie in a checkout as well, and hold texts."""


def record_start(run: RunDirectory, splits: Splits, identity: Mapping[str, Any]) -> None:
    """Add what this start depends on to ``environment.json``; what earlier ones recorded is kept.

    :param identity: what the model is; empty where there are several.
    """
    here = {**environment(splits, run.settings.data.features), **identity}
    if not run.environment.exists():
        write_json(run.environment, {**here, RESUMED: []})
        return
    known = read_environment(run)
    write_json(run.environment, {**known, RESUMED: [*known.get(RESUMED, []), here]})


def read_environment(run: RunDirectory) -> Json:
    """The content of ``environment.json``.

    :raises UserError: if it is missing or damaged.
    """
    content = read_object(run.environment)
    if not isinstance(content.get("data"), dict):
        raise UserError(f"{run.environment}: is damaged (it does not describe the data)")
    return content


def name_of_rows(config: Mapping[str, Any]) -> str:
    """Stands for the settings that say which rows are read, as in ``sweep.yaml``."""
    return configuration_hash(RunSettings(config).of_rows)


def planned_data(run: RunDirectory) -> Json:
    """:func:`described` of the rows that the sweep was begun with of which a run is a job; empty for any other run.

    :raises UserError: if the sweep's file, or the run's configuration, is damaged.
    """
    known = read_yaml(run.asked, dict).get("data") if run.asked.is_file() else None
    return dict(known.get(name_of_rows(run.config)) or {}) if isinstance(known, dict) else {}


def where_it_began(run: RunDirectory) -> AbstractContextManager[None]:
    """Relative paths of a run's data are meant from the folder that it was started in, if that is still there."""
    folder = read_environment(run).get("folder") if run.environment.exists() else None
    return chdir(folder) if folder and Path(folder).is_dir() else nullcontext()


@contextmanager
def by_its_data(run: RunDirectory) -> Iterator[None]:
    """As :func:`where_it_began`, for what reads the run's data by its own settings and can be given no others.

    :raises UserError: that of the block, with where the data have to be, if it is about them.
    """
    try:
        with where_it_began(run):
            yield
    except UserError as error:
        problems = list(error.problems)
        about = [number for number, problem in enumerate(problems) if problem.startswith("data")]
        folder = read_environment(run).get("folder") if run.environment.exists() else None
        if not about or not folder:
            raise
        problems[about[-1]] += (
            f"; {run.path} keeps its settings, so its data have to be where they were, by paths from {folder}"
        )
        raise UserError(problems) from error


def described(splits: Splits, features: Sequence[str]) -> Json:
    """Number of rows and fingerprint of each split, and those of what else takes part in what a run makes of them.

    :param features: columns that the model reads beside the texts; that by which rows are grouped takes part as well.
    """
    return {name: _described(rows, features) for name, rows in splits.items()}


def _described(rows: Rows, features: Sequence[str]) -> Json:
    columns = [*features, *([] if rows.group is None else [rows.group])]
    own = {COLUMNS: rows.fingerprint_of(columns)} if columns else {}
    if rows.context is not None:
        own[CONTEXT] = rows.fingerprint(contexts=True)
    return {"rows": len(rows), "fingerprint": rows.fingerprint(), **own}


def only_rows(data: Mapping[str, Any]) -> Json:
    """Of :func:`described`, what tells rows apart; other runs may read other columns or contexts beside the texts."""
    return {name: {key: split.get(key) for key in ("rows", "fingerprint")} for name, split in data.items()}


def changed_data(
    known: Mapping[str, Any], found: Mapping[str, Any], *, whose: str = "the run was trained with"
) -> list[str]:
    """A problem for each split that is not the one that was recorded in the beginning.

    :param found: :func:`described` of what there is now.
    """
    return [
        f"data: the {name} split is not the one that {whose}: {_split_text(found.get(name), key)} now, "
        f"{_split_text(known.get(name), key)} then; the files have changed since"
        for name in dict.fromkeys([*known, *found])
        if (key := _differs(known.get(name), found.get(name)))
    ]


def _differs(known: Any, found: Any) -> str | None:
    """The key of what differs, if anything.

    Earlier versions have recorded nothing of columns, and of rows with contexts one fingerprint of both.
    """
    if not (isinstance(known, Mapping) and isinstance(found, Mapping)):
        return "fingerprint" if known != found else None
    if CONTEXT in found and CONTEXT not in known:
        found = {**found, "fingerprint": found[CONTEXT]}
    keys = ("rows", "fingerprint", CONTEXT, COLUMNS)
    return next((key for key in keys if key in known and found.get(key) != known[key]), None)


def _split_text(split: Mapping[str, Any] | None, key: str) -> str:
    if not isinstance(split, Mapping):
        return "none"
    if key == COLUMNS:
        return f"columns of data.features or data.group with fingerprint {str(split.get(COLUMNS))[:8]}"
    if key == CONTEXT:
        return f"contexts with fingerprint {str(split.get(CONTEXT))[:8]}"
    return f"{times(split.get('rows', 0), 'row')} with fingerprint {str(split.get('fingerprint'))[:8]}"


def environment(splits: Splits, features: Sequence[str]) -> Json:
    """Everything that ``environment.json`` records about one start; parameters as in :func:`described`."""
    return {
        "time": now(),
        "polarity": polarity.__version__,
        "command": masked_command(sys.argv),
        "folder": str(Path.cwd()),
        "git": _git(Path(polarity.__file__).parent),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processor": processor(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "devices": [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())],
        "packages": packages(),
        "data": described(splits, features),
        PAIRS: any(rows.context is not None for _, rows in splits.items()),
    }


@cache
def packages() -> dict[str, str]:
    """Version of every package that is installed, by name."""
    found = {item.name: item.version for item in distributions() if item.name}
    return dict(sorted(found.items(), key=lambda item: item[0].lower()))


def _git(folder: Path) -> dict[str, str] | None:
    """Commit and uncommitted change of the checkout that the code runs from; None for an installed package."""
    commit = _run_git(folder, "rev-parse", "HEAD")
    top = _run_git(folder, "rev-parse", "--show-toplevel")
    if not commit or not top or Path(top) != folder.parent:
        return None
    changed = _run_git(folder.parent, "diff", "HEAD", "--", *(f"*{ending}" for ending in CODE))
    return {"commit": commit, "diff": masked_text(changed)}


def _run_git(folder: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(  # noqa: S603 - the arguments are constants
            ["git", *arguments],  # noqa: S607 - git is found where the user has it
            cwd=folder,
            capture_output=True,
            encoding="utf-8",
            errors="replace",  # of files in other encodings
            timeout=20,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def processor() -> str:
    """The model of this machine's processor, as far as it is known."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()
