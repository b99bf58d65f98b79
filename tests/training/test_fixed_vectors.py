"""A frozen encoder reads each text once; what is trained on its vectors is what would be trained on the texts."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor
from torch.testing import assert_close

from polarity.data.module import TextDataModule
from polarity.data.reading import Reader
from polarity.models.classifier import MultiTaskClassifier
from polarity.models.huggingface.encoder import HuggingFaceEncoder
from polarity.models.pooling import MaxPooling
from polarity.models.saving import load_model
from polarity.models.standard import Standard
from polarity.run import RunDirectory
from polarity.training import finish
from polarity.training.fixed_vectors import VectorCache
from tests.running import train
from tests.sameness import assert_same_runs
from tests.tiny import save_tiny_encoder
from tests.training.test_resume import interrupted
from tests.trials import assembled
from tests.verbs import said_by

PROBED = 2
"""Rows that tell, before training, whether padding plays a part."""

WITNESSES = 36
"""All of the few validation rows, which the model that was read back reads again, from their texts on."""

SETTINGS = ("regularizer=rdrop", "regularizer.warmup_epochs=1", "trainer.max_epochs=2", "optimizer.lr=0.01")


@pytest.fixture
def rows_read(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """How many rows each call of the encoder has read."""
    counted: list[int] = []
    real = HuggingFaceEncoder.before

    def before(self: HuggingFaceEncoder, input_ids: Tensor, *args: Any, **inputs: Tensor) -> Tensor:
        counted.append(len(input_ids))
        return real(self, input_ids, *args, **inputs)

    monkeypatch.setattr(HuggingFaceEncoder, "before", before)
    return iter([counted])


def frozen(folder: Path, *more: str) -> RunDirectory:
    return train(folder, "model.freeze=encoder", *SETTINGS, *more)


@pytest.mark.slow
def test_every_text_is_read_once_and_never_again_by_the_next_run(tmp_path: Path, rows_read: Iterator[Any]) -> None:
    counted = next(rows_read)
    frozen(tmp_path)
    assert sum(counted) == 240 + PROBED + WITNESSES
    counted.clear()
    again = frozen(tmp_path, "seed=1")
    assert sum(counted) == PROBED + WITNESSES
    assert "are reproduced: " in said_by("evaluate", f"run={again.path}", "accelerator=cpu")
    (speed,) = [line for line in again.log.read_text().splitlines() if line.startswith("speed: ")]
    assert "tokens" not in speed, "no encoder has read any"


@pytest.mark.parametrize("foreign", [False, True])
def test_vectors_of_code_of_others_are_not_kept(foreign: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may have changed since, and nothing tells it."""
    made = assembled(tmp_path, "model.freeze=encoder", *(["pooling=max"] if foreign else []))
    encoder, inputs = made.module.model.encoder, made.data.inputs["val"]
    if foreign:
        monkeypatch.setattr(MaxPooling, "__module__", "mine")
    cache = VectorCache(tmp_path / "vectors", 8, torch.device("cpu"))
    first = cache.vectors(encoder, inputs)
    assert (tmp_path / "vectors").exists() is not foreign
    for lock in (tmp_path / "vectors").glob("*.lock"):
        lock.unlink()
        lock.mkdir()  # as another user's, which cannot be locked
    assert np.array_equal(first, cache.vectors(encoder, inputs))


def test_what_is_read_back_answers_from_the_texts_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The score that is monitored and the one after training may both come of vectors that were kept."""

    def other(*arguments: Any) -> tuple[MultiTaskClassifier, Reader]:
        model, reader = load_model(*arguments)
        model.encoder.pooling.register_forward_hook(lambda *called: called[-1] + 1)
        return model, reader

    monkeypatch.setattr(finish, "load_model", other)
    with pytest.raises(SystemExit):
        frozen(tmp_path)
    (path,) = (tmp_path / "outputs").glob("2*")
    said = RunDirectory.open(path).status["error"]
    assert "what was written answers tone otherwise than it was scored: logits of the same rows differ by up to" in said


@pytest.mark.slow
@pytest.mark.parametrize("model", ["alone", "joined"])
def test_it_is_the_training_that_reads_the_texts_each_time(
    model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def weights(folder: Path) -> dict[str, Tensor]:
        folder.mkdir()
        if model == "alone":
            return load_file(frozen(folder).model / "model.safetensors")
        parts = ["model.encoder=local", f"model.encoder.name={save_tiny_encoder(folder / 'encoder')}"]
        more = ["model=wide_deep", *parts, "model.encoder.freeze=encoder", *SETTINGS]
        return load_file(train(folder, *more, without=("model=local", "model.name=")).model / "model.safetensors")

    by_vectors = weights(tmp_path / "vectors")
    # mean and scale are learnt as ever, but the batches are those of texts
    monkeypatch.setattr(TextDataModule, "fix", lambda data, fixed: fixed({"train": data.inputs["train"]}) and None)
    by_texts = weights(tmp_path / "texts")
    assert by_vectors.keys() == by_texts.keys()
    for name, value in by_texts.items():
        assert_close(by_vectors[name], value, rtol=1e-3, atol=1e-5)


@pytest.mark.slow
def test_heads_read_standardised_vectors_wherever_the_model_goes(tmp_path: Path) -> None:
    run = frozen(tmp_path)
    model, _ = load_model(run.model)
    data = assembled(tmp_path, "model.freeze=encoder").data
    batch = data.inputs["train"].batch(np.arange(len(data.inputs["train"])))
    with torch.inference_mode():
        vectors = model.features(**batch)
    assert_close(vectors.mean(dim=0), torch.zeros(16), rtol=0, atol=1e-4)
    assert_close(vectors.std(dim=0, correction=0), torch.ones(16), rtol=0, atol=1e-3)
    said_by("export", f"run={run.path}", "format=hf", f"output={tmp_path / 'exported'}")


def test_standardising_survives_what_does_not_vary() -> None:
    standard = Standard(3)
    vectors = torch.tensor([[1.0, 5.0, -3.0], [3.0, 5.0, -3.0]])
    standard.fit(vectors)
    assert_close(standard(vectors), torch.tensor([[-1.0, 0.0, 0.0], [1.0, 0.0, 0.0]]))


@pytest.mark.slow
@pytest.mark.parametrize("callbacks", ["default", "ema", "swa"])
def test_a_frozen_run_that_was_cut_off_ends_like_one_that_was_not(
    callbacks: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Averages of what never changes differ from it by rounding, and its vectors would."""
    settings = ("model.freeze=encoder", *SETTINGS, "callbacks.resume.minutes=0", f"callbacks={callbacks}")
    for name in ("straight", "stopped"):
        (tmp_path / name).mkdir()
    straight = train(tmp_path / "straight", *settings)
    assert_same_runs(straight, interrupted(tmp_path / "stopped", (1, 3), monkeypatch, *settings))
