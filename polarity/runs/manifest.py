"""What a finished run's folder holds, by checksums: whoever reads the folder knows whether it is what the run wrote."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from polarity.errors import UserError
from polarity.files import checksum, read_object, write_json
from polarity.run import RunDirectory

VERSION = 1
FOLDERS, FILES = ("model", "predictions", "baselines"), ("metrics.json", "history.csv", "pretraining.json")
PLACES = ("output_dir", "cache_dir", "run_dir", "resume", "trust", "reporting")
"""Settings that say where files are and what a report shows; a folder that has moved may change them."""
DATA_PLACES = ("path", "train", "val", "test")
"""The same in the section of the data, whose rows are known by their fingerprints."""


def seal(run: RunDirectory) -> None:
    """Write ``manifest.json``, the last file of a run: model with tokenizer and rule, predictions, scores, settings."""
    files = {name: checksum(run.path / name) for name in _covered(run)}
    write_json(run.manifest, {"version": VERSION, "files": files, "config": _sections(run.written_config)})


def mark_of_run(path: str) -> str:
    """Equal for a run and its copies, and for no other one.

    :raises UserError: if there is none.
    """
    return checksum(RunDirectory.open(path).manifest)


def check_unchanged(run: RunDirectory, *parts: str) -> None:
    """Compare the folder with its manifest.

    :param parts: the folders and files to look at; all if none is named. Settings are always compared.
    :raises UserError: with every file and section that was changed, removed or added since, or if there is no manifest.
    """
    if not run.manifest.is_file():
        raise UserError(
            f"{run.manifest}: there is no such file; an older version made the run, or somebody has removed it, so "
            "nobody can tell whether model, rule and predictions are those of the run; train it again"
        )
    content = read_object(run.manifest)
    version, known, settings = content.get("version"), content.get("files"), content.get("config")
    if version != VERSION or not isinstance(known, dict) or not isinstance(settings, dict):
        raise UserError(f"{run.manifest}: is damaged, or of another version than {VERSION} (it has {version!r})")
    problems = []
    for name in dict.fromkeys([*known, *_covered(run)]):
        path = run.path / name
        if parts and name.partition("/")[0] not in parts:
            continue
        if not path.is_file():
            problems.append(f"{path}: there is no such file, but the run wrote one")
        elif name not in known:
            problems.append(f"{path}: was added after the run was finished; remove it")
        elif checksum(path) != known[name]:
            problems.append(f"{path}: was changed after the run wrote it (its checksum differs)")
    now = _sections(run.written_config)
    problems += [
        f"{run.path / 'config.yaml'}: {name}: was changed after the run wrote it; only where files are may change"
        for name in dict.fromkeys([*settings, *now])
        if settings.get(name) != now.get(name)
    ]
    if problems:
        raise UserError(problems)


def _covered(run: RunDirectory) -> list[str]:
    """Files by their names in the folder; hidden ones are of systems and people, and nobody reads them.

    Of an ensemble's members likewise: one that is a run may be evaluated or exported where it lies.
    """
    found = [path for folder in FOLDERS for path in (run.path / folder).rglob("*") if path.is_file()]
    found += [run.path / name for name in FILES if (run.path / name).is_file()]
    names = [path.relative_to(run.path) for path in found]
    for member in run.members.iterdir() if run.members.is_dir() else ():
        inner = [*_covered(RunDirectory(member)), "manifest.json"] if (member / "manifest.json").is_file() else None
        files = sorted(member.rglob("*")) if inner is None else [member / name for name in inner]
        names += [path.relative_to(run.path) for path in files if path.is_file()]
    return sorted(name.as_posix() for name in names if not any(part.startswith(".") for part in name.parts))


def _sections(config: Mapping[str, Any]) -> dict[str, str]:
    """A checksum of each section; of the data, the order of tasks counts as well."""
    parts = {name: value for name, value in config.items() if name not in PLACES}
    if isinstance(data := parts.get("data"), dict):
        tasks = data.get("tasks")
        order = list(tasks) if isinstance(tasks, dict) else None
        parts["data"] = [{key: value for key, value in data.items() if key not in DATA_PLACES}, order]
    texts = {name: json.dumps(value, sort_keys=True, default=str) for name, value in parts.items()}
    return {name: hashlib.sha256(text.encode()).hexdigest() for name, text in texts.items()}
