"""A process that has imported what the verbs import, and forks whenever one is started: importing takes seconds.

python tests/warm.py DESCRIPTOR

As :mod:`polarity.sweeps.fork_server`, which it is, but for more commands than those of jobs. When the other end of its
socket is closed, because whoever held it has ended, all that was started is killed. ``tests/command.py`` sees to it
that no process is asked for whose environment an import could have learnt something from.
"""

import importlib
import socket
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from polarity.sweeps.fork_server import ForkServer, become, own_path, preload  # noqa: E402 - it has to be found first

VERBS = [path.stem for path in (ROOT / "polarity").glob("*.py") if "def main(" in path.read_text(encoding="utf-8")]


def preload_verbs() -> None:
    """Import them, and forget them again: each has to be run as ``__main__``, and nobody may have imported it."""
    names = [f"polarity.{verb}" for verb in (*VERBS, "api")]
    for name in (*names, *(f"polarity.verbs.{verb}" for verb in VERBS if verb != "train")):
        importlib.import_module(name)
    for name in names:
        del sys.modules[name]
        delattr(sys.modules["polarity"], name.rpartition(".")[2])


if __name__ == "__main__":
    preload()
    preload_verbs()
    del sys.path[0]
    threads = [path.read_text() for path in Path("/proc/self/task").glob("*/comm")]
    assert len([name for name in threads if not name.startswith("jemalloc")]) == 1, "only one thread is forked"
    path = own_path()
    become(ForkServer(socket.socket(fileno=int(sys.argv[1])), kills=True).serve(), path)
