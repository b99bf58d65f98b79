"""``python -m polarity.compare``: what differs between runs, and whether their scores really do.

python -m polarity.compare runs=[outputs/A,outputs/B]
python -m polarity.compare 'outputs/**'
python -m polarity.compare outputs/A outputs/B split=test output=comparison
"""

import sys
from collections.abc import Sequence

from polarity import VerbModule
from polarity.config.verb import run_verb
from polarity.errors import UserError
from polarity.quoting import bare_words, overrides_of


def with_runs(overrides: Sequence[str]) -> list[str]:
    """The overrides of the command line with its bare folders and patterns as the setting ``runs``.

    :raises UserError: if ``runs=`` is given besides.
    """
    folders = bare_words(overrides)
    if not folders:
        return list(overrides)
    if any(text.startswith("runs=") for text in overrides):
        raise UserError(f"runs: is given, and so are the folders {' '.join(folders)}; give one of the two")
    return [*(text for text in overrides if text not in folders), *overrides_of({"runs": folders})]


def main() -> None:
    """Read the command line and do it."""
    run_verb("compare", act="compare_and_write", rewrite=with_runs)


if __name__ == "__main__":
    main()
else:
    sys.modules[__name__].__class__ = VerbModule
