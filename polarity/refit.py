"""``python -m polarity.refit``: a finished run's model again, trained on its validation rows as well.

python -m polarity.refit run=outputs/latest
"""

from polarity.config.verb import run_verb
from polarity.run import nowhere


def main() -> None:
    """Read the command line and do it."""
    run_verb("refit", look=nowhere)


if __name__ == "__main__":
    main()
