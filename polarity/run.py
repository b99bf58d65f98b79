"""The run's folder: how it comes to be, what the run was asked, and what state it is in."""

import hashlib
import json
import os
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, Self, get_args
from uuid import uuid4

from omegaconf import OmegaConf

from polarity.config.earlier import as_now
from polarity.config.recorded import RunSettings
from polarity.content import Config, Json
from polarity.errors import UserError, nearest
from polarity.files import read_object, read_yaml, whole_folder, write_bytes, write_json, write_text
from polarity.locks import FolderLock
from polarity.paths import LATEST, expanded, followed, in_outputs, too_long
from polarity.processes import is_alive, is_of_this_machine, led_folder, this_process
from polarity.run_files import FOLD, STATUS, RunFiles, is_run, what_a_run_lacks
from polarity.secrets import masked, masked_command, masked_text

State = Literal["waiting", "running", "finished", "failed"]
ALIVE = 60.0
"""Seconds for which a sign of life counts; whoever trains gives one about every ten."""
_CUT_OFF = "its process ended without a word: it was killed, or the disk was full"


def now() -> str:
    """The time with its zone, to the millisecond, so that the jobs of a sweep can be put in their order."""
    return datetime.now().astimezone().isoformat(timespec="milliseconds")


def nowhere(config: Mapping[str, Any], name: str = "run") -> list[str]:
    """Why there is no run's folder where a setting names one and there is nothing, which a quick look tells.

    What is too long for a path is told by itself.
    """
    path = config.get(name)
    if isinstance(path, str) and not too_long(name, path) and not expanded(path).exists():
        try:
            RunDirectory.open(path)
        except UserError as error:
            return list(error.problems)
    return []


def configuration_hash(config: Mapping[str, Any], *, size: int = 4) -> str:
    """Hexadecimal digits that name a configuration, two a byte; the order of keys does not matter."""
    text = json.dumps(config, sort_keys=True, default=str)
    return hashlib.blake2b(text.encode(), digest_size=size).hexdigest()


