"""Components of a user's own package train, are told, checked and read again like the project's own."""

import importlib
import json
import os
import re
import string
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from transformers.modeling_outputs import BaseModelOutput

from polarity.api import load, train
from polarity.component import Progress
from polarity.config.compose import compose_jobs, resolved
from polarity.config.constructors import schema_of
from polarity.config.sharding import sharding_problems
from polarity.config.structure import structure_problems
from polarity.data.rows import Rows, Splits
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
from tests.own import mine
from tests.own.mine import LDAM
from tests.running import overrides
from tests.verbs import said_by

OWN = Path(__file__).parent
ROOT = OWN.parents[1]
PRESETS = str(OWN / "presets")
TASKS = (Task("tone", ("none", "yes", "no"), "tone"),)
COUNTS = ([160, 80, 10],)


@pytest.fixture
def in_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """The user's module can be imported, here and in processes that are started."""
    monkeypatch.syspath_prepend(str(OWN))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(OWN), os.environ.get("PYTHONPATH", "")]))


def test_an_optimizer_a_sampler_and_a_corpus_of_the_page_train(
    documented: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "shown", documented)
    letters = string.ascii_lowercase
    texts = [f"{'good' if n % 2 else 'bad'} news {letters[n % 20] * 9} {letters[n // 20] * 9}" for n in range(40)]
    rows = [{"text": text, "stance": ["no", "yes"][n % 2]} for n, text in enumerate(texts)]
    content = {"train": [*rows[:30], {"text": "of nobody knows what"}], "val": rows[30:]}
    (tmp_path / "nested.json").write_text(json.dumps(content), encoding="utf-8")
    for group, preset in (
        ("data", f"_target_: shown.Nested\npath: {tmp_path / 'nested.json'}\nclasses: ['no', 'yes']\n"),
        ("optimizer", "_target_: shown.SGD\nlr: 0.1\nmomentum: 0.9\nlayer_decay: 1.0\n"),
        ("sampler", "_target_: shown.FirstTaskEvenly\nrows_per_epoch: 60\n"),
    ):
        (tmp_path / "mine" / group).mkdir(parents=True)
        (tmp_path / "mine" / group / "shown.yaml").write_text(preset, encoding="utf-8")
    words = [f"output_dir={tmp_path / 'outputs'}", f"cache_dir={tmp_path / 'cache'}", "trainer.accelerator=cpu"]
    chosen = [
        "data=shown",
        "optimizer=shown",
        "sampler=shown",
        "model=ngrams",
        "trainer.max_epochs=1",
        "reporting.baselines=false",
    ]
    trained = train([*words, *chosen, "trainer.enable_progress_bar=false"], config_dir=tmp_path / "mine")
    said = trained.log.read_text(encoding="utf-8")
    assert "SGD(lr=0.1, momentum=0.9, layer_decay=1.0)" in said
    assert "FirstTaskEvenly(rows_per_epoch=60)" in said
    assert trained.status["state"] == "finished"
    assert read_object(trained.environment)["data"]["train"]["rows"] == 31
    content["train"].append({**rows[35], "text": f"  {rows[35]['text']}"})
    (tmp_path / "nested.json").write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(UserError, match=r"1 row of train has the same text as 1 of val, .*; take them out of one of"):
        train([*words, *chosen], config_dir=tmp_path / "mine")


