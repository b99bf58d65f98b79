"""Rows that another run has learnt from must not be evaluated here as if they were new."""

from polarity.config.preflight import Prepared
from polarity.config.trust import check_trusted, foreign_modules
from polarity.data.duplicates import NearDuplicates
from polarity.errors import UserError
from polarity.run import RunDirectory
from polarity.runs.environment import described, only_rows, read_environment
from polarity.runs.overlap import overlaps
from polarity.runs.rebuild import BUILT, run_splits
from polarity.wording import times


def check_seen_rows(run: RunDirectory, prepared: Prepared, setting: str, *, both_ways: bool = False) -> list[str]:
    """Look for rows that the run was trained on among those that are evaluated now.

    :param setting: that names the run, for messages.
    :param both_ways: also for rows that it was chosen on among the test rows, and for rows that it was evaluated on
        among those that are trained on now.
    :returns: a note if that cannot be found out, or what was found where such rows are allowed.
    :raises UserError: if there are such rows.
    """
    known, splits = read_environment(run)["data"], prepared.splits
    if only_rows(known) == only_rows(described(splits, ())):
        return []  # the same splits, whose overlap has been looked for
    try:
        own = foreign_modules(prepared.config)  # what this run names is trusted already
        check_trusted(run.config, str(run.path / "config.yaml"), trust=own, unused=False, sections=BUILT)
        before = run_splits(run)
    except UserError as error:
        return [f"NOT CHECKED: whether rows that {run.path} was trained on are evaluated here ({error.problems[0]})"]
    leakage = getattr(prepared.components.data, "leakage", None)
    near_duplicates = getattr(leakage, "near_duplicates", None) or NearDuplicates()
    advice = "take these rows out, or split as it did"
    problems = [
        f"{setting}: {name}: {found} ({run.path}), so its scores would be too high; {advice}"
        for name, rows in splits.items()
        if name != "train"
        for found in overlaps(rows, before, near_duplicates)
        if found.split == "train" or (both_ways and name == "test")
    ]
    problems += [
        f"{setting}: train: {found.exact + found.near:,} of the {times(len(rows), 'row')} that {run.path} has for "
        f"{name} would be trained on, such as {', '.join(found.examples)}, so the two could not be compared; {advice}"
        for name, rows in (before.items() if both_ways else [])
        if name != "train"
        for found in overlaps(rows, splits, near_duplicates)
        if found.split == "train"
    ]
    if problems and getattr(leakage, "exact", None) != "allow":
        raise UserError(problems)
    return problems
