"""``python -m polarity.sweep``: the table of a sweep, its report, and its best configuration as a preset.

python -m polarity.sweep outputs/sweep-1a2b3c4d
python -m polarity.sweep outputs/sweep-1a2b3c4d report
python -m polarity.sweep outputs/sweep-1a2b3c4d best output=presets/experiment/mine.yaml
"""

from collections.abc import Sequence

from polarity.config.verb import run_verb
from polarity.errors import UserError
from polarity.quoting import bare_words, in_quotes

WORDS = ("best", "report")
"""What is asked for in the place of the table."""


def with_words(overrides: Sequence[str]) -> list[str]:
    """The overrides of the command line with its bare words as settings: the sweep's folder, and :data:`WORDS`."""
    words = bare_words(overrides)
    folders = [text for text in words if text not in WORDS]
    if len(folders) > 1:
        raise UserError(f"folder: one at a time; given are {' '.join(folders)}")
    rest = [text for text in overrides if text not in words]
    asked = [f"{word}=true" for word in WORDS if word in words]
    return [*rest, *(f"folder={in_quotes(text)}" for text in folders), *asked]


def main() -> None:
    """Read the command line and do it."""
    run_verb("sweep", rewrite=with_words)


if __name__ == "__main__":
    main()
