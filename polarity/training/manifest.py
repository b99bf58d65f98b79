"""Which checkpoints a run has written, with their checksums, and the configuration that it wrote them under."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from polarity.content import Json
from polarity.errors import UserError
from polarity.files import checksum, read_object, write_json
from polarity.run import RunDirectory

KEPT = 3
"""Checksums of resume points that are remembered: of the newest, the one before, and one that is being put in place."""


class Manifest:
    """``checkpoints/manifest.json``: ``{run, configuration, best, resume: [sha256], checkpoints: {file: sha256}}``.

    A checksum is noted before its file is put in place, so that a run killed between the two can still tell.

    :param run: the run's folder.
    """

    def __init__(self, run: RunDirectory) -> None:
        self.run = run
        self.path = run.checkpoints / "manifest.json"

    def begin(self) -> None:
        """Bind the checkpoints to the run and its configuration, once."""
        if not self.path.exists():
            head = {"run": self.run.recorded.get("id"), "configuration": self.run.written_config}
            write_json(self.path, {**head, "best": None, "resume": [], "checkpoints": {}})

    def settle(self, config: Mapping[str, Any]) -> None:
        """Bind it to what the configuration has come to, before there are checkpoints.

        A run that is killed meanwhile has not begun, and settles again.
        """
        self.path.unlink(missing_ok=True)
        self.run.settle(config)
        self.begin()

    def read(self) -> Json:
        """Everything that was noted.

        :raises UserError: if the file is missing, damaged, or another run's.
        """
        content = read_object(self.path)
        if not {"run", "configuration", "best", "resume", "checkpoints"} <= content.keys():
            raise UserError(f"{self.path}: is damaged (it does not list the checkpoints)")
        if content["run"] != self.run.recorded.get("id"):
            raise UserError(f"{self.path}: is that of another run; so are the checkpoints beside it, it seems")
        return content

    def add_resume_point(self, path: Path) -> None:
        """Note a file that is about to become the newest resume point."""
        content = self.read()
        write_json(self.path, {**content, "resume": [*content["resume"], checksum(path)][-KEPT:]})

    def add_best(self, path: Path, name: str, best: str) -> None:
        """Note one of the best checkpoints, and which of them is the best; those that are gone are forgotten.

        :param path: the file that is about to get its name.
        """
        content = self.read()
        known = {one: mark for one, mark in content["checkpoints"].items() if (path.parent / one).exists()}
        write_json(self.path, {**content, "best": best, "checkpoints": {**known, name: checksum(path)}})

    def problem(self, path: Path) -> str | None:
        """Why a checkpoint cannot be trusted; None if it is one that this run wrote, to the last bit."""
        if not path.is_file():
            return "there is no such file"
        content = self.read()
        known = [*content["resume"], *content["checkpoints"].values()]
        return None if checksum(path) in known else "it is damaged, or another run's: its checksum is not known here"

    def changed_settings(self) -> list[str]:
        """Keys at which ``config.yaml`` is not the configuration that the run was started with."""
        return sorted(_differences(self.read()["configuration"], self.run.written_config))


def _differences(before: Any, now: Any, path: str = "") -> Iterator[str]:
    if isinstance(before, Mapping) and isinstance(now, Mapping):
        for key in dict.fromkeys([*before, *now]):
            inner = f"{path}.{key}" if path else str(key)
            if (key in before) != (key in now):
                yield inner
            else:
                yield from _differences(before.get(key), now.get(key), inner)
    elif before != now or isinstance(before, bool) != isinstance(now, bool):
        yield path
