"""``python -m polarity.baseline``: what a model has to beat, in seconds.

python -m polarity.baseline data=csv data.path=comments.csv 'data.tasks={stance:[none,yes,no]}'
"""

from polarity.config.verb import run_verb


def main() -> None:
    """Read the command line and do it."""
    run_verb("baseline")


if __name__ == "__main__":
    main()