class RunDirectory(RunFiles):
    """The folder of one run.

    :param path: the folder; it has to exist (:meth:`create` makes a new one).
    """

    def __init__(self, path: str | Path) -> None:
        super().__init__(path)
        self.lock = FolderLock(self.path)

    def __repr__(self) -> str:
        return f"RunDirectory({str(self.path)!r})"

    @classmethod
    def create(
        cls, root: str | Path, config: Mapping[str, Any], overrides: list[str], *, name: str | None = None
    ) -> Self:
        """A new folder, named by time and configuration; two runs never share one, whenever they start.

        Its lock is held until the object releases it, or its process ends. The process of a run's further device gets
        the folder that the first one has made.

        :param name: in the place of that name.
        """
        if led := led_folder():
            return cls(led)
        root = Path(root)
        root.mkdir(parents=True, exist_ok=True)
        name = name or f"{time.strftime('%Y-%m-%d_%H-%M-%S')}-{configuration_hash(config)}"
        for attempt in range(1, 1000):
            path = root / (name if attempt == 1 else f"{name}-{attempt}")
            try:
                path.mkdir()
            except FileExistsError:
                continue
            run = cls(path)
            run.lock.take()
            run.set_status("running", id=uuid4().hex, started=now(), **this_process())
            run._describe(config, overrides)
            return run
        raise UserError(f"output_dir: {root} holds 999 runs named {name} already")

    @classmethod
    def plan(cls, path: Path, config: Mapping[str, Any], overrides: list[str]) -> None:
        """Make the folder of a run that waits to be started, as one that stopped before it had saved anything."""
        with whole_folder(path) as part:
            run = cls(part)
            run._describe(config, overrides)
            run.set_status("waiting", id=uuid4().hex)

    def settle(self, config: Mapping[str, Any]) -> None:
        """Keep what a run that waited has come to on the machine that it begins on."""
        self._write_masked("config.yaml", masked(dict(config)))

    def _describe(self, config: Mapping[str, Any], overrides: list[str]) -> None:
        self.settle(config)
        self._write_masked("overrides.yaml", masked_command(overrides))

    def _write_masked(self, name: str, content: Config | list[str]) -> None:
        """To the letter: what is masked value by value is not masked again, where a word may be a class or a key."""
        write_bytes(self.path / name, OmegaConf.to_yaml(OmegaConf.create(content)).encode("utf-8", "backslashreplace"))

    @classmethod
    def open(cls, path: str | Path) -> Self:
        """An existing run's folder.

        :raises UserError: if there is none at ``path``, with the run that it lies in, or the nearest run beside it.
        """
        if not str(path):
            raise UserError("run: is empty; it has to be a run's folder")
        if problems := too_long("run", path):
            raise UserError(problems)
        folder = followed(expanded(path))
        if is_run(folder):
            return cls(folder.resolve())
        around = next((parent for parent in folder.absolute().parents if is_run(parent)), None)
        if around is not None and not folder.exists() and folder.name.startswith(FOLD):
            raise UserError(f"{folder}: is gone, and {_shown(around)} needs it: put it back, or train that again")
        if around is not None:
            raise UserError(f"{folder}: lies within a run's folder; give that: {_shown(around)}")
        raise UserError(f"{folder}: {_why_no_run(folder)}")

    @property
    def exists(self) -> bool:
        """Whether the folder is still there, as a run's."""
        return is_run(self.path)

    @property
    def config(self) -> Config:
        """The resolved configuration that the run was started with; that of an earlier version as this one reads it.

        :raises UserError: if its file is missing or damaged; so for the three below.
        """
        return as_now(self.written_config)

    @property
    def written_config(self) -> Config:
        """The same as it stands in the file, for checks that nobody has changed it."""
        return {str(key): value for key, value in read_yaml(self.path / "config.yaml", dict).items()}

    @property
    def settings(self) -> RunSettings:
        """What is read of it again, by typed names."""
        return RunSettings(self.config, self.environment)

    @property
    def overrides(self) -> list[str]:
        """The command line that the run was started with."""
        return [str(text) for text in read_yaml(self.path / "overrides.yaml", list)]

    @property
    def status(self) -> Json:
        """State, stage, times and, for a run that failed or was stopped, the reason.

        The state is ``running`` only while a process is at it. One that was killed, or could not write on a full disk,
        has left ``running`` in the file: that is told as ``stopped``.

        :raises UserError: if the file is missing or damaged.
        """
        status = self.recorded
        if status["state"] == "running" and not self._is_worked_on(status):
            status |= {
                "state": "stopped",
                "error": _CUT_OFF,
            }
        return status

    @property
    def recorded(self) -> Json:
        """What ``status.json`` holds, true or not any more."""
        status = read_object(self.path / STATUS)
        if status.get("state") not in get_args(State):
            raise UserError(f"{self.path / STATUS}: is damaged (it tells no state)")
        return status

    def _is_worked_on(self, process: Mapping[str, Any]) -> bool:
        """Its lock tells, on all machines that see the folder; on this one, the process that is recorded, too.

        Where no lock can be looked at, as on some file systems of clusters, the last sign of life has to tell of other
        machines.
        """
        held = self.lock.is_held
        if is_of_this_machine(dict(process)):
            return held is not False and is_alive(dict(process))
        unknown = held is None and self.lock.path.exists()  # without the file, it is what somebody has copied
        return self.last_sign < ALIVE if unknown else bool(held)

    def set_status(self, state: State, **details: object) -> None:
        """Record the state; what earlier calls recorded beside it is kept."""
        known = self.recorded if (self.path / STATUS).exists() else {}
        for stale in ("traceback", "error", "ended", "interrupted", "pruned"):
            known.pop(stale, None)
        masked_details = {
            name: masked_text(value) if isinstance(value, str) else value for name, value in details.items()
        }
        write_json(self.path / STATUS, {**known, "state": state, **masked_details})

    def show_life(self) -> None:
        """Let the time of ``status.json`` say that the run goes on; where that cannot be, its lock still does."""
        with suppress(OSError):
            os.utime(self.path / STATUS)

    @property
    def last_sign(self) -> float:
        """Seconds since the run has recorded something, or shown that it goes on."""
        return max(0.0, time.time() - (self.path / STATUS).stat().st_mtime)

    def finish(self) -> None:
        """Mark the run as finished."""
        self.set_status("finished", ended=now())

    def point_latest(self) -> None:
        """Let ``latest`` beside the run name it, for ``run=outputs/latest``.

        :raises OSError: if it cannot be written, or is a folder.
        """
        write_text(self.path.parent / LATEST, f"{self.path.name}\n")


def _shown(folder: Path) -> Path:
    """As short as it can be written from here."""
    here = Path.cwd()
    return folder.relative_to(here) if folder.is_relative_to(here) and folder != here else folder


def _why_no_run(folder: Path) -> str:
    """The reason, with the runs that may be meant: those in it, or the one beside it with the nearest name."""
    if folder.is_dir():
        if lacks := what_a_run_lacks(folder):
            return lacks
        runs = sorted(str(item) for item in folder.iterdir() if is_run(item))
        return "is no run's folder" + (f", but holds runs; give one of them: {', '.join(runs[-3:])}" if runs else "")
    if folder.exists():
        return "is a file, and no run's folder"
    if folder.is_symlink():
        return f"is a link to {folder.readlink()}, which does not exist"
    others = sorted(item.name for item in folder.parent.iterdir() if is_run(item)) if folder.parent.is_dir() else []
    hint = in_outputs(folder) or nearest(folder.name, others, what="runs beside it")
    return f"is no run's folder{hint}"
