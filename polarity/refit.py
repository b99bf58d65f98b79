"""``python -m polarity.refit``: a finished run's model again, trained on its validation rows as well.

python -m polarity.refit run=outputs/latest
"""

from polarity.config.verb import run_verb


def main() -> None:
    """Read the command line and do it."""
    run_verb("refit")


if __name__ == "__main__":
    main()
