"""One job of a sweep: a run that waits, runs or has ended, and the right to work on it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from uuid import uuid4

from polarity.config.recorded import RunSettings
from polarity.content import Json
from polarity.errors import UserError
from polarity.files import read_object
from polarity.locks import FolderLock
from polarity.run import RunDirectory
from polarity.spreadsheets import read_csv

JobState = Literal["waiting", "running", "finished", "failed", "interrupted", "pruned", "damaged"]


ENDED = ("finished", "failed", "pruned", "damaged")
"""States of those that nobody works on, whoever has claimed them."""


@dataclass(frozen=True)
class Job:
    """A job, as its folder tells.

    :param number: from 1, in the order in which jobs were asked for.
    :param changed: what it does not share with all others, as written on a command line.
    :param claim: held by the process that has started it, from before its own lock is taken until it has ended.
    """

    number: int
    path: Path
    changed: list[str]
    claim: FolderLock

    @property
    def name(self) -> str:
        """Of its folder: the hash of its configuration."""
        return self.path.name

    @property
    def run(self) -> RunDirectory:
        """Its folder as a run's."""
        return RunDirectory(self.path)

    @property
    def settings(self) -> RunSettings:
        """Of its configuration; of an empty one where that cannot be read, which fails as soon as it is taken."""
        try:
            return self.run.settings
        except UserError:
            return RunSettings({})

    @property
    def state(self) -> JobState:
        """What becomes of it at the moment; ``running`` also while its process only begins."""
        recorded = self.recorded
        return "running" if recorded not in ENDED and self.claim.is_held else recorded

    @property
    def recorded(self) -> JobState:
        """The same without a look at who has claimed it.

        A run that a signal ended, or whose process was killed, is interrupted: it can go on, and nothing is known to be
        wrong with it. One that a search has ended early is pruned: it can go on as well, but nobody asks for it. One
        whose status cannot be read is damaged.
        """
        try:
            status = self.run.status
        except UserError:
            return "damaged"
        if status.get("pruned"):
            return "pruned"
        if status["state"] == "stopped" or status.get("interrupted"):
            return "interrupted"
        state: JobState = status["state"]
        return state

    @property
    def score(self) -> float:
        """The best monitored score; not a number for a job that is not finished."""
        if self.recorded != "finished":
            return float("nan")
        return float(read_object(self.run.metrics)["best"]["value"])

    @property
    def epochs(self) -> list[dict[str, str]]:
        """What it has noted of each epoch so far, without the state before training."""
        return [row for row in read_csv(self.run.history) if row.get("epoch", "-1") != "-1"]

    def retried(self, *, retry: bool) -> dict[str, Json]:
        """What is recorded of it now, by its name, if it has failed and failed jobs are tried again."""
        return {self.name: self.run.recorded} if retry and self.recorded == "failed" else {}

    def is_missing(self, retried: Mapping[str, Json]) -> bool:
        """Whether it has to be run, as far as nobody else is at it.

        :param retried: what was recorded of the failed jobs that are tried again; what failed since stays failed.
        """
        state = self.recorded
        again = state == "failed" and retried.get(self.name) == self.run.recorded
        return again or state in ("waiting", "interrupted")

    def take(self, retried: Mapping[str, Json]) -> bool:
        """Claim it, if it has to be run and nobody else has; the claim ends with this process at the latest.

        One whose configuration cannot be read has failed by that.
        """
        try:
            self.claim.take()
        except UserError:
            return False
        if self.is_missing(retried) and self._is_readable():
            return True
        self.claim.release()
        return False

    def _is_readable(self) -> bool:
        try:
            _ = self.run.config
        except UserError as error:
            self.run.set_status("failed", error=str(error), attempt=uuid4().hex)
            return False
        return True
