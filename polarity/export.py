"""``python -m polarity.export``: a run's model as a folder for other programs, checked against the run.

python -m polarity.export run=outputs/latest format=hf
python -m polarity.export run=outputs/latest format=onnx int8=true
"""

from polarity.config.verb import run_verb
from polarity.run import nowhere


def main() -> None:
    """Read the command line and do it."""
    run_verb("export", look=nowhere)


if __name__ == "__main__":
    main()
