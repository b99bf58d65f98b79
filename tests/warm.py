"""A process that has imported what the verbs import, and forks whenever one is started: importing takes seconds.

python tests/warm.py DESCRIPTOR

The descriptor is one end of a socket. Each message on it is a command (the words behind ``python``, the folder and the
environment), and comes with four descriptors: the three standard streams, and a socket on which its number as a process
is told, and then how it ended. When the other end is closed, because whoever held it has ended, all that was started is
killed.

What is forked differs from a new process in nothing but this: the order of sets is the same in all of them, and the
environment at the time of importing is that of the server (``tests/command.py`` sees to it that no other is asked for).
"""

import gc
import importlib
import json
import os
import random
import runpy
import selectors
import signal
import socket
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
VERBS = [path.stem for path in (ROOT / "polarity").glob("*.py") if "def main(" in path.read_text(encoding="utf-8")]
LARGEST = 1 << 20
"""Bytes of a message."""


def preload() -> None:
    """Import, and do nothing: what a module learns while something runs would be known to all commands.

    Besides the verbs that is what training imports when its settings are right, and all components. The verbs are
    forgotten again: each has to be run as ``__main__``, and nobody may have imported it before.
    """
    sys.path.insert(0, str(ROOT))
    names = [f"polarity.{verb}" for verb in (*VERBS, "api")]
    done = [f"polarity.verbs.{verb}" for verb in VERBS if verb != "train"]
    for name in (*names, *done, "polarity.crossvalidation.run", "polarity.sweeps.launch", "torch.utils.tensorboard"):
        importlib.import_module(name)
    for name in {
        name for place in importlib.import_module("polarity.config.trust").shipped().values() for name in place
    }:
        importlib.import_module(name.rpartition(".")[0])
    for name in names:
        del sys.modules[name]
        delattr(sys.modules["polarity"], name.rpartition(".")[2])
    del sys.path[0]
    threads = [path.read_text() for path in Path("/proc/self/task").glob("*/comm")]
    assert len([name for name in threads if not name.startswith("jemalloc")]) == 1, "only one thread is forked"
    gc.collect()
    gc.freeze()  # pages that the collector never looks at stay shared


class Server:
    """Forks for each command that comes through a socket."""

    def __init__(self, control: socket.socket) -> None:
        self.control = control
        self.selector = selectors.DefaultSelector()
        self.selector.register(control, selectors.EVENT_READ)
        self.running: dict[int, tuple[int, socket.socket]] = {}  # by the descriptor that tells the end of a process

    def serve(self) -> dict[str, Any]:
        """Returns in the forked processes alone, with their command."""
        while True:
            for key, _ in self.selector.select():
                if key.fd in self.running:
                    self.ended(key.fd)
                elif command := self.begun(*socket.recv_fds(self.control, LARGEST, 4)[:2]):
                    return command

    def begun(self, message: bytes, descriptors: list[int]) -> dict[str, Any] | None:
        """The command in the process that was forked for it, and None in this one."""
        if not message:  # nobody can ask for anything any more
            for number, _ in self.running.values():
                os.kill(number, signal.SIGKILL)
                os.waitpid(number, 0)
            os._exit(0)
        *streams, answer = descriptors
        result, number = socket.socket(fileno=answer), os.fork()
        if not number:
            for place, descriptor in enumerate(streams):
                os.dup2(descriptor, place)
            for opened in (self.selector, self.control, result, *(other for _, other in self.running.values())):
                opened.close()
            for descriptor in (*streams, *self.running):
                os.close(descriptor)
            return dict(json.loads(message))
        for descriptor in streams:
            os.close(descriptor)
        _tell(result, number)
        descriptor = os.pidfd_open(number)
        self.running[descriptor] = (number, result)
        self.selector.register(descriptor, selectors.EVENT_READ)
        return None

    def ended(self, descriptor: int) -> None:
        """Tell how a process has ended."""
        self.selector.unregister(descriptor)
        number, result = self.running.pop(descriptor)
        os.close(descriptor)
        _tell(result, os.waitstatus_to_exitcode(os.waitpid(number, 0)[1]))
        result.close()


def _tell(other: socket.socket, number: int) -> None:
    with suppress(BrokenPipeError):  # nobody waits for it any more
        other.send(str(number).encode())


def begin(command: dict[str, Any], path: list[str]) -> None:
    """Be what a new process would be: in its session, folder and environment, and with its own random numbers.

    :param path: where modules are looked for, without the folder and PYTHONPATH.
    """
    import numpy as np

    if command["session"]:
        os.setsid()
    os.chdir(command["folder"])
    os.environ.clear()
    os.environ.update(command["environment"])
    further = filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))
    first = str(Path.cwd()) if command["words"][0] == "-m" else ""
    sys.path[:] = [first, *(str(Path(folder).absolute()) for folder in further), *path]
    importlib.invalidate_caches()
    random.seed()
    np.random.seed()  # noqa: NPY002 - libraries draw from the global generator


if __name__ == "__main__":
    own = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    path = [folder for folder in sys.path[1:] if folder not in own]  # each command brings its own
    preload()
    command = Server(socket.socket(fileno=int(sys.argv[1]))).serve()
    begin(command, path)
    kind, what, *arguments = command["words"]
    sys.argv[:] = [kind, *arguments]
    if kind == "-m":
        runpy.run_module(what, run_name="__main__", alter_sys=True)
    else:
        exec(compile(what, "<string>", "exec"), {"__name__": "__main__"})
