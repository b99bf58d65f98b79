"""The one error that a user sees: everything that is wrong and can be mended, listed at once."""

import unicodedata
from collections.abc import Iterable
from difflib import get_close_matches


class UserError(Exception):
    """Problems that the user can mend. The verbs print them as a list and exit with code 2.

    :param problems: one line each, beginning with the setting, file or row that it is about.
    """

    def __init__(self, problems: str | Iterable[str]) -> None:
        self.problems = (problems,) if isinstance(problems, str) else tuple(problems)
        super().__init__("\n".join(self.problems))


class HopelessError(UserError):
    """Settings that cannot do in this run what they are for: going on with it would end alike."""


class RunError(RuntimeError):
    """A run that was started from Python has failed; its message names the folder and the reason."""


def reason_of(error: OSError) -> str:
    """What the system refused, and where: ``outputs/x.csv: No space left on device``."""
    reason = error.strerror or " ".join(str(error).split()) or type(error).__name__
    paths = [str(path) for path in (error.filename, error.filename2) if path is not None]
    return f"{' -> '.join(paths)}: {reason}" if paths else reason


def reason_of_import(error: BaseException) -> str:
    """Why a class cannot be imported, without the advice of Hydra, which is of no use if the module is there."""
    first: BaseException = error
    while isinstance(first, ImportError) and first.__cause__ is not None:  # Hydra's own, around what has happened
        first = first.__cause__
    text = " ".join(str(first).split())
    return f"{type(first).__name__}: {text}" if text else type(first).__name__


def nearest(name: object, valid: Iterable[object], *, what: str = "valid") -> str:
    """End of a sentence that helps with a wrong name: the nearest valid one, and the valid ones.

    >>> nearest("gama", ["gamma", "smoothing"])
    "; did you mean 'gamma'? (valid: gamma, smoothing)"
    """
    names = [str(item) for item in valid]
    folded = {item.casefold(): item for item in reversed(names)}
    wanted = str(name).casefold()
    swapped = [item for item in folded if sorted(item) == sorted(wanted)]  # letters in another order: modle, model
    close = swapped or get_close_matches(wanted, list(folded), n=1, cutoff=0.55)
    hint = f"; did you mean {_told_apart(folded[close[0]], str(name))}?" if close else ""
    shown = listed(names[:30]) + (f", ... ({len(names)} in all)" if len(names) > 30 else "")
    return f"{hint} ({what}: {shown or 'none'})"


def _told_apart(name: str, other: str) -> str:
    """In quotes, and with words where both look the same."""
    same = unicodedata.normalize("NFC", name) == unicodedata.normalize("NFC", other)
    return repr(name) + (", whose characters are composed otherwise" if same and name != other else "")


def listed(names: Iterable[str]) -> str:
    r"""Names one after the other; one that holds a comma, or ends the line, stands in quotes.

    >>> listed(["yes", "no, thanks", "may\nbe"])
    "yes, 'no, thanks', 'may\\nbe'"
    """
    return ", ".join(repr(name) if {",", "\n"} & set(name) else name for name in names)


TRUST_ADVICE = "; if you know and trust it: trust="


def without_trust_advice(error: UserError) -> UserError:
    """Its problems where no setting says whom to trust, as for models that a run begins with or learns from."""
    own = "; here it has to be code that this run's own settings name as well"
    parts = (problem.partition(TRUST_ADVICE) for problem in error.problems)
    return UserError(f"{problem}{own}" if advice else problem for problem, advice, _ in parts)
