"""Modules by task name, whatever the name."""

from collections.abc import ItemsView, Iterator, KeysView

from torch import nn

MARK = "!"  # no task name contains it
RESERVED = frozenset(dir(nn.ModuleDict()))


class TaskModules(nn.ModuleDict):
    """A ``ModuleDict`` that takes any task name as its key.

    Modules become attributes, so ``ModuleDict`` refuses names such as "type" or "keys", and breaks with "training".
    Here those are registered with a mark: the parameters of task "type" are called "type!.out.weight".
    """

    def add_module(self, name: str, module: nn.Module | None) -> None:
        """Register the module of a task."""
        super().add_module(_registered(name), module)

    def __getitem__(self, key: str) -> nn.Module:
        return super().__getitem__(_registered(key))

    def __delitem__(self, key: str) -> None:
        super().__delitem__(_registered(key))

    def __contains__(self, key: str) -> bool:
        return super().__contains__(_registered(key))

    def __iter__(self) -> Iterator[str]:
        return (key.removesuffix(MARK) for key in super().__iter__())

    def keys(self) -> KeysView[str]:
        """The tasks' names."""
        return dict.fromkeys(self).keys()

    def items(self) -> ItemsView[str, nn.Module]:
        """Pairs of a task's name and its module."""
        return dict(zip(self, self.values(), strict=True)).items()


def _registered(name: str) -> str:
    return f"{name}{MARK}" if name in RESERVED else name
