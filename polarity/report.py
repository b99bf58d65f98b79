"""``python -m polarity.report``: the report of a finished run again, from the files of its folder.

python -m polarity.report run=outputs/latest texts=false
"""

from polarity.config.verb import run_verb
from polarity.run import nowhere


def main() -> None:
    """Read the command line and do it."""
    run_verb("report", act="report_and_print", look=nowhere)


if __name__ == "__main__":
    main()