def test_a_method_that_cannot_be_called_is_told_before_anything_begins(
    documented: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Lopsided(documented.FirstTaskEvenly):  # type: ignore[misc]
        def _row_weights(self, labels: np.ndarray) -> np.ndarray:
            return np.ones(len(labels))

    monkeypatch.setitem(sys.modules, "lopsided", SimpleNamespace(Lopsided=Lopsided))
    (tmp_path / "sampler").mkdir()
    (tmp_path / "sampler" / "own.yaml").write_text("_target_: lopsided.Lopsided\nrows_per_epoch: null\n", "utf-8")
    with pytest.raises(UserError) as caught:
        train(["experiment=quickstart", "sampler=own"], config_dir=tmp_path)
    (problem,) = caught.value.problems
    assert problem == (
        "sampler._target_: lopsided.Lopsided cannot be used: its method _row_weights is called with "
        "(self, labels, tasks): too many positional arguments; see docs/extending.md"
    )


def test_pairs_of_ones_own_are_asked_for_as_pairs(
    documented: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No setting of such data says that they are pairs: what the run has seen does."""

    class Pairs(documented.Nested):  # type: ignore[misc]
        def read(self) -> Splits:
            splits = super().read()
            with_context = {name: replace(rows, context=["a title"] * len(rows)) for name, rows in splits.items()}
            return replace(splits, **with_context)

    monkeypatch.setitem(sys.modules, "paired", SimpleNamespace(Pairs=Pairs))
    letters = string.ascii_lowercase
    content = {
        name: [{"text": f"{'good' if n % 2 else 'bad'} {letters[n] * 9}", "stance": ["no", "yes"][n % 2]} for n in rows]
        for name, rows in {"train": range(18), "val": range(18, 26)}.items()
    }
    (tmp_path / "pairs.json").write_text(json.dumps(content), encoding="utf-8")
    (tmp_path / "mine" / "data").mkdir(parents=True)
    preset = f"_target_: paired.Pairs\npath: {tmp_path / 'pairs.json'}\nclasses: ['no', 'yes']\n"
    (tmp_path / "mine" / "data" / "pairs.yaml").write_text(preset, encoding="utf-8")
    words = [f"output_dir={tmp_path / 'outputs'}", f"cache_dir={tmp_path / 'cache'}", "trainer.accelerator=cpu"]
    chosen = ["data=pairs", "model=ngrams", "trainer.max_epochs=1", "reporting.baselines=false"]
    trained = train([*words, *chosen, "trainer.enable_progress_bar=false"], config_dir=tmp_path / "mine")
    with pytest.raises(UserError, match="trained on pairs; give a first text for each"):
        load(trained.path, trust="paired").predict(["good news"])
    assert load(trained.path, trust="paired").predict(["good news"], ["a title"])
    file = tmp_path / "new.csv"
    file.write_text("text,title,stance\ngood news,a title,yes\nbad news,a title,no\n", encoding="utf-8")
    asked = f"run={trained.path}", "accelerator=cpu", "trust=paired"
    said = said_by("predict", *asked, f"input={file}", f"output={tmp_path / 'out.csv'}", code=2)
    assert "context: the run was trained on text pairs; name the column of the first texts" in said
    said_by("predict", *asked, f"input={file}", f"output={tmp_path / 'out.csv'}", "context=title")
    said = said_by("evaluate", *asked, f"data.path={file}", code=2)
    assert "data.context: the run was trained on text pairs; name the column of the first texts" in said


@pytest.mark.slow
@pytest.mark.usefixtures("in_path")
def test_a_deferred_loss_and_an_average_of_weights_train_and_their_run_is_read_where_they_are_trusted(
    tmp_path: Path,
) -> None:
    own = ("loss=ldam", "loss.deferred=0.9", "loss.scale=2", "callbacks=average", "callbacks.average.decay=0.9")
    words = overrides(tmp_path, *own, "trainer.log_every_n_steps=1", rows=90)
    said = run("train", "--config-dir", PRESETS, *words, folder=tmp_path)
    assert "LDAM(max_margin=0.5, scale=2" in said
    folder = RunDirectory.open(tmp_path / "outputs" / "latest")
    (path,) = folder.checkpoints.glob("epoch=*.ckpt")
    checkpoint = torch.load(path, weights_only=True)
    last = checkpoint["current_model_state"]
    assert any(not torch.equal(values, last[name]) for name, values in checkpoint["state_dict"].items())
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


class Careless(mine.BagOfWords):
    """Takes what pads for words."""

    def forward(self, words: torch.Tensor) -> torch.Tensor:
        vectors: torch.Tensor = self.table(words.clamp_min(0)).mean(dim=1)
        return vectors


def test_an_encoder_that_takes_padding_for_text_is_refused() -> None:
    texts = ["one", "several words that make a longer one", "two words"]
    reader = mine.Words(50)
    inputs = reader.inputs(Rows.unlabelled(texts, None, {}), 64)
    mine.BagOfWords(50, 4).check(reader, inputs)
    with pytest.raises(UserError, match="answers otherwise about a text where a longer one stands beside it"):
        Careless(50, 4).check(reader, inputs)
    lengths, _ = reader.lengths(Rows.unlabelled(texts, None, {}), 3)
    assert lengths.tolist() == [1, 7, 2], "as long as they are, also where the model reads less of them"


@pytest.fixture(scope="module")
def documented() -> SimpleNamespace:
    """The classes that the page on extending shows, as they stand there."""
    page = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")
    module: dict[str, Any] = {"__name__": "documented"}
    for block in re.findall(r"^```python\n(.*?)^```", page, re.MULTILINE | re.DOTALL):
        if "import" in block:
            exec(block, module)
    return SimpleNamespace(**module)


def test_the_code_of_the_page_on_extending_does_what_it_says(
    documented: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens, mask = BaseModelOutput(last_hidden_state=torch.rand(4, 7, 8)), torch.ones(4, 7, dtype=torch.long)
    rows = Rows.unlabelled(["good news", "bad news for all", "", "war"], ["a post", "", "", ""])
    logits, labels = [torch.randn(40, 3)], torch.randint(3, (40, 1))

    def results(own: Any) -> list[torch.Tensor]:
        loss, pooling = own.LDAM(class_weights="balanced", smoothing=0.1, deferred=0.5), own.GeM(power=2.0)
        loss.bind(TASKS, COUNTS)
        pooling.bind(8)
        settings = own.BagOfWordsSettings(buckets=50, width=4)
        reader = settings.make_reader()
        torch.manual_seed(1)
        vectors = settings.build(reader)(**reader.inputs(rows, 4).batch(np.array([3, 0, 1])))
        early, late = (loss(logits, labels, None, Progress(epoch, 4)) for epoch in (0, 2))
        return [early, late, pooling(tokens, mask), vectors]

    for shown, typed in zip(results(documented), results(mine), strict=True):
        torch.testing.assert_close(shown, typed)
    with monkeypatch.context() as patch:
        done: list[object] = []
        patch.setitem(sys.modules, "polarity.verbs.count", SimpleNamespace(count=done.append))
        patch.setattr("polarity.config.verb.read_settings", lambda *_, **__: documented.CountSettings(run="outputs/A"))
        documented.main()
    assert done == [documented.CountSettings(run="outputs/A")]
    assert schema_of("count").endswith(".count.CountSettings")
    assert not documented.EMA(every=3).should_update(2)
    assert documented.EMA(every=3).should_update(3)


@pytest.mark.usefixtures("in_path")
def test_an_average_of_one_s_own_is_refused_where_each_process_has_a_part_of_the_weights() -> None:
    words = ["data=vader", "trainer=fsdp", "callbacks=average"]
    (job,) = compose_jobs("train", words, config_dir=PRESETS, multirun=False)
    (problem,) = sharding_problems(resolved(job.config)[0])
    assert problem.startswith("callbacks.average: needs whole weights")


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
    taught = [*words, "regularizer=distillation", f"regularizer.teacher={trained.path}", "trainer.max_epochs=1"]
    run("train", "--config-dir", PRESETS, *(word for word in taught if word != "regularizer=rdrop"), folder=tmp_path)
    table = tmp_path / "predicted.csv"
    said_by("predict", *trust, f"input={tmp_path / 'corpus.csv'}", f"output={table}")
    assert "tone" in table.read_text(encoding="utf-8").splitlines()[0]
    for form in ("hf", "onnx"):
        assert f"format: {form} holds encoders of transformers alone, not BagOfWords" in said_by(
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
