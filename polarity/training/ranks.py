"""Processes that torchrun or srun has started, on one machine or several, are one run in one folder."""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from polarity.processes import RUN_VARIABLE, SIGNALLED, outside_size, rank

if TYPE_CHECKING:
    from torch._C._distributed_c10d import Store

FOLDER = "polarity/run"
"""Key of the run's folder among what the processes tell each other."""
ENDED = "polarity/ended"
"""Key that is there when the first process has nothing more to do."""
PATIENCE = timedelta(seconds=60)
"""How long the others wait for that after a signal."""
PAUSE = 0.2
"""Seconds between two looks for it."""
_STORE: "list[Store]" = []
"""Where the processes of this run tell each other things; none without an outside launcher."""


@contextmanager
def one_run() -> Iterator[None]:
    """Within the block, the processes of an outside launcher are those of one run.

    All but the first wait until that one has made the run's folder, as if it had started them then; what is wrong is
    found, and told, by the first alone. A file system that all machines see holds the folder.

    :raises SystemExit: in the other ones, if the first has ended without a run.
    """
    if outside_size() == 1:
        yield
        return
    _STORE.append(_store())
    if rank() > 0:
        os.environ[RUN_VARIABLE] = _folder_from(_STORE[0])
    try:
        yield
    except SystemExit as end:
        if rank() > 0 and isinstance(end.code, int) and end.code > SIGNALLED:
            with suppress(RuntimeError):  # launchers end the first process, which has still to write, when another ends
                _STORE[0].wait([ENDED], PATIENCE)
        raise
    finally:
        if rank() == 0:
            _end(_STORE[0])


def _end(store: "Store") -> None:
    with suppress(RuntimeError):  # it may have gone with torchrun
        if not store.check([FOLDER]):
            store.set(FOLDER, "")
        store.set(ENDED, "")


def lead(folder: Path) -> None:
    """Tell the processes of further devices, those that are there and those that will be, where the run is."""
    os.environ[RUN_VARIABLE] = str(folder.absolute())
    for store in _STORE:
        store.set(FOLDER, str(folder.absolute()))


def _store() -> "Store":
    """The one that torchrun keeps, or that the first process of srun keeps; the process group will share it."""
    from lightning.fabric.plugins.environments.cluster_environment import ClusterEnvironment
    from lightning.fabric.plugins.environments.slurm import SLURMEnvironment
    from lightning.fabric.plugins.environments.torchelastic import TorchElasticEnvironment
    from torch.distributed.rendezvous import rendezvous

    kinds: tuple[type[ClusterEnvironment], ...] = (TorchElasticEnvironment, SLURMEnvironment)
    environment = next(kind() for kind in kinds if kind.detect())
    os.environ["MASTER_ADDR"], os.environ["MASTER_PORT"] = environment.main_address, str(environment.main_port)
    store: Store
    store, _, _ = next(rendezvous("env://", environment.global_rank(), environment.world_size()))
    return store


def _folder_from(store: "Store") -> str:
    """The run's folder, once the first process has made it.

    :raises SystemExit: if it has ended before; why, it has told itself.
    """
    try:
        while not store.check([FOLDER]):
            time.sleep(PAUSE)
        folder = store.get(FOLDER).decode()
    except RuntimeError:  # it took the store with it
        sys.exit(1)
    return folder or sys.exit(0)
