"""What all verbs share: reading the command line, and telling problems without a traceback."""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from hydra._internal.utils import get_args_parser
from rich.console import Console

from polarity.config.compose import open_keys_anywhere
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


def exit_on_user_error(verb: str, function: Callable[[], None]) -> None:
    """Run ``function``; a :class:`UserError` ends the process with code 2 and the list of its problems."""
    try:
        function()
    except UserError as error:
        tell_problems(verb, error.problems)
        sys.exit(2)


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
    opened = dict(zip(command.overrides, open_keys_anywhere(command.overrides), strict=True))
    return [opened.get(argument, argument) for argument in arguments]
