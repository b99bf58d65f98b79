"""``python -m polarity.evaluate``: the scores of a finished run again, on its own split or on new rows.

python -m polarity.evaluate run=outputs/latest split=test
"""

from collections.abc import Sequence
from typing import Any

from polarity.config.constructors import constructor, schema_of
from polarity.config.hydra_private import read_arguments
from polarity.config.overrides import key_of
from polarity.config.verb import read_settings, run_verb
from polarity.errors import UserError
from polarity.run import nowhere


def foreign_overrides(arguments: Sequence[str]) -> dict[str, str]:
    """A problem for each override of something that belongs to the run, by override."""
    known = list(constructor(schema_of("evaluate")).settings)
    problems = {}
    for text in read_arguments(arguments).overrides:
        name = key_of(text).split(".")[0]
        if text.partition("=")[0] == "data":
            problems[text] = f"{text}: new rows are read by the run's own data settings; give data.path=FILE"
        elif name not in known and name != "hydra":
            problems[text] = (
                f"{text}: {name} cannot be chosen here; model and settings are those of the run, and only these can: "
                f"{', '.join(known)}"
            )
    return problems


def read_evaluate_settings(arguments: Sequence[str]) -> Any:
    """The settings; None if the command line only asked for information.

    :raises UserError: with everything that is wrong.
    """
    foreign = foreign_overrides(arguments)
    try:
        settings = read_settings("evaluate", [text for text in arguments if text not in foreign], look=nowhere)
    except UserError as error:
        raise UserError([*foreign.values(), *error.problems]) from error
    if foreign:
        raise UserError(foreign.values())
    return settings


def main() -> None:
    """Read the command line and do it."""
    run_verb("evaluate", read=read_evaluate_settings)


if __name__ == "__main__":
    main()
