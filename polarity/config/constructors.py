"""The constructors that sections name. What the shipped ones accept is kept, since importing them takes seconds."""

import hashlib
import json
import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import polarity
from polarity.config.accepted import Constructor, constructor_of
from polarity.files import read_json, whole_file
from polarity.importing import imported
from polarity.paths import cache_dir, conf_dir
from polarity.yaml_loader import parsed

ROOT = "polarity.config.root.RootSettings"
SHIPPED = ("polarity.", "lightning.")
LIBRARIES = ("lightning", "pydantic", "pydantic-core", "torch")
"""What the shipped components accept depends on these."""


def constructor(name: str) -> Constructor:
    """What the class or function of this dotted name accepts.

    Whatever is imported already is asked itself, and so is what is not shipped. For the rest, what is kept in the cache
    will do as long as no file of the package and no library has changed.

    :raises Exception: whatever importing raises.
    """
    module, _, _ = name.rpartition(".")
    if module not in sys.modules and name.startswith(SHIPPED) and (kept := _kept(cache_dir()).get(name)):
        return kept
    try:
        return _of(imported(name))
    except SystemExit as error:  # a module that ends whatever imports it
        raise ImportError(name) from error


def schema_of(verb: str) -> str:
    """Dotted name of the dataclass that the settings of a verb are."""
    return f"polarity.verbs.{verb}.{verb.capitalize()}Settings"


@cache
def _of(target: Any) -> Constructor:
    from polarity.config.stricter import STRICTER

    return constructor_of(target, STRICTER.get(getattr(target, "__name__", ""), {}))


@cache
def _kept(cache: Path) -> dict[str, Constructor]:
    """All shipped constructors, by name; where those of this state are not kept yet, they are imported once."""
    path, state = cache / "constructors" / f"{hashlib.sha256(bytes(_package())).hexdigest()[:16]}.json", _state()
    with suppress(Exception):  # whatever is wrong with the file, it is written again
        content = read_json(path)
        if content["state"] == state:
            return {name: Constructor.of_json(one) for name, one in content["constructors"].items()}
    found = dict(_importable())
    content = {"state": state, "constructors": {name: asdict(one) for name, one in found.items() if one.can_be_kept}}
    with suppress(OSError):  # a cache that cannot be written costs time only, and is told before training
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(path) as part:
            part.write_text(json.dumps(content), encoding="utf-8")
    return found


def shipped_names() -> list[str]:
    """Whatever the shipped presets name, and what the settings of the verbs and at the root are."""
    from polarity.config.trust import targets_of

    settings = [schema_of(path.stem) for path in conf_dir().glob("*.yaml") if path.stem != "train"]
    presets = [parsed(path.read_text(encoding="utf-8")) for path in conf_dir().rglob("*.yaml")]
    targets = {target for preset in presets for _, target, _ in targets_of(preset) if target.startswith(SHIPPED)}
    return sorted({*targets, *settings, ROOT})


def _importable() -> Iterator[tuple[str, Constructor]]:
    for name in shipped_names():
        with suppress(Exception):  # told where a section names it
            yield name, _of(imported(name))


def _state() -> str:
    """A fingerprint of all that the shipped constructors depend on."""
    sources = [
        (file.path, file.stat().st_mtime_ns, file.stat().st_size)
        for root in (_package(), conf_dir())
        for folder, _, _ in os.walk(root)
        for file in os.scandir(folder)
        if file.name.endswith((".py", ".yaml"))
    ]
    facts = [sys.version, *(version(library) for library in LIBRARIES), *sorted(map(str, sources))]
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()


def _package() -> Path:
    return Path(polarity.__file__).parent
