"""The code in an exported folder is the model: every family, pooling and head, and every decision rule."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from polarity.calibration.scaling import Scaling
from polarity.decisions.rules import AddedBias, LargestLogit, OrderedThresholds, Rule
from polarity.exporting import modeling
from polarity.exporting.folder import ABOUT, about
from polarity.exporting.source import CODE, load_exported, modeling_source
from polarity.files import write_json, write_text
from polarity.models import Head, save_model
from polarity.models.saving import read_card
from polarity.posthoc import Decider, TaskDecider
from polarity.tasks import Task
from tests.exporting.snippets import run_without
from tests.tiny import POOLED, TASKS, tiny_classifier, tiny_reader, tiny_tokenizer

HEADS = [
    Head(),
    Head(layers=2, width=8, dropout=0.3),
    Head(layers=3, dropout=0.1, trunk_width=8, trunk_dropout=0.2),
    Head(layers=4, width=8, dropout=0.1, residual=True, trunk_width=12, trunk_dropout=0.0),
]
TEXTS = ["Good news for the people.", "war", "They hate the awful soup, and the table, and the chair! " * 3]
RULES: list[Rule] = [
    LargestLogit(),
    AddedBias((0.3, -0.2, 0.0)),
    OrderedThresholds((2, 0, 1), (-1.2, None, -0.9)),
    OrderedThresholds((1, 2, 0), (None, None, None)),
]


def export(folder: Path, model: Any, decider: Decider | None = None, *, pairs: bool = False) -> Path:
    """The folder that the verb makes, without a run."""
    save_model(model, tiny_reader(), folder)
    classes = {task.name: list(task.classes) for task in model.tasks}
    (decider or Decider.plain(classes)).save(folder, read_card(folder)["weights_sha256"])
    write_json(folder / ABOUT, about("hf", classes, tiny_tokenizer(), 24, pairs=pairs))
    write_text(folder / CODE, modeling_source(type(model.encoder.pooling)))
    return folder


def own_logits(model: Any, texts: list[str], contexts: list[str] | None = None) -> list[torch.Tensor]:
    kind = "only_first" if contexts is None else "only_second"
    given = [texts] if contexts is None else [contexts, texts]
    batch = tiny_tokenizer()(*given, padding=True, truncation=kind, max_length=24, return_tensors="pt")
    with torch.inference_mode():
        logits: list[torch.Tensor] = model.eval()(**batch)
    return logits


@pytest.mark.parametrize(("family", "pooling"), POOLED)
def test_every_family_and_pooling_gives_the_same_logits(family: str, pooling: str, tmp_path: Path) -> None:
    model = tiny_classifier(family, pooling=pooling, head=HEADS[3])
    exported = load_exported(export(tmp_path / "model", model))
    with torch.inference_mode():
        logits = exported(**exported.encode(TEXTS))
    for given, wanted in zip(logits, own_logits(model, TEXTS), strict=True):
        torch.testing.assert_close(given, wanted, rtol=0, atol=1e-6)


@pytest.mark.parametrize("head", HEADS)
def test_every_head_gives_the_same_logits(head: Head, tmp_path: Path) -> None:
    tasks = (*TASKS, Task("type", ("a", "b"), "type"), Task("training", ("a", "b"), "training"))
    model = tiny_classifier(head=head, tasks=tasks)
    exported = load_exported(export(tmp_path / "model", model))
    with torch.inference_mode():
        logits = exported(**exported.encode(TEXTS))
    assert len(logits) == 4
    for given, wanted in zip(logits, own_logits(model, TEXTS), strict=True):
        torch.testing.assert_close(given, wanted, rtol=0, atol=1e-6)


def test_pairs_are_encoded_as_in_training(tmp_path: Path) -> None:
    model = tiny_classifier("bert")
    exported = load_exported(export(tmp_path / "model", model, pairs=True))
    contexts = ["bread", "soup and apple", "news"]
    with torch.inference_mode():
        logits = exported(**exported.encode(TEXTS, contexts))
    for given, wanted in zip(logits, own_logits(model, TEXTS, contexts), strict=True):
        torch.testing.assert_close(given, wanted, rtol=0, atol=1e-6)
    with pytest.raises(ValueError, match="with them"):
        exported.encode(TEXTS)


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_decides_as_in_the_run(rule: Rule) -> None:
    generator = np.random.default_rng(0)
    logits = generator.normal(scale=2, size=(2000, 3)).astype(np.float32)
    decider = TaskDecider(("a", "b", "c"), Scaling((0.7, 0.7, 1.3), (0.0, 0.4, -0.2)), rule)
    probabilities, decided = modeling.Decision(decider.to_dict())(torch.from_numpy(logits))
    assert np.array_equal(decided.numpy(), decider.decide(logits))
    assert len(set(decided.tolist())) == 3
    assert np.abs(probabilities.numpy() - decider.probabilities(logits)).max() < 1e-12


def test_answers_are_by_name(tmp_path: Path) -> None:
    model = tiny_classifier()
    answers = load_exported(export(tmp_path / "model", model)).classify(TEXTS, batch_size=2)
    assert len(answers) == 3
    for row, text in zip(answers, TEXTS, strict=True):
        for task, logits in zip(TASKS, own_logits(model, [text]), strict=True):
            result = row[task.name]
            assert result["label"] == task.classes[int(logits.argmax())]
            assert list(result["probabilities"]) == list(task.classes)
            assert list(result["probabilities"].values()) == pytest.approx(logits.softmax(-1)[0].tolist(), abs=1e-6)


@pytest.mark.slow
def test_the_code_needs_nothing_of_this_project(tmp_path: Path) -> None:
    export(tmp_path / "model", tiny_classifier("roberta", pooling="attention"))
    said = run_without(tmp_path / "model", 'from modeling import load; print(load(".").classify(["war"]))', "polarity")
    assert said.startswith("[{'tone': {'label': ")


def test_weights_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    export(tmp_path / "model", tiny_classifier(head=HEADS[1]))
    export(tmp_path / "other", tiny_classifier(head=HEADS[0]))
    shutil.copy(tmp_path / "other" / "model.safetensors", tmp_path / "model")
    with pytest.raises(RuntimeError, match="state_dict"):
        load_exported(tmp_path / "model")


def test_what_is_no_list_of_texts_is_refused(tmp_path: Path) -> None:
    model = load_exported(export(tmp_path / "model", tiny_classifier()))
    assert model.classify(iter(["war"])) == model.classify(["war"])
    for given, problem in (
        ("war", "texts: is one text"),
        (["war", None], r"texts\[1\]: is no text"),
        (["war", " "], r"texts\[1\]: is empty"),
        (["war", " \u200b\ufeff"], r"texts\[1\]: is empty"),
        (["war", "a\0b"], r"texts\[1\]: holds NUL"),
        (["war", "a\ud800b"], r"texts\[1\]: is not valid Unicode"),
    ):
        with pytest.raises(ValueError, match=problem):
            model.classify(given)
