"""What all verbs share: reading the command line, and telling problems without a traceback."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from hydra._internal.utils import get_args_parser
from rich.console import Console

from polarity.config.overrides import open_keys
from polarity.errors import UserError


def read_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    """Hydra's own command line: overrides, ``--multirun``, ``--config-dir``, ``--help``, ``--cfg`` and the rest."""
    return get_args_parser().parse_args(arguments)


def only_informs(command: argparse.Namespace) -> bool:
    """Whether the command line asks Hydra to print something instead of running."""
    flags = ("help", "hydra_help", "version", "cfg", "info", "shell_completion")
    return any(getattr(command, flag, None) for flag in flags)


def tell_problems(verb: str, problems: Sequence[str]) -> None:
    """Print a numbered list of problems to the error stream."""
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
    console.print(f"polarity.{verb}: {count}; nothing was started", style="bold red", markup=False)
    for number, problem in enumerate(problems, 1):
        console.print(f"{number:>3}. {problem}", markup=False)


@contextmanager
def user_errors(verb: str) -> Iterator[None]:
    """A :class:`UserError` within the block ends the process with code 2 and the list of its problems; Ctrl-C with 130.

    Has to stand around the outermost call, and within Hydra's task functions, for Hydra would print a traceback.
    """
    try:
        yield
    except UserError as error:
        tell_problems(verb, error.problems)
        sys.exit(2)
    except KeyboardInterrupt:
        Console(stderr=True).print(f"polarity.{verb}: interrupted", style="bold red")
        sys.exit(130)


def config_dir(command: argparse.Namespace) -> str | None:
    """The user's own folder of presets as an absolute path.

    :raises UserError: if it does not exist.
    """
    if command.config_dir is None:
        return None
    folder = Path(command.config_dir).expanduser().absolute()
    if not folder.is_dir():
        raise UserError(f"--config-dir: {command.config_dir} is no folder")
    return str(folder)


def rewritten(arguments: Sequence[str], command: argparse.Namespace) -> list[str]:
    """The command line with its overrides opened, for Hydra's own main."""
    opened = dict(zip(command.overrides, open_keys(command.overrides), strict=True))
    return [opened.get(argument, argument) for argument in arguments]
