"""A trained model as one folder: an ordinary Hugging Face folder of its encoder that holds the heads as well."""

import shutil
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from polarity.content import Json
from polarity.data.reading import Reader
from polarity.errors import UserError
from polarity.files import checksum, read_object, whole_folder, write_json
from polarity.models.classifier import MultiTaskClassifier
from polarity.models.encoder import ENCODER
from polarity.tasks import Task

FORMAT = 1
CARD, CONFIG, WEIGHTS = "polarity.json", "config.json", "model.safetensors"
CARD_KEYS = ("tasks", "head", "weights_sha256")


def save_model(classifier: MultiTaskClassifier, reader: Reader, folder: str | Path) -> None:
    """Write a model folder, as a whole or not at all.

    ``config.json`` says what the encoder is, ``polarity.json`` what pooling, trunk and heads are, with the checksum of
    the weights; the reader adds its files. Of an encoder of transformers, ``AutoModel.from_pretrained(folder)`` reads
    ``config.json``, ``model.safetensors`` and the tokenizer's files; the other weights stand below "polarity.".

    :param folder: is replaced if it is empty or holds a model already.
    :raises UserError: if the folder holds something else.
    """
    folder = Path(folder).absolute()
    if folder.exists() and not (folder / CARD).is_file() and any(folder.iterdir()):
        raise UserError(f"{folder}: holds other files than a saved model, which would be lost; choose another folder")
    with whole_folder(folder) as part:
        _write(classifier, reader, part)


def load_model(folder: str | Path, trust: Collection[str] = ()) -> tuple[MultiTaskClassifier, Reader]:
    """The model that :func:`save_model` wrote, in evaluation mode, and its reader.

    :param trust: modules of others whose code the model may name.
    :raises UserError: if any file is missing, damaged, or not the one that was saved; nothing is ever left random. If
        it names code that is not trusted.
    """
    folder = Path(folder)
    card = read_card(folder)
    state = _read_weights(folder)
    with torch.random.fork_rng(devices=[]):  # the random weights that are overwritten leave no trace in later draws
        classifier = _without_weights(folder, {**card, ENCODER: _read_json(folder, CONFIG)}, trust)
    names = _names_in_file(classifier)
    problems = _key_problems({names[key]: value for key, value in classifier.state_dict().items()}, state)
    if problems:
        raise UserError(f"{folder / WEIGHTS}: does not fit {CARD} and {CONFIG}: {'; '.join(problems)}")
    if checksum(folder / WEIGHTS) != card["weights_sha256"]:
        raise UserError(f"{folder / WEIGHTS}: is not the file that was saved with {CARD}; its checksum differs")
    classifier.load_state_dict({key: state[name] for key, name in names.items()})
    return classifier.eval(), classifier.encoder.load_reader(folder)


def _without_weights(folder: Path, architecture: Json, trust: Collection[str]) -> MultiTaskClassifier:
    try:
        return MultiTaskClassifier.from_architecture(architecture, trust)
    except (KeyError, TypeError, ValueError, AttributeError) as error:  # such as a model type that is not known
        reason = " ".join(str(error).split())
        raise UserError(
            f"{folder}: {CARD} and {CONFIG} describe no model ({type(error).__name__}: {reason})"
        ) from error


def _write(classifier: MultiTaskClassifier, reader: Reader, folder: Path) -> None:
    names = _names_in_file(classifier)
    state = {names[key]: value.detach().cpu().contiguous() for key, value in classifier.state_dict().items()}
    reader.save(folder)
    architecture = classifier.architecture()
    write_json(folder / CONFIG, architecture.pop(ENCODER))
    save_file(state, folder / WEIGHTS, metadata={"format": "pt"})
    shutil.copymode(folder / CONFIG, folder / WEIGHTS)  # it comes readable by its owner alone, whatever the umask
    write_json(folder / CARD, {"format": FORMAT, **architecture, "weights_sha256": checksum(folder / WEIGHTS)})


def _names_in_file(classifier: MultiTaskClassifier) -> dict[str, str]:
    """Name of each weight in the file: the encoder's as it names them, the others below "polarity.".

    What two parts have in common stands there once, by the name that comes first.
    """
    own, state = f"{ENCODER}.", classifier.state_dict(keep_vars=True)
    names, first = dict[str, str](), dict[int, str]()
    for key, value in state.items():
        name = classifier.encoder.name_in_file(key.removeprefix(own)) if key.startswith(own) else f"polarity.{key}"
        names[key] = first.setdefault(id(value), name)
    return names


def _key_problems(wanted: Mapping[str, Tensor], found: Mapping[str, Tensor]) -> list[str]:
    def listed(what: str, keys: list[str]) -> list[str]:
        more = f", ... ({len(keys)} in all)" if len(keys) > 5 else ""
        return [f"{what}: {', '.join(keys[:5])}{more}"] if keys else []

    shapes = [key for key in wanted if key in found and found[key].shape != wanted[key].shape]
    return [
        *listed("missing", [key for key in wanted if key not in found]),
        *listed("unknown", [key for key in found if key not in wanted]),
        *listed("of another shape", shapes),
    ]


def _read_weights(folder: Path) -> dict[str, Tensor]:
    path = folder / WEIGHTS
    if not path.is_file():
        raise UserError(f"{path}: there is no such file; a model without its weights cannot be used")
    try:
        return load_file(path)
    except (SafetensorError, OSError, ValueError) as error:
        raise UserError(f"{path}: is damaged or cut off ({error})") from error


def forms_of_weights(folder: Path) -> dict[str, tuple[str, list[int]]]:
    """Type and shape of each weight of a saved model, by its name in the file; no weight is read."""
    with safe_open(folder / WEIGHTS, framework="pt") as file:
        parts = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118 - it is no mapping
        return {name: (part.get_dtype(), part.get_shape()) for name, part in parts.items()}


def write_card_of_several(folder: Path, tasks: Sequence[Task], mark: str) -> None:
    """What stands in the place of a model's ``polarity.json`` where several models answer together.

    :param mark: a checksum that changes with any of them, to which their decision rule is bound.
    """
    named = [{"name": task.name, "column": task.column, "classes": list(task.classes)} for task in tasks]
    write_json(folder / CARD, {"ensemble": True, "tasks": named, "weights_sha256": mark})


def read_card(folder: Path) -> Json:
    """What ``polarity.json`` says about a saved model.

    :raises UserError: if it is missing or damaged.
    """
    card = _read_json(folder, CARD)
    if card.get("format") != FORMAT:
        raise UserError(f"{folder / CARD}: format {card.get('format')!r} is unknown; this version reads {FORMAT}")
    if lacking := [key for key in CARD_KEYS if key not in card]:
        raise UserError(f"{folder / CARD}: is damaged (it lacks {', '.join(lacking)})")
    return card


def _read_json(folder: Path, name: str) -> Json:
    path = folder / name
    if not path.is_file():
        raise UserError(f"{path}: there is no such file, so {folder} is no model of this project (RUN/model is one)")
    return read_object(path)
