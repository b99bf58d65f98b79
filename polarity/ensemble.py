"""``python -m polarity.ensemble``: several finished runs as one, where validation says that they are better together.

python -m polarity.ensemble runs=[outputs/A,outputs/B] baseline=true
"""

import sys

from polarity import VerbModule
from polarity.config.verb import run_verb


def main() -> None:
    """Read the command line and do it."""
    run_verb("ensemble")


if __name__ == "__main__":
    main()
else:
    sys.modules[__name__].__class__ = VerbModule
