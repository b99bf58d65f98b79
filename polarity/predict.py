"""``python -m polarity.predict``: the decisions and calibrated probabilities of a run for the rows of any file.

python -m polarity.predict run=outputs/latest input=comments.csv output=predicted.csv
cat comments.jsonl | python -m polarity.predict run=outputs/latest input=- input_format=jsonl output=-
"""

from polarity.config.verb import run_verb
from polarity.run import nowhere


def main() -> None:
    """Read the command line and do it."""
    run_verb("predict", data=True, look=nowhere)


if __name__ == "__main__":
    main()
