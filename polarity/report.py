"""``python -m polarity.report``: the report of a finished run again, from the files of its folder.

python -m polarity.report run=outputs/latest texts=false
"""

from polarity.config.verb import run_verb


def main() -> None:
    """Read the command line and do it."""
    run_verb("report", act="report_and_print")


if __name__ == "__main__":
    main()
