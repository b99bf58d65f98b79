"""What every test runs under: fixed seeds, no hub, no display, a cache of its own, one thread a worker."""

import os

PARALLEL = "PYTEST_XDIST_WORKER" in os.environ
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["MPLBACKEND"] = "Agg"
if PARALLEL:
    os.environ["OMP_NUM_THREADS"] = "1"  # read when torch is imported, here and in processes that tests start

import random
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import settings
from torch import nn

from polarity.paths import cache_dir
from polarity.privacy import forget_privacy
from tests import command

if PARALLEL:
    torch.set_num_threads(1)

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as in the background of a script; tests interrupt processes
    signal.signal(signal.SIGINT, signal.default_int_handler)

USER_CACHE = cache_dir()

settings.register_profile("quick", max_examples=25)  # of `make test`; `make test-all` tries the usual hundred


def pytest_make_parametrize_id(config: pytest.Config, val: object, argname: str) -> str | None:
    """Components print their settings, so their ``repr`` is the best id."""
    return repr(val) if type(val).__module__.partition(".")[0] == "polarity" else None


@pytest.fixture(autouse=True)
def _seeded() -> None:
    forget_privacy()
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002 - libraries draw from the global generator
    torch.manual_seed(0)


@pytest.fixture(autouse=True)
def _processes_end() -> Iterator[None]:
    yield
    command.end_started()


@pytest.fixture(scope="session", autouse=True)
def _weights_stay_trainable() -> Iterator[None]:
    """Weights that are moved to a GPU within inference mode can never be trained again; on a CPU they do not move."""
    apply = nn.Module._apply

    def checked(self: nn.Module, *arguments: Any, **settings: Any) -> nn.Module:
        assert not torch.is_inference_mode_enabled(), f"{type(self).__name__} is moved within inference mode"
        return apply(self, *arguments, **settings)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(nn.Module, "_apply", checked)
        yield


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("POLARITY_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session", autouse=True)
def _own_temporary_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What helpers put into a temporary folder goes when pytest's own folders go."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(tmp_path_factory.mktemp("temp")))
        yield


@pytest.fixture
def user_cache(monkeypatch: pytest.MonkeyPatch) -> Path:
    """Use the cache that runs use, for tests that need a corpus which is fetched once."""
    monkeypatch.setenv("POLARITY_CACHE", str(USER_CACHE))
    return USER_CACHE
