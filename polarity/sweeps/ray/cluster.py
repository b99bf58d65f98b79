"""A connection to a cluster of Ray."""

import logging
import re
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager

from polarity.errors import UserError

ANSWER = 10.0
"""Seconds that a cluster may take to answer; Ray itself would try for minutes."""
TRIES = 3
"""A busy cluster may fail to start the process that answers somebody from outside."""
PAUSE = 1.0
"""Seconds between two of them."""
ADDRESS = re.compile(r"auto|(?:ray://)?(?P<host>[^/\s]+):(?P<port>\d+)")
"""``auto`` is the cluster to which this machine belongs."""


@contextmanager
def cluster_at(address: str) -> Iterator[None]:
    """Within the block, this process may give work to the cluster.

    :raises UserError: if nobody answers there.
    """
    import ray

    place = ADDRESS.fullmatch(address)
    if place is None:
        raise UserError(f"hydra.launcher.address: has to be HOST:PORT, ray://HOST:PORT or auto, got {address!r}")
    try:
        if place["host"]:
            socket.create_connection((place["host"].strip("[]"), int(place["port"])), timeout=ANSWER).close()
        _connect(address)
    except (OSError, OverflowError, ValueError, RuntimeError) as error:
        raise UserError(f"hydra.launcher.address: no cluster of Ray answers at {address} ({error})") from error
    try:
        yield
    finally:
        ray.shutdown()


def _connect(address: str, tries: int = TRIES) -> None:
    import ray

    try:
        ray.init(address, log_to_driver=False, configure_logging=False, logging_level=logging.ERROR)
    except (RuntimeError, ConnectionAbortedError):  # the second by the way of ray://
        if tries == 1:
            raise
        time.sleep(PAUSE)
        _connect(address, tries - 1)


def resources() -> dict[str, float]:
    """How much of each kind of device the whole cluster has, by Ray's names for them."""
    import ray

    return dict(ray.cluster_resources())  # type: ignore[no-untyped-call]


def machines() -> list[dict[str, float]]:
    """The same of each of its machines."""
    import ray

    nodes = ray.nodes()  # type: ignore[no-untyped-call]
    return [node["Resources"] for node in nodes if node["Alive"]]
