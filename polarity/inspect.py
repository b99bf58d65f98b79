"""``python -m polarity.inspect``: one report about data before any training.

python -m polarity.inspect data=csv data.path=comments.csv 'data.tasks={stance:[none,yes,no]}'
"""

from polarity.config.verb import run_verb


def main() -> None:
    """Read the command line and do it."""
    run_verb("inspect")


if __name__ == "__main__":
    main()
