"""A verb, run within this process: a new one takes seconds to import what it needs."""

import importlib
import io
import sys
from contextlib import redirect_stderr, redirect_stdout
from typing import Any
from unittest.mock import patch

from hydra.utils import get_class

from polarity.config import constructors


def outcome_of(verb: str, *arguments: str) -> tuple[int, str]:
    """With which exit code ``python -m polarity.VERB`` ends, and what it says on both streams."""
    module = importlib.import_module(f"polarity.{verb}")
    said = io.StringIO()
    ended: Any = 0
    with patch.object(sys, "argv", [verb, *arguments]), redirect_stdout(said), redirect_stderr(said):
        try:
            module.main()
        except SystemExit as stop:
            ended = stop.code
    return ended or 0, said.getvalue()


def said_by(verb: str, *arguments: str, code: int = 0) -> str:
    """What ``python -m polarity.VERB`` says on both streams; it has to end with this exit code."""
    ended, said = outcome_of(verb, *arguments)
    assert ended == code, said
    return said


def schema_of(verb: str) -> Any:
    """The settings of a verb, a dataclass."""
    return get_class(constructors.schema_of(verb))
