"""Components of a user's own package train, are told, checked and read again like the project's own."""

import importlib
import os
from pathlib import Path

import pytest
import torch

from polarity.component import Progress
from polarity.config.compose import compose_jobs, resolved
from polarity.config.structure import structure_problems
from polarity.errors import UserError
from polarity.exporting.source import modeling_source
from polarity.files import read_object
from polarity.losses import CrossEntropyLoss
from polarity.models import load_model
from polarity.run import RunDirectory
from polarity.tasks import Task
from polarity.training.resuming import trusted_config
from tests.command import run
from tests.exporting.snippets import run_without
from tests.own.mine import LDAM
from tests.running import overrides
from tests.verbs import said_by

OWN = Path(__file__).parent
PRESETS = str(OWN / "presets")
TASKS = (Task("tone", ("none", "yes", "no"), "tone"),)
COUNTS = ([160, 80, 10],)


@pytest.fixture
def in_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """The user's module can be imported, here and in processes that are started."""
    monkeypatch.syspath_prepend(str(OWN))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(OWN), os.environ.get("PYTHONPATH", "")]))


@pytest.mark.slow
@pytest.mark.usefixtures("in_path")
def test_a_deferred_loss_trains_by_the_command_line_and_its_run_is_read_where_it_is_trusted(tmp_path: Path) -> None:
    words = overrides(
        tmp_path, "loss=ldam", "loss.deferred=0.9", "loss.scale=2", "trainer.log_every_n_steps=1", rows=90
    )
    said = run("train", "--config-dir", PRESETS, *words, folder=tmp_path)
    assert "LDAM(max_margin=0.5, scale=2" in said
    folder = RunDirectory.open(tmp_path / "outputs" / "latest")
    assert folder.config["loss"]["_target_"] == "mine.LDAM"
    assert folder.config["loss"]["deferred"] == 0.9
    assert "macro_f1" in said_by("evaluate", f"run={folder.path}", "accelerator=cpu")
    with pytest.raises(UserError, match=r"loss._target_: 'mine.LDAM' is none of this project's own.*trust=mine"):
        trusted_config(folder, trust=None)
    assert trusted_config(folder, trust="mine")["loss"]["scale"] == 2


@pytest.mark.usefixtures("in_path")
@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("loss.deferd=0.5", "loss.deferd: LDAM has no such setting; did you mean 'deferred'?"),
        ("loss.smothing=0.1", "loss.smothing: LDAM has no such setting; did you mean 'smoothing'?"),
        ("loss.deferred=2", "loss.deferred: must be less than or equal to 1, got 2"),
        ("loss.reduction=sum", "loss.reduction: 'sum' is not valid"),
    ],
)
def test_its_own_and_the_shared_settings_are_checked(wrong: str, message: str) -> None:
    (job,) = compose_jobs("train", ["loss=ldam", wrong], config_dir=PRESETS, multirun=False)
    config, problems = resolved(job.config)
    (problem,) = [*problems, *structure_problems(config)]
    assert problem.startswith(message)


def test_class_weights_begin_when_they_were_deferred_to() -> None:
    loss, plain = LDAM(class_weights="balanced", deferred=0.75), LDAM()
    logits, labels = [torch.randn(40, 3)], torch.randint(3, (40, 1))
    for each in (loss, plain):
        each.bind(TASKS, COUNTS)
    for epoch in range(4):
        same = torch.equal(
            loss(logits, labels, None, Progress(epoch, 4)), plain(logits, labels, None, Progress(epoch, 4))
        )
        assert same == (epoch < 3)


def test_margins_are_those_of_the_paper() -> None:
    loss, plain = LDAM(max_margin=0.4), CrossEntropyLoss()
    for each in (loss, plain):
        each.bind(TASKS, COUNTS)
    logits, labels = torch.zeros(3, 3), torch.arange(3)[:, None]
    shifted = logits - torch.diag(0.4 * (torch.tensor([160, 80, 10]) / 10) ** -0.25)
    torch.testing.assert_close(loss([logits], labels), plain([shifted], labels))


@pytest.mark.slow
@pytest.mark.usefixtures("in_path")
def test_a_pooling_trains_by_the_command_line_and_its_code_is_exported_with_the_model(tmp_path: Path) -> None:
    words = overrides(tmp_path, "pooling=gem", "pooling.power=2", "trainer.log_every_n_steps=1", rows=90)
    assert "pooling=GeM(" in run("train", "--config-dir", PRESETS, *words, folder=tmp_path)
    trained = tmp_path / "outputs" / "latest"
    assert RunDirectory.open(trained).config["model"]["pooling"] == {"_target_": "mine.GeM", "power": 2}
    refused = said_by("export", f"run={trained}", "format=hf", code=2)
    assert "trust=mine" in refused
    said_by("export", f"run={trained}", "format=hf", "trust=mine", f"output={tmp_path / 'model'}")
    program = "from modeling import load; print(load('.').classify(['war']))"
    assert "probabilities" in run_without(tmp_path / "model", program, "polarity", "mine", real=False)


@pytest.mark.slow
@pytest.mark.usefixtures("in_path")
def test_an_encoder_that_is_none_of_transformers_goes_through_every_verb(tmp_path: Path) -> None:
    words = [word for word in overrides(tmp_path, rows=200) if not word.startswith(("model", "batching"))]
    words += ["model=words", "model.width=24", "optimizer.lr=0.02", "trainer.max_epochs=8", "regularizer=rdrop"]
    said = run("train", "--config-dir", PRESETS, *words, folder=tmp_path)
    assert "BagOfWordsSettings(buckets=500, width=24)" in said
    trained = RunDirectory.open(tmp_path / "outputs" / "latest")
    assert read_object(trained.metrics)["val"]["overall"] > 0.8
    model, reader = load_model(trained.model, ["mine"])
    assert type(model.encoder).__name__ == "BagOfWords"
    assert reader.settings == {"buckets": 500}
    with pytest.raises(UserError, match="trust=mine"):
        load_model(trained.model)
    trust = (f"run={trained.path}", "trust=mine", "accelerator=cpu")
    assert "are reproduced: " in said_by("evaluate", *trust)
    table = tmp_path / "predicted.csv"
    said_by("predict", *trust, f"input={tmp_path / 'corpus.csv'}", f"output={table}")
    assert "tone" in table.read_text(encoding="utf-8").splitlines()[0]
    for form in ("hf", "onnx"):
        assert f"format: {form} holds encoders of transformers only, not BagOfWords" in said_by(
            "export", *trust[:2], f"format={form}", f"output={tmp_path / form}", code=2
        )
    inspected = ["data=csv", *[word for word in words if word.startswith("data.") and "absent" not in word]]
    assert "lengths in tokens of BagOfWordsSettings" in run(
        "inspect", "--config-dir", PRESETS, *inspected, "model=words", folder=tmp_path
    )


def test_a_pooling_whose_code_needs_more_than_an_exported_folder_has_is_refused(tmp_path: Path) -> None:
    code = (
        "import pandas\nfrom polarity.models.pooling import MeanPooling\nclass P(MeanPooling):\n    kept = pandas.NA\n"
    )
    (tmp_path / "needy_pooling.py").write_text(code, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(tmp_path))
        needy = importlib.import_module("needy_pooling").P
        with pytest.raises(UserError, match="needs pandas, which is not there"):
            modeling_source(needy)
