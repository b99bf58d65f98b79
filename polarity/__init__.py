"""Multi-task text classification under heavy class imbalance: experiments whose numbers can be trusted."""

import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType, TracebackType
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

__all__ = ["compare", "ensemble", "load", "train"]

if TYPE_CHECKING:
    from polarity.api import compare, ensemble, load, train
else:

    def __getattr__(name: str) -> Any:
        """The functions of ``polarity.api``, imported when they are first asked for: torch takes seconds."""
        if name == "load":
            return import_module("polarity.api").load
        if name in __all__:
            return import_module(f"polarity.{name}")
        raise AttributeError(f"module 'polarity' has no attribute {name!r}")


class VerbModule(ModuleType):
    """A verb's module that can be called: ``polarity.train(...)`` is ``polarity.api.train(...)``."""

    def __call__(self, *arguments: Any, **settings: Any) -> Any:
        return getattr(import_module("polarity.api"), self.__name__.rpartition(".")[2])(*arguments, **settings)


def _told(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Ctrl-C while modules are imported, before anything else can tell it: a line, and Python ends by the signal."""
    if issubclass(kind, KeyboardInterrupt):
        print("polarity: interrupted", file=sys.stderr)
    else:
        sys.__excepthook__(kind, error, trace)


if sys.argv[:1] == ["-m"]:  # as a program, of which a verb is imported next
    sys.excepthook = _told
    try:
        Path.cwd()  # torch cannot be imported without a working directory, and ends the process
    except FileNotFoundError:
        print("polarity: the working directory does not exist any more; change to another one", file=sys.stderr)
        sys.exit(2)
