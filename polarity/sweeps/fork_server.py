"""A process that has imported what its commands import, and forks for each of them: importing takes seconds.

python -m polarity.sweeps.fork_server DESCRIPTOR

The descriptor is one end of a socket. Each message on it is a command (the words behind ``python``, the folder and the
environment), and comes with four descriptors: the three standard streams, and a socket on which its number as a process
is told, and then how it ended. When the other end is closed, the server ends; what it has started goes on.

What is forked differs from a new process in nothing but this: the order of sets is the same in all of them, and
libraries have read the environment of the server, when they were imported.
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
import warnings
from contextlib import suppress
from pathlib import Path
from typing import NoReturn, TypedDict

NEEDED = ("polarity.config.preflight", "polarity.crossvalidation.run", "polarity.sweeps.launch")
LARGEST = 1 << 20
"""Bytes of a message."""


class Command(TypedDict):
    """A Python program.

    :param words: those behind ``python``.
    :param session: whether it leads a session of its own.
    """

    words: list[str]
    folder: str
    environment: dict[str, str]
    session: bool


class ForkServer:
    """Forks for each command that comes through a socket.

    :param kills: whether what it has started is killed when nobody can ask for anything any more.
    """

    def __init__(self, control: socket.socket, *, kills: bool) -> None:
        self.control, self.kills = control, kills
        self.selector = selectors.DefaultSelector()
        self.selector.register(control, selectors.EVENT_READ)
        self.running: dict[int, tuple[int, socket.socket]] = {}  # by the descriptor that tells the end of a process

    def serve(self) -> Command:
        """Returns in the forked processes alone, with their command."""
        gc.collect()
        gc.freeze()  # pages that the collector never looks at stay shared
        while True:
            for key, _ in self.selector.select():
                if key.fd in self.running:
                    self.ended(key.fd)
                elif command := self.begun(*socket.recv_fds(self.control, LARGEST, 4)[:2]):
                    return command

    def begun(self, message: bytes, descriptors: list[int]) -> Command | None:
        """The command in the process that was forked for it, and None in this one."""
        if not message:
            self.end()
        *streams, answer = descriptors
        result, number = socket.socket(fileno=answer), _fork()
        if not number:
            for place, descriptor in enumerate(streams):
                os.dup2(descriptor, place)
            self.selector.close()
            for opened in (self.control, result, *(other for _, other in self.running.values())):
                opened.close()
            for descriptor in (*streams, *self.running):
                os.close(descriptor)
            command: Command = json.loads(message)
            return command
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

    def end(self) -> NoReturn:
        """Nobody can ask for anything any more."""
        for number, _ in self.running.values() if self.kills else ():
            os.kill(number, signal.SIGKILL)
            os.waitpid(number, 0)
        os._exit(0)


def _fork() -> int:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of threads: those of OpenBLAS know that they are forked
        return os.fork()


def _tell(other: socket.socket, number: int) -> None:
    with suppress(BrokenPipeError):  # nobody waits for it any more
        other.send(str(number).encode())


def become(command: Command, path: list[str]) -> None:
    """Do what a new process would do: in its session, folder and environment, and with its own random numbers.

    :param path: where modules are looked for, without the folder and PYTHONPATH.
    """
    import numpy as np

    if command["session"]:
        os.setsid()
    os.chdir(command["folder"])
    os.environ.clear()
    os.environ.update(command["environment"])
    further = filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))
    kind, what, *arguments = command["words"]
    first = [] if sys.flags.safe_path else [str(Path.cwd()) if kind == "-m" else ""]
    sys.path[:] = [*first, *(str(Path(folder).absolute()) for folder in further), *path]
    importlib.invalidate_caches()
    random.seed()
    np.random.seed()  # noqa: NPY002 - libraries draw from the global generator
    sys.argv[:] = [kind, *arguments]
    if kind == "-m":
        runpy.run_module(what, run_name="__main__", alter_sys=True)
    else:
        exec(compile(what, "<string>", "exec"), {"__name__": "__main__"})  # noqa: S102 - as python -c does


def own_path() -> list[str]:
    """Where modules are looked for, without the folder and PYTHONPATH: each command brings its own."""
    own = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    return [folder for folder in (sys.path if sys.flags.safe_path else sys.path[1:]) if folder not in own]


def preload() -> None:
    """Import what a run does, and do nothing: what a module learns while something runs would be known to all."""
    for name in NEEDED:
        importlib.import_module(name)
    from polarity.config.trust import shipped

    for name in {target.rpartition(".")[0] for targets in shipped().values() for target in targets}:
        with suppress(ImportError):  # of an extra that is not installed
            importlib.import_module(name)
    with suppress(ImportError):
        importlib.import_module("torch.utils.tensorboard")


if __name__ == "__main__":
    path = own_path()
    preload()
    become(ForkServer(socket.socket(fileno=int(sys.argv[1])), kills=False).serve(), path)
