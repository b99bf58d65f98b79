"""A linear probe beside an encoder that is trained: nothing of the training changes, and the answers are both's."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch.nn import functional as F
from torch.testing import assert_close

from polarity.data.reading import Inputs
from polarity.errors import UserError
from polarity.models import Head, MultiTaskClassifier, PretrainedEncoder, load_model, save_model
from polarity.models.encoder import Encoder
from polarity.models.late_fusion import FusedEncoder, LateFusion
from polarity.models.ngrams.settings import Ngrams
from polarity.optimizers import AdamW
from polarity.train import check
from polarity.training.linear_probe import begin_as_probe
from tests.effects.corpus import TASKS, rows, splits
from tests.running import overrides, train
from tests.sameness import state
from tests.tiny import save_tiny_encoder

TEXTS = rows(48)
SHARE = 0.3


@pytest.fixture
def deep(tmp_path: Path) -> PretrainedEncoder:
    return PretrainedEncoder(name=str(save_tiny_encoder(tmp_path / "encoder", width=16)), freeze="embeddings")


def compute(encoder: Encoder, read: Inputs) -> np.ndarray:
    with torch.no_grad():
        return encoder.before(**read.batch(np.arange(len(read)))).numpy()


def probed(deep: PretrainedEncoder) -> tuple[MultiTaskClassifier, Inputs, list[torch.Tensor]]:
    """A model whose probe is fitted, its inputs, and the log-probabilities of the linear models on them."""
    source, texts = LateFusion(encoder=deep, share=SHARE), splits(48, 24)
    reader = source.make_reader(texts.train)
    torch.manual_seed(0)
    model = MultiTaskClassifier(tasks=TASKS, encoder=source.build(reader), head=Head())
    inputs = {name: reader.inputs(part, 32) for name, part in texts.items()}
    fitted = begin_as_probe(model, texts, inputs, compute, 0)
    features = model.encoder.linear_features(inputs, compute).by_split["train"]
    return model, inputs["train"], [torch.from_numpy(one.model.log_probabilities(features)) for one in fitted]


def test_it_answers_with_the_mean_of_both_and_trains_its_heads_alone(deep: PretrainedEncoder, tmp_path: Path) -> None:
    model, inputs, linear = probed(deep)
    batch = inputs.batch(np.arange(len(inputs)))
    with torch.no_grad():
        model.eval()
        own = [F.log_softmax(model.heads[task.name](model.features(**batch)), dim=1) for task in TASKS]
        answers = [F.log_softmax(logits, dim=1) for logits in model(**batch)]
        model.train()
        model.encoder.eval()
        alone = [F.log_softmax(logits, dim=1) for logits in model(**batch)]
    for answer, mine, its in zip(answers, own, linear, strict=True):
        assert_close(answer, F.log_softmax((1 - SHARE) * mine + SHARE * its, dim=1), rtol=1e-3, atol=1e-3)
    assert all(torch.equal(logits, mine) for logits, mine in zip(alone, own, strict=True))
    sum(logits.sum() for logits in model(**batch)).backward()  # type: ignore[union-attr]
    encoder = model.encoder
    assert isinstance(encoder, FusedEncoder)
    assert model.probes is not None
    fixed = [*encoder.encoders["probe"].parameters(), *model.probes.parameters()]
    assert all(weight.grad is None and not weight.requires_grad for weight in fixed)
    trained = {id(weight) for group in AdamW(lr=1.0).build(model).param_groups for weight in group["params"]}
    assert trained == {id(weight) for weight in model.parameters() if weight.requires_grad}
    reader = LateFusion(encoder=deep, share=SHARE).make_reader(splits(48, 24).train)
    save_model(model.eval(), reader, tmp_path / "model")
    loaded, again = load_model(tmp_path / "model")
    assert loaded.architecture() == model.architecture()
    with torch.no_grad():
        for wanted, found in zip(model(**batch), loaded(**batch), strict=True):
            assert torch.equal(wanted, found)
    assert again.same_as(reader)


def test_what_is_trained_begins_as_it_would_alone(deep: PretrainedEncoder) -> None:
    source = LateFusion(encoder=deep)
    reader = source.make_reader(TEXTS)
    states = []
    for settings, its in ((deep, reader.parts["encoder"]), (source, reader)):
        torch.manual_seed(0)
        states.append(MultiTaskClassifier(tasks=TASKS, encoder=settings.build(its), head=Head()).state_dict())
    heads = {name: value for name, value in states[0].items() if name.startswith("heads.")}
    assert heads
    assert all(torch.equal(value, states[1][name]) for name, value in heads.items())


def test_a_table_that_is_not_trained_is_there_once(deep: PretrainedEncoder, tmp_path: Path) -> None:
    model, inputs, _ = probed(deep)
    assert_close(*(one.weight for one in tables(model)), rtol=0, atol=0)
    assert tables(model)[0].weight is tables(model)[1].weight
    torch.nn.init.normal_(tables(model)[0].weight)
    reader = LateFusion(encoder=deep, share=SHARE).make_reader(splits(48, 24).train)
    save_model(model.eval(), reader, tmp_path / "model")
    names = [name for name in load_file(tmp_path / "model" / "model.safetensors") if "word_embeddings" in name]
    assert names == ["polarity.encoder.parts.encoder.backbone.embeddings.word_embeddings.weight"]
    loaded, _ = load_model(tmp_path / "model")
    assert tables(loaded)[0].weight is tables(loaded)[1].weight
    batch = inputs.batch(np.arange(len(inputs)))
    with torch.no_grad():
        for wanted, found in zip(model(**batch), loaded(**batch), strict=True):
            assert torch.equal(wanted, found)


def test_a_table_that_is_trained_is_there_twice(deep: PretrainedEncoder, tmp_path: Path) -> None:
    """Also where weights of such a run are put into a model whose own would be there once."""
    free, _, _ = probed(PretrainedEncoder(name=deep.name, freeze="none"))
    own, its = tables(free)
    assert own.weight is not its.weight
    with torch.no_grad():
        own.weight.add_(1)
    reader = LateFusion(encoder=deep, share=SHARE).make_reader(splits(48, 24).train)
    save_model(free.eval(), reader, tmp_path / "model")
    kept, _, _ = probed(deep)
    for model in (load_model(tmp_path / "model")[0], kept):
        model.load_state_dict(free.state_dict())
        assert [torch.equal(*pair) for pair in zip(weights(model), weights(free), strict=True)] == [True, True]
    assert not tables(kept)[1].weight.requires_grad
    assert "one_table" not in kept.architecture()["encoder"]


def tables(model: MultiTaskClassifier) -> list[torch.nn.Embedding]:
    encoder = model.encoder
    assert isinstance(encoder, FusedEncoder)
    found = [part.token_table for part in encoder.encoders.values()]
    return [table for table in found if table is not None]


def weights(model: MultiTaskClassifier) -> list[torch.Tensor]:
    return [table.weight for table in tables(model)]


@pytest.mark.slow
def test_a_whole_run_with_columns_trains_as_without_a_probe_and_keeps_it(tmp_path: Path) -> None:
    quick = ("trainer.max_epochs=1", "reporting.baselines=false", "data.features={source:category}")
    encoder = [f"model.encoder.name={tmp_path / 'encoder-bert'}", "model.encoder.freeze=embeddings"]
    fused = train(
        tmp_path, "model=late_fusion", "model.encoder=local", *encoder, *quick, without=("model=local", "model.name=")
    )
    assert "linear probe: beside the heads, logistic regression on " in fused.log.read_text(encoding="utf-8")
    plain = train(tmp_path, "model.freeze=embeddings", *quick)
    ours, its = (state(run)["state_dict"] for run in (fused, plain))
    heads = [name for name in its if ".heads." in name]
    assert heads
    assert all(torch.equal(ours[name], its[name]) for name in heads)  # which the same batches have trained


def test_what_does_not_go_together_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="there is nothing to probe in n-grams before it is trained"):
        LateFusion(encoder=Ngrams())
    line = [text for text in overrides(tmp_path, rows=60) if not text.startswith(("model=", "model.name="))]
    line += ["model=late_fusion", "model.encoder=local", f"model.encoder.name={tmp_path / 'encoder-bert'}"]
    with pytest.raises(UserError, match=r"^model\.encoder: there is nothing to probe in n-grams"):
        check(["model=late_fusion", "model.encoder=ngrams", *(text for text in line if not text.startswith("model"))])
    shallow = save_tiny_encoder(tmp_path / "shallow", layers=2)
    with pytest.raises(UserError, match=r"^model\.encoder: no linear probe can read it \(Last4MeanPooling needs 4 lay"):
        check([*line, f"model.encoder.name={shallow}"])
    with pytest.raises(UserError) as refused:
        check([*line, "head.init=linear_probe", "head=linear"])
    assert refused.value.problems == (
        "head.init: the model has a linear probe beside its heads, which begin at random; set it to random",
    )
