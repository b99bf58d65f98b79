"""Whole runs leave alone what their training rows never reach."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from polarity.models import load_model
from polarity.models.huggingface.encoder import HuggingFaceEncoder
from polarity.run import RunDirectory
from polarity.runs.rebuild import run_splits
from polarity.training import run as training_run
from polarity.training.narrowed_tables import NarrowedTables
from tests.running import composed, overrides, train
from tests.tiny import tiny_tokenizer
from tests.training.test_resume import Crash

SOME = ("limit.train=20", "trainer.log_every_n_steps=1")


def tables(run: RunDirectory) -> tuple[torch.Tensor, torch.Tensor]:
    """Vectors of tokens before and after training."""
    encoder = load_model(run.model)[0].encoder
    assert isinstance(encoder, HuggingFaceEncoder)
    before = load_file(Path(run.config["model"]["name"]) / "model.safetensors")
    return before["embeddings.word_embeddings.weight"], encoder.backbone.get_input_embeddings().weight.detach()


def test_a_run_trains_the_tokens_of_its_training_rows(tmp_path: Path) -> None:
    run = train(tmp_path, *SOME)
    before, after = tables(run)
    moved = {int(token) for token in (before != after).any(dim=1).nonzero()}
    read = {token for text in run_splits(run).train.text for token in tiny_tokenizer()(text)["input_ids"]}
    assert moved == read
    said = " ".join(run.log.read_text(encoding="utf-8").split())
    with_padding = len(read) + 1
    assert f"embeddings: {with_padding} of {len(before)} tokens are read in training, padding among them" in said


def test_averages_leave_the_others_alone_too(tmp_path: Path) -> None:
    run = train(tmp_path, *SOME, "callbacks=swa", "callbacks.swa.share=1.0")
    before, after = tables(run)
    others = torch.ones(len(before), dtype=torch.bool)
    for text in run_splits(run).train.text:
        others[tiny_tokenizer()(text)["input_ids"]] = False
    assert torch.equal(before[others], after[others])
    assert 20 < others.sum() < len(before) - 20


@pytest.mark.slow
def test_a_run_that_trained_its_table_whole_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    build, arguments = training_run.build_callbacks, overrides(tmp_path, "callbacks.resume.minutes=0")
    with monkeypatch.context() as before:
        before.setattr(NarrowedTables, "setup", lambda *_, **__: None)
        before.setattr(training_run, "build_callbacks", lambda config: {**build(config), "crash": Crash((1, 2))})
        with pytest.raises(SystemExit):
            training_run.start_run(composed(*arguments), arguments, keep_going=False)
    run = RunDirectory.open(next((tmp_path / "outputs").glob("2*")))
    assert sizes(run) >= {193}
    training_run.resume_run(str(run.path))
    assert run.status["state"] == "finished"
    assert 193 not in sizes(run)


def sizes(run: RunDirectory) -> set[int]:
    """Of the moments at the point that the run could go on from."""
    states = torch.load(run.resume_point, weights_only=True)["optimizer_states"][0]["state"]
    return {len(moments["exp_avg"]) for moments in states.values()}
