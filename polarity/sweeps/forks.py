"""Processes of jobs that share what they import: forked from one which has imported it."""

import json
import os
import select
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

import psutil

from polarity.sweeps.fork_server import Command
from polarity.sweeps.places import Place

LOST = 1
"""Exit code of a process of which nobody can tell any more how it ended."""


def can_fork(places: Sequence[Place]) -> bool:
    """Whether jobs at these places may be forked: on Linux, without GPUs, of which libraries ask when imported."""
    return hasattr(os, "pidfd_open") and not any("CUDA_VISIBLE_DEVICES" in place for place in places)


class Forks:
    """A process that has imported what jobs do, and forks for each; it begins with the first.

    What it has forked goes on when it ends.
    """

    def __init__(self) -> None:
        self._server: subprocess.Popen[bytes] | None = None
        self._control, self._theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)

    def start(self, words: Sequence[str], folder: Path, environment: Mapping[str, str], said: IO[bytes]) -> "Forked":
        """``python WORDS``, in a session of its own.

        :param said: gets what it says.
        :raises OSError: if the process that forks is gone.
        """
        if self._server is None:
            self._server = _serve(self._theirs, environment)
        command = Command(words=[*words], folder=str(folder), environment=dict(environment), session=True)
        answers, answer = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            with answer, Path(os.devnull).open("rb") as nothing:
                descriptors = [nothing.fileno(), said.fileno(), said.fileno(), answer.fileno()]
                socket.send_fds(self._control, [json.dumps(command).encode()], descriptors)
            return Forked(answers)
        except OSError:
            answers.close()
            raise

    def close(self) -> None:
        """End it."""
        self._theirs.close()
        self._control.close()
        if self._server:
            self._server.wait()


def _serve(theirs: socket.socket, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    with theirs:
        return subprocess.Popen(  # noqa: S603 - the project itself
            [sys.executable, "-m", "polarity.sweeps.fork_server", str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )


class Forked:
    """A process that was forked elsewhere.

    :param answers: tells its number, and then its exit code.
    :raises OSError: if nobody answers.
    """

    def __init__(self, answers: socket.socket) -> None:
        self._answers = answers
        self.returncode: int | None = None
        number = answers.recv(64)
        if not number:
            raise ConnectionResetError("the process that forks has ended")
        self.pid = int(number)

    def poll(self) -> int | None:
        """Its exit code; None while it goes on."""
        if self.returncode is None and select.select([self._answers], [], [], 0)[0]:
            code = self._answers.recv(64)
            if code:
                self.returncode = int(code)
            elif not psutil.pid_exists(self.pid):  # nor does the process that would have told
                self.returncode = LOST
        if self.returncode is not None:
            self._answers.close()
        return self.returncode

    def send_signal(self, sig: int, /) -> None:
        """Send it a signal, if it still goes on."""
        if self.poll() is None:
            os.kill(self.pid, sig)
