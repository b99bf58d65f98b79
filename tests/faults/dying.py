"""Within a process that is to be killed: the moments at which that may happen, counted, and one of them chosen.

A moment is whatever changes files below a folder (Python reports them all to its audit hooks: a file that is opened to
be written, a name that is given or taken), a step of an optimizer, or a batch that goes through the model.
"""

import atexit
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

PROGRAM = """
import runpy, sys
from tests.faults.dying import arm
arm(sys.argv.pop(1))
runpy.run_module(sys.argv.pop(1), run_name="__main__", alter_sys=True)
"""
"""Behind ``python -c``; the plan and the module come first of its arguments."""

CHANGES = ("os.link", "os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.truncate", "os.utime")
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT


class Moments:
    """Counts, and sends this process a signal when its moment has come.

    :param folder: whose files are watched.
    :param at: the number of the moment, from 1; None for none.
    :param signal: what is sent.
    :param among: a piece of the names of those that are counted.
    :param record: where the names of all moments are written when the process ends by itself.
    """

    def __init__(self, folder: str, at: int | None, signal: int, among: str, record: str | None) -> None:
        self.folder = f"{folder}{os.sep}"
        self.at, self.signal = at, signal
        self.among = among
        self.names: list[str] = []
        if record:
            atexit.register(lambda: Path(record).write_text(json.dumps(self.names), encoding="utf-8"))

    def pass_by(self, name: str) -> None:
        """A moment, just before what it is named by happens."""
        if self.among not in name:
            return
        self.names.append(name)
        if len(self.names) == self.at:
            os.kill(os.getpid(), self.signal)

    def heard(self, event: str, given: tuple[Any, ...]) -> None:
        """What Python does, by its table of audit events."""
        if event == "open":
            path, _, flags = given
            changes = isinstance(flags, int) and bool(flags & WRITING)
        else:
            path, changes = (given[0] if given else None), event in CHANGES
        if changes and isinstance(path, (str, Path)) and str(path).startswith(self.folder):
            self.pass_by(f"{event} {str(path).removeprefix(self.folder)}")

    def modules(self, module: Any, _given: Any) -> None:
        """What is asked of modules of torch."""
        if type(module).__name__ == "MultiTaskClassifier":
            self.pass_by("batch")


def arm(plan: str) -> None:
    """Begin to count.

    :param plan: in JSON: ``temp``, the folder for temporary files, and the parameters of :class:`Moments`.
    """
    from torch.nn.modules.module import register_module_forward_pre_hook
    from torch.optim.optimizer import register_optimizer_step_post_hook

    given = json.loads(plan)
    tempfile.tempdir = given.pop("temp")
    moments = Moments(**given)
    register_optimizer_step_post_hook(lambda *_: moments.pass_by("step"))
    register_module_forward_pre_hook(moments.modules)
    sys.addaudithook(moments.heard)
