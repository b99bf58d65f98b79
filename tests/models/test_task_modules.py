"""Any task name is a key, and the mapping behaves like one."""

import pytest
from torch import nn

from polarity.models.task_modules import RESERVED, TaskModules


def test_every_attribute_of_a_module_is_a_usable_name() -> None:
    modules = {name: nn.Linear(1, 1) for name in [*sorted(RESERVED), "tone", "1", "a-b"]}
    held = TaskModules(modules)
    assert list(held) == list(held.keys()) == list(modules)
    assert list(held.values()) == list(modules.values())
    assert dict(held.items()) == modules
    assert all(name in held and held[name] is module for name, module in modules.items())
    assert len(held) == len(modules)
    assert held.eval().train().training
    assert len(list(held.parameters())) == 2 * len(modules)
    again = TaskModules({name: nn.Linear(1, 1) for name in modules})
    again.load_state_dict(held.state_dict(), strict=True)
    assert all((again[name].weight == held[name].weight).all() for name in modules)


def test_plain_names_are_registered_as_they_are() -> None:
    held = TaskModules({"tone": nn.Linear(1, 1), "type": nn.Linear(1, 1)})
    assert list(held.state_dict()) == ["tone.weight", "tone.bias", "type!.weight", "type!.bias"]


def test_it_is_a_mapping() -> None:
    held = TaskModules({"type": nn.Identity()})
    assert "keys" not in held
    with pytest.raises(KeyError):
        held["keys"]
    assert isinstance(held.pop("type"), nn.Identity)
    assert not held
