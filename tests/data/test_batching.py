from typing import Any

import pytest

from polarity.component import Context
from polarity.data.batching import Batching
from polarity.errors import UserError

SETTINGS: dict[str, Any] = {
    "batch_size": 16,
    "accumulate": 3,
    "micro_batch_size": 6,
    "mega_batches": 50,
    "eval_batch_size": 64,
    "max_length": 128,
    "max_context": 0.5,
    "num_workers": 0,
    "pin_memory": False,
}


def test_a_length_beyond_the_positions_of_the_encoder_is_refused() -> None:
    batching = Batching(**SETTINGS)
    assert batching.conflicts(Context(positions=128)) == batching.conflicts(Context()) == []
    (problem,) = batching.conflicts(Context(positions=127))
    assert problem.startswith("max_length: 128 is more than the 127 tokens")


def test_micro_batches_are_parts_of_a_batch_and_shared_by_the_devices() -> None:
    batching = Batching(**SETTINGS | {"micro_batch_size": 17})
    assert batching.conflicts(Context()) == ["micro_batch_size: 17 is more than the 16 rows of a batch"]
    batching = Batching(**SETTINGS | {"micro_batch_size": 2})
    assert batching.conflicts(Context(devices=3)) == ["micro_batch_size: 2 rows cannot be shared by 3 devices"]
    assert batching.conflicts(Context(devices=2)) == []


def test_grouping_a_single_batch_is_refused() -> None:
    with pytest.raises(UserError, match="mega_batches: has no effect at 1"):
        Batching(**SETTINGS | {"mega_batches": 1})
    Batching(**SETTINGS | {"mega_batches": None})


def test_it_prints_every_setting_and_hands_on_those_of_the_loaders() -> None:
    batching = Batching(**SETTINGS)
    assert all(f"{name}={value}" in repr(batching) for name, value in SETTINGS.items())
    lengths = ("max_length", "max_context")
    assert batching.loader_settings() == {name: value for name, value in SETTINGS.items() if name not in lengths}
