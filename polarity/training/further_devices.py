"""Processes that the first one starts for the further devices of its machine: by which command, and how they end.

Lightning starts them by the command line of the process that trains. A run that was begun in Python has none: a script
would run a second time, and ``python -c`` something else. When one is lost, Lightning kills the others without a word.
"""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from subprocess import TimeoutExpired
from typing import Any

import torch
from lightning import Trainer
from lightning.fabric.utilities.distributed import _set_num_threads_if_needed
from lightning.pytorch.strategies.launchers.subprocess_script import _SubprocessScriptLauncher
from torch import distributed

from polarity.content import Json
from polarity.processes import is_alive, is_of_this_machine

PAUSE = 1.0
"""Seconds between two looks at the other processes."""
PATIENCE = 10.0
"""Seconds that the first process has to find out by itself that another one is lost."""
OF_PROCESSES = ("MASTER_ADDR", "MASTER_PORT", "NODE_RANK", "LOCAL_RANK", "WORLD_SIZE", "PYTHONPATH")
LEFT = (*OF_PROCESSES, "PL_GLOBAL_SEED", "PL_SEED_WORKERS")
"""Variables by which processes of a run find each other, and its seed; whatever the caller starts next in this process
would take them for its own."""
_ARGUMENTS: list[Sequence[str]] = []


class LostDeviceError(ConnectionError):
    """The process of a further device has ended before its time."""


@contextmanager
def begun_in_python(arguments: Sequence[str]) -> Iterator[None]:
    """Within the block, further devices' processes are ``python -m polarity.train ARGUMENTS``; nothing is left of them.

    :param arguments: the command line of the run.
    """
    before, threads = {name: os.environ.get(name) for name in LEFT}, torch.get_num_threads()
    _ARGUMENTS.append(arguments)
    try:
        yield
    finally:
        _ARGUMENTS.pop()
        if torch.get_num_threads() != threads:  # several processes share out the cores
            torch.set_num_threads(threads)
        if distributed.is_available() and distributed.is_initialized():
            distributed.destroy_process_group()
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


class FurtherDevices(_SubprocessScriptLauncher):
    """Lightning's launcher, with the command line of a run that was begun in Python, and with an eye on its processes.

    :param given: the one that Lightning has made.
    :param lost: called with a :class:`LostDeviceError` where the first process does not notice by itself, and ended
        with that process.
    """

    def __init__(self, given: _SubprocessScriptLauncher, lost: Callable[[LostDeviceError], None]) -> None:
        super().__init__(given.cluster_environment, given.num_processes, given.num_nodes)
        self._lost = lost
        self._over = threading.Event()

    def launch(self, function: Callable[..., Any], *args: Any, trainer: Trainer | None = None, **kwargs: Any) -> Any:
        """Start the processes, and do ``function``; arguments as Lightning has them."""
        self.cluster_environment.validate_settings(num_devices=self.num_processes, num_nodes=self.num_nodes)
        if not self.cluster_environment.creates_processes_externally:
            self._call_children_scripts()
            threading.Thread(target=self._watch, daemon=True, name="further-devices").start()
        _set_num_threads_if_needed(num_processes=self.num_processes)
        try:
            return function(*args, **kwargs)
        finally:
            self._over.set()

    def problem(self, patience: float = 0.0) -> LostDeviceError | None:
        """The first process that has ended otherwise than it should, if one has.

        :param patience: seconds for each that may just be ending.
        """
        for number, process in enumerate(self.procs, 1):
            with suppress(TimeoutExpired):
                process.wait(patience)
            if code := process.returncode:
                how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"has ended with exit code {code}"
                memory = ", as the system does when memory runs out" if code == -signal.SIGKILL else ""
                return LostDeviceError(f"the process of device {number} {how}{memory}")
        return None

    def _watch(self) -> None:
        while not self._over.wait(PAUSE):
            if problem := self.problem():
                if not self._over.wait(PATIENCE):  # it waits in a library that looks at no signal
                    self._lost(problem)
                    os._exit(1)
                return

    def _call_children_scripts(self) -> None:
        if not _ARGUMENTS:
            super()._call_children_scripts()
            return
        main = sys.modules["__main__"]
        before = main.__spec__, sys.argv
        main.__spec__, sys.argv = find_spec("polarity.train"), [sys.argv[0], *_ARGUMENTS[-1]]
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))  # all that this process can import
        try:
            super()._call_children_scripts()
        finally:
            main.__spec__, sys.argv = before


def watch_further_devices(trainer: Trainer, lost: Callable[[LostDeviceError], None]) -> None:
    """Have a Trainer start processes by :class:`FurtherDevices`, if it starts any."""
    given = trainer.strategy.launcher
    if isinstance(given, _SubprocessScriptLauncher):
        trainer.strategy._launcher = FurtherDevices(given, lost)  # noqa: SLF001 - it has no public name


def end_with(first: Json, over: threading.Event) -> None:
    """End this process, wherever it waits, once the first one of its run is gone; on the same machine.

    :param first: as :func:`polarity.processes.this_process` described it.
    :param over: from when on it does not matter any more.
    """
    if not is_of_this_machine(first):
        return

    def watch() -> None:
        while is_alive(first):
            if over.wait(PAUSE):
                return
        os._exit(1)

    threading.Thread(target=watch, daemon=True, name="first-process").start()
