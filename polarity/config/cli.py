"""What all verbs share: reading the command line, and telling problems without a traceback."""

import argparse
import os
import sys
import sysconfig
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from polarity.config.overrides import open_keys
from polarity.config.readable import readable
from polarity.errors import UserError, reason_of
from polarity.paths import expanded, too_long
from polarity.printable import SafeConsole, printable_messages
from polarity.privacy import forget_privacy
from polarity.secrets import learn_environment, masked_text
from polarity.signals import Interrupted, handled, interrupt, interruption_behind
from polarity.standard_streams import standard_streams, to_nowhere
from polarity.wording import times

SPINS = "10000"
"""How often a thread looks whether the others are done before it sleeps: some 0.1 ms, much longer than to the next
operation. By default it is some milliseconds, in which a core that other programs need as well does nothing at all."""


def only_informs(command: argparse.Namespace) -> bool:
    """Whether the command line asks Hydra to print something instead of running."""
    flags = ("help", "hydra_help", "version", "cfg", "info", "shell_completion")
    return any(getattr(command, flag, None) for flag in flags)


def print_problems(verb: str, problems: Sequence[str]) -> None:
    """Print a numbered list of problems to the error stream."""
    console = SafeConsole(stderr=True, soft_wrap=True)
    count = times(len(problems), "problem")
    console.print(f"polarity.{verb}: {count}; nothing was started", style="bold red")
    for number, problem in enumerate(problems, 1):
        console.print(f"{number:>3}. {masked_text(problem)}")


def prepare_process() -> None:
    """What every way into the program does first, also that from Python."""
    forget_privacy()
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", SPINS)  # has no effect where torch was imported before
    learn_environment()


@contextmanager
def verb(name: str, *, data: bool = False) -> Iterator[None]:
    """What stands around the work of every verb: its streams, and how it ends.

    :param data: whether standard output is what the verb is for.
    """
    prepare_process()
    with printable_messages(), user_errors(name), standard_streams(data=data):
        yield


@contextmanager
def user_errors(verb: str) -> Iterator[None]:
    """How a verb ends that cannot do its work: in good order, and without a traceback that nobody needs.

    A :class:`UserError` within the block ends the process with code 2 and the list of its problems; what the system
    refuses (no room, no right, a folder that was removed meanwhile) with code 1, a path and a reason; Ctrl-C with 130.
    A mistake of the program ends it with code 1, too, and with the traceback.
    Has to stand around the outermost call, and within Hydra's task functions, for Hydra would print a traceback.
    """
    try:
        yield
    except UserError as error:
        print_problems(verb, error.problems)
        sys.exit(2)
    except BrokenPipeError:  # the reader of the output wants no more of it
        to_nowhere(sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        _tell(f"polarity.{verb}: failed: {reason_of(error)}")
        sys.exit(1)
    except MemoryError as error:
        _tell(f"polarity.{verb}: failed: the memory does not suffice ({error or 'nobody says for what'})")
        sys.exit(1)
    except KeyboardInterrupt:
        _tell(f"polarity.{verb}: interrupted")
        sys.exit(130)
    except Exception as error:  # noqa: BLE001 - a mistake; Python would print it with the data and secrets in it
        _tell(f"{traceback.format_exc()}polarity.{verb}: failed by a mistake {_whose(error)}")
        sys.exit(1)


@contextmanager
def ending_in_order(verb: str) -> Iterator[None]:
    """Within the block a signal ends the process as an error would, so that nothing half-written stays, and says so.

    :raises Interrupted: after a signal.
    """
    try:
        with handled(interrupt):
            yield
    except Exception as error:
        if (end := interruption_behind(error)) is None:
            raise
        _tell(f"polarity.{verb}: {end}")
        raise end from None
    except Interrupted as end:
        _tell(f"polarity.{verb}: {end}")
        raise


def _whose(error: Exception) -> str:
    """In which file of the user's own code it happened, if that was on the way; else that it is the program's."""
    known = [str(Path(__file__).parents[1]), *(sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib"))]
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename).is_file()]
    own = [frame for frame in frames if not any(Path(frame.filename).is_relative_to(folder) for folder in known)]
    return f"in {own[-1].filename}, line {own[-1].lineno}" if own else "of the program"


def _tell(text: str) -> None:
    SafeConsole(stderr=True, soft_wrap=True).print(masked_text(text), style="bold red")


def config_dir(command: argparse.Namespace) -> str | None:
    """The user's own folder of presets as an absolute path.

    :raises UserError: if it does not exist.
    """
    if command.config_dir is None:
        return None
    if problems := too_long("--config-dir", command.config_dir):
        raise UserError(problems)
    folder = expanded(command.config_dir).absolute()
    if not folder.is_dir():
        raise UserError(f"--config-dir: {command.config_dir} is no folder")
    return str(folder)


def rewritten(arguments: Sequence[str], command: argparse.Namespace, overrides: Sequence[str]) -> list[str]:
    """The command line with its overrides opened, for Hydra's own main.

    :param overrides: what stands in the place of those that were typed.
    """
    flags = [argument for argument in arguments if argument not in command.overrides]
    return [*flags, *open_keys([readable(text, multirun=command.multirun) for text in overrides])]
