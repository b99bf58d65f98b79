"""A run that begins with the weights of another one instead of the pretrained encoder's."""

from collections.abc import Mapping

from torch import Tensor

from polarity.config.preflight import Prepared
from polarity.data.reading import Reader
from polarity.errors import UserError, without_trust_advice
from polarity.models.classifier import MultiTaskClassifier
from polarity.models.components import modules_in
from polarity.models.saving import load_model
from polarity.runs.manifest import check_unchanged
from polarity.runs.saved import finished_single_model
from polarity.training.seen_rows import check_seen_rows

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
    try:
        other, its_reader = load_model(run.model, modules_in(model.architecture()))
    except UserError as error:
        raise UserError(f"from: {run.model}: {problem}" for problem in without_trust_advice(error).problems) from error
    model.encoder.adapt(other.encoder)
    ours, theirs = model.state_dict(), other.state_dict()
    problems = _other_encoder(ours, theirs)
    if not reader.same_as(its_reader) and (not problems or model.encoder.title == other.encoder.title):
        problems = ["has another vocabulary"]
    if problems:
        made = " ".join([other.encoder.title, run.settings.as_overrides("model", ("name",))]).strip()
        raise UserError(f"from: the model of {run.path} {'; '.join(problems)}; it was made with {made}")
    notes = check_seen_rows(run, prepared, "from")
    known = {task.name: task.classes for task in other.tasks}
    alike = [task.name for task in model.tasks if known.get(task.name) == task.classes]
    taken = [
        name for name in alike if _same_shapes(ours, theirs, tuple(f"heads.{key}." for key in _keys(model, [name])))
    ]
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


def _same_shapes(ours: Mapping[str, Tensor], theirs: Mapping[str, Tensor], parts: tuple[str, ...]) -> bool:
    """Whether what begins so is there in both, and of the same shape."""
    return all(key in theirs and theirs[key].shape == ours[key].shape for key in ours if key.startswith(parts))
