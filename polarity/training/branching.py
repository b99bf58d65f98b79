"""A run that begins with the weights of another one instead of the pretrained encoder's."""

from collections.abc import Mapping

from torch import Tensor

from polarity.config.preflight import Prepared
from polarity.config.trust import check_trusted
from polarity.data.duplicates import NearDuplicates
from polarity.data.reading import Reader
from polarity.errors import UserError
from polarity.models.classifier import MultiTaskClassifier
from polarity.models.components import modules_in
from polarity.models.saving import load_model
from polarity.run import RunDirectory
from polarity.runs.environment import described, read_environment
from polarity.runs.manifest import check_unchanged
from polarity.runs.overlap import overlaps
from polarity.runs.rebuild import BUILT, run_splits
from polarity.runs.saved import finished_single_model

SHARED = ("encoder", "trunk")


def branch(model: MultiTaskClassifier, reader: Reader, prepared: Prepared) -> tuple[list[str], bool]:
    """Give a model the weights of the finished run that the setting ``from`` names.

    Encoder and trunk have to be the same; the head of a task is taken over if its classes are the same, in
    the same order, and begins anew if not.

    :returns: what was taken over and what was not, for the console and the log; and whether all of it was.
    :raises UserError: if the run cannot be read or is not what it wrote, if its encoder is another one, if heads
        are to begin otherwise, or if rows that it was trained on would be evaluated now.
    """
    if prepared.components.head.init != "random":
        raise UserError(
            f"head.init: {prepared.components.head.init} would put other weights in place of those of from=; "
            "set it to random"
        )
    try:
        run = finished_single_model(str(prepared.root.origin))
        check_unchanged(run, "model", "metrics.json")
    except UserError as error:
        raise UserError(f"from: {problem}" for problem in error.problems) from error
    other, its_reader = load_model(run.model, modules_in(model.architecture()))
    model.encoder.adapt(other.encoder)
    ours, theirs = model.state_dict(), other.state_dict()
    problems = _other_encoder(ours, theirs)
    if not problems and not reader.same_as(its_reader):
        problems = ["has another vocabulary"]
    if problems:
        made = " ".join([other.encoder.title, run.settings.as_overrides("model", ("name",))]).strip()
        raise UserError(f"from: the model of {run.path} {'; '.join(problems)}; it was made with {made}")
    notes = _check_rows(run, prepared)
    known = {task.name: task.classes for task in other.tasks}
    taken = [task.name for task in model.tasks if _same_head(task.name, task.classes, known, ours, theirs)]
    parts = (*(f"{part}." for part in SHARED), *(f"heads.{name}." for name in _keys(model, taken)))
    model.load_state_dict({name: value for name, value in theirs.items() if name.startswith(parts)}, strict=False)
    fresh = [task.name for task in model.tasks if task.name not in taken]
    heads = f"heads of {', '.join(taken)}" if taken else "no head"
    left = f"; {', '.join(fresh)}: begins anew, since its classes or its head are others there" if fresh else ""
    return [f"begins with the weights of {run.path}: encoder and {heads}{left}", *notes], not fresh


def _keys(model: MultiTaskClassifier, names: list[str]) -> list[str]:
    """How the state of a head begins; modules cannot be called by every name that a task may have."""
    found = {id(value): key for key, value in model.heads.state_dict(keep_vars=True).items()}
    return sorted({found[id(value)].partition(".")[0] for name in names for value in model.heads[name].parameters()})


def _other_encoder(ours: Mapping[str, Tensor], theirs: Mapping[str, Tensor]) -> list[str]:
    shapes = [
        {name: value.shape for name, value in state.items() if name.partition(".")[0] in SHARED}
        for state in (ours, theirs)
    ]
    differs = sorted(name for name in {*shapes[0], *shapes[1]} if shapes[0].get(name) != shapes[1].get(name))
    return [f"has another encoder, pooling or trunk (the first difference is {differs[0]})"] if differs else []


def _same_head(
    name: str,
    classes: tuple[str, ...],
    known: Mapping[str, tuple[str, ...]],
    ours: Mapping[str, Tensor],
    theirs: Mapping[str, Tensor],
) -> bool:
    """Whether a task has the same classes and a head of the same shape in both."""
    if known.get(name) != classes:
        return False
    heads = [{key: value.shape for key, value in state.items() if key.startswith("heads.")} for state in (ours, theirs)]
    return all(heads[0][key] == heads[1].get(key) for key in heads[0])


def _check_rows(run: RunDirectory, prepared: Prepared) -> list[str]:
    """Rows that the other run was trained on must not be evaluated as if they were new.

    :returns: a note if that cannot be found out.
    """
    known, splits = read_environment(run)["data"], prepared.splits
    if known == described(splits):
        return []  # the same splits, whose overlap has been looked for
    try:
        check_trusted(run.config, str(run.path / "config.yaml"), sections=BUILT)
        before = run_splits(run)
    except UserError as error:
        return [f"NOT CHECKED: whether rows that {run.path} was trained on are evaluated here ({error.problems[0]})"]
    leakage = getattr(prepared.components.data, "leakage", None)
    near_duplicates = getattr(leakage, "near_duplicates", None) or NearDuplicates()
    problems = [
        f"from: {name}: {found} ({run.path}), so its scores would be too high; take these rows out, or split as it did"
        for name, rows in splits.items()
        if name != "train"
        for found in overlaps(rows, before, near_duplicates)
        if found.split == "train"
    ]
    if problems and getattr(leakage, "exact", None) != "allow":
        raise UserError(problems)
    return problems
