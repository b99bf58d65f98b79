"""A connection to Dask's scheduler."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from polarity.errors import UserError

if TYPE_CHECKING:
    from distributed import Client

ANSWER = 10.0
"""Seconds that a scheduler may take to answer."""

OWN = "127.0.0.1:0"
"""Where Dask's page about itself is, without an address: nobody else sees it, and no port is taken from anybody."""


@contextmanager
def client_of(address: str | None, *, threads: int = 1) -> Iterator["Client"]:
    """A client of the scheduler at an address, or of one that ends with the block.

    :param threads: how many jobs the latter runs at a time.
    :raises UserError: if nobody answers there.
    """
    from distributed import Client, LocalCluster

    with ExitStack() as stack:
        place: str | LocalCluster
        if address is None:
            place = stack.enter_context(
                LocalCluster(
                    n_workers=1,
                    threads_per_worker=threads,
                    processes=False,
                    memory_limit=0,
                    dashboard_address=OWN,
                    worker_dashboard_address=OWN,
                )
            )
        else:
            place = address
        try:
            client = Client(place, timeout=ANSWER, set_as_default=False)
        except (OSError, ValueError, RuntimeError) as error:
            raise UserError(f"hydra.launcher.address: no scheduler of Dask answers at {address} ({error})") from error
        yield stack.enter_context(client)
