"""A verb, run within this process: a new one takes seconds to import what it needs."""

import importlib
import io
import sys
from contextlib import redirect_stderr, redirect_stdout
from unittest.mock import patch


def said_by(verb: str, *arguments: str, code: int = 0) -> str:
    """What ``python -m polarity.VERB`` says on both streams; it has to end with this exit code."""
    module = importlib.import_module(f"polarity.{verb}")
    said = io.StringIO()
    ended: int | str | None = 0
    with patch.object(sys, "argv", [verb, *arguments]), redirect_stdout(said), redirect_stderr(said):
        try:
            module.main()
        except SystemExit as stop:
            ended = stop.code
    assert (ended or 0) == code, said.getvalue()
    return said.getvalue()
