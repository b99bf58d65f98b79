"""The folder of a sweep: what was asked, and a run's folder for each job."""

import sys
from collections import ChainMap
from collections.abc import Iterator, Mapping
from contextlib import chdir, contextmanager
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Self

from polarity.config.overrides import key_of
from polarity.config.search.asked import Search
from polarity.content import Config, Json
from polarity.errors import UserError, nearest
from polarity.files import read_yaml, write_text, yaml_text
from polarity.locks import FolderLock
from polarity.paths import expanded, in_outputs
from polarity.run_files import ASKED
from polarity.sweeps.job import Job

PATIENCE = 120.0
"""Seconds to wait for another process that reads or extends what was asked."""


@dataclass
class AskedSweep:
    """Content of ``sweep.yaml``.

    :param folder: in which the sweep was started; relative paths of its data are meant from there.
    :param config_dir: further folder of presets.
    :param config_name: what the jobs are composed from.
    :param commands: the command line, and those that have extended it.
    :param space: the values of each setting that is searched.
    :param settings: what all jobs share, by dotted key.
    :param data: number of rows and fingerprint of each split, by the hash of the settings that read them.
    :param jobs: the overrides of each job, by its name.
    :param search: how further jobs are proposed, if they are; see :func:`polarity.sweeps.plan.asked_search`.
    """

    folder: str
    started: str
    config_dir: str | None = None
    config_name: str = "train"
    commands: list[str] = field(default_factory=list)
    space: dict[str, list[str]] = field(default_factory=dict)
    settings: Config = field(default_factory=dict)
    data: Json = field(default_factory=dict)
    jobs: dict[str, list[str]] = field(default_factory=dict)
    search: Config | None = None


class Sweep:
    """A sweep's folder.

    :param path: the folder, which need not exist yet.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._lock = FolderLock(self.path)

    @classmethod
    def open(cls, path: str | Path) -> Self:
        """An existing sweep.

        :raises UserError: if there is none at ``path``, with the nearest one beside it.
        """
        folder = expanded(path)
        if not is_sweep(folder):
            inside = sorted(str(item.parent) for item in folder.glob(f"*/{ASKED}"))
            if inside:
                raise UserError(
                    f"{folder}: is no sweep's folder, but holds sweeps; give one of them: {', '.join(inside[-3:])}"
                )
            others = sorted(item.parent.name for item in folder.parent.glob(f"*/{ASKED}"))
            hint = in_outputs(folder) or nearest(folder.name, others, what="sweeps beside it")
            raise UserError(f"{folder}: is no sweep's folder{hint}")
        return cls(folder.resolve())

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Within the block, no other process changes what is asked."""
        self.path.mkdir(parents=True, exist_ok=True)
        self._lock.take(PATIENCE)
        try:
            yield
        finally:
            self._lock.release()

    @property
    def asked(self) -> AskedSweep:
        """What was asked.

        :raises UserError: if the file is missing or damaged.
        """
        file = self.path / ASKED
        try:
            return AskedSweep(**read_yaml(file, dict))
        except TypeError as error:
            raise UserError(f"{file}: is damaged ({error})") from error

    @property
    def began_in(self) -> Path:
        """The folder from which its jobs read relative paths; if that is gone, the one that this process stands in.

        Whatever they then find has to be the rows that the sweep was begun with.
        """
        folder = Path(self.asked.folder)
        return folder if folder.is_dir() else Path.cwd()

    @contextmanager
    def where_it_began(self) -> Iterator[None]:
        """Within the block, this process stands there, and finds the user's own modules there as its jobs do."""
        folder = self.began_in
        if folder == Path.cwd():
            yield
            return
        before = list(sys.path)
        sys.path.insert(0, str(folder))
        try:
            with chdir(folder):
                yield
        finally:
            sys.path[:] = before

    def ask(self, asked: AskedSweep) -> None:
        """Record it."""
        write_text(self.path / ASKED, yaml_text(asdict(asked)))
        self.__dict__.pop("jobs", None)

    @cached_property
    def jobs(self) -> list[Job]:
        """Its jobs, in the order in which they were asked for, but for those whose folders somebody has deleted."""
        asked = self.asked
        return [
            Job(
                number,
                self.path / name,
                [text for text in overrides if key_of(text) in asked.space],
                FolderLock(self.path / name, ".claim"),
            )
            for number, (name, overrides) in enumerate(asked.jobs.items(), 1)
            if (self.path / name).is_dir()
        ]

    @property
    def finished(self) -> list[Job]:
        """Its finished jobs from the plainest on: as they were asked for, or in a search by their values."""
        found, search = [job for job in self.jobs if job.recorded == "finished"], self.search
        return sorted(found, key=lambda job: search.distance(job.changed)) if search else found

    @property
    def search(self) -> Search | None:
        """How its jobs are proposed, if they are."""
        record = self.asked.search
        return Search.recorded(record) if record else None

    @property
    def trials(self) -> int:
        """How many configurations a search tries in all; none, if it is no search."""
        return self.search.trials if self.search else 0

    @property
    def seeds(self) -> int:
        """How many runs each configuration of a search is to have; 1, if it is no search."""
        return int(self.asked.search["seeds"]) if self.asked.search else 1

    @property
    def unasked(self) -> int:
        """How many of these are still to be proposed; the jobs of one have the same settings but a seed of its own."""
        searched = {parameter.key for parameter in self.search.parameters} if self.search else set[str]()
        asked = self.asked.jobs.values()  # those whose folders are gone as well: a search asks for none again
        known = {tuple(text for text in overrides if key_of(text) in searched) for overrides in asked}
        return max(0, self.trials - len(known))

    @property
    def gone(self) -> int:
        """How many jobs were asked for whose folders somebody has deleted."""
        return len(self.asked.jobs) - len(self.jobs)

    def retried(self, *, retry: bool) -> Mapping[str, Json]:
        """What is recorded now of the failed jobs, by their names, if these are tried again."""
        return ChainMap(*(job.retried(retry=retry) for job in self.jobs))

    def job(self, name: str) -> Job:
        """A job by its name.

        :raises UserError: if there is none, or somebody has deleted its folder.
        """
        found = next((job for job in self.jobs if job.name == name), None)
        if found is None:
            raise UserError(f"{self.path}: has no job {name}, or its folder is gone")
        return found


def is_sweep(folder: str | Path) -> bool:
    """Whether a folder is a sweep's."""
    return (expanded(folder) / ASKED).is_file()
