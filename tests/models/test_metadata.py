"""Columns beside the texts: heads read both, and a saved model reads them as in training."""

from pathlib import Path

import numpy as np
import pytest
import torch

from polarity.data.features import Date, Number
from polarity.data.rows import Rows, Splits
from polarity.errors import UserError
from polarity.models import Head, MultiTaskClassifier, load_model, save_model
from polarity.models.joined import JoinedReader
from polarity.models.metadata import MetadataReader, WithMetadata, feature_problems
from polarity.models.ngrams.settings import Ngrams
from tests.effects.corpus import TASKS, rows

FEATURES = {"source": "category", "length": "number"}


def with_columns(count: int = 16, **changed: list[str]) -> Rows:
    made = rows(16).select(range(count))
    made.metadata = {"source": [["a", "b", ""][row % 3] for row in range(count)], "length": [*map(str, range(count))]}
    made.metadata |= changed
    return made


TEXTS = with_columns()


def test_the_vector_is_that_of_the_text_and_of_the_columns_and_comes_back(tmp_path: Path) -> None:
    source = WithMetadata(encoder=Ngrams(width=6), features=FEATURES)  # type: ignore[arg-type]
    reader = source.make_reader(TEXTS)
    assert reader.columns == ("source", "length")
    encoder = source.build(reader)
    columns = encoder.encoders["metadata"]
    assert not columns.table.weight.any()
    for part in encoder.encoders.values():
        torch.nn.init.normal_(part.table.weight)
    model = MultiTaskClassifier(tasks=TASKS, encoder=encoder, head=Head()).eval()
    everything = np.arange(16)
    inputs = reader.inputs(TEXTS, 32)
    numbers = [feature.encode(TEXTS.metadata[name]) for name, (_, feature) in reader.parts["metadata"].features.items()]  # type: ignore[attr-defined]
    assert [part.shape[1] for part in numbers] == [3, 1]
    wanted = np.concatenate(numbers, axis=1) / np.sqrt(2) @ columns.table.weight.detach().numpy()
    np.testing.assert_allclose(encoder(**inputs.batch(everything))[:, 6:].detach(), wanted, atol=1e-5)
    save_model(model, reader, tmp_path / "model")
    loaded, again = load_model(tmp_path / "model")
    assert again.same_as(reader)
    assert not again.same_as(source.make_reader(with_columns(15)))
    answers = [model(**inputs.batch(everything)), loaded(**again.inputs(TEXTS, 32).batch(everything))]
    for first, second in zip(*answers, strict=True):
        assert torch.equal(first, second)


def test_their_dropout_is_one_that_two_passes_differ_by() -> None:
    source = WithMetadata(encoder=Ngrams(width=6, dropout=0.0), features=FEATURES)  # type: ignore[arg-type]
    assert source.dropout_rates == [0.0, 0.1]


def test_what_cannot_be_read_is_told_before_training_and_for_every_split() -> None:
    splits = Splits(
        TASKS,
        with_columns(16, length=["7"] * 16),
        with_columns(8, length=["1", "2", "three", *"45678"]),
        with_columns(8, source=["x"] * 8),
    )
    del splits.test.metadata["length"]  # type: ignore[union-attr]
    assert feature_problems(FEATURES, splits) == [  # type: ignore[arg-type]
        "data.features.length: all training rows say the same; leave it out",
        "data.features.length: 1 value that is no number, such as 'three': ids 0-2 (val)",
        "data.features.length: the model reads this column, and the rows have none (columns: source) (test)",
    ]


def test_numbers_that_lie_close_together_differ_and_what_is_missing_tells_something() -> None:
    for kind, cells in (
        (Number, ["1000000000", "1000000001"]),
        (Date, ["2026-01-31T00:00:00", "2026-01-31T00:00:01"]),
    ):
        assert kind.learn(cells * 5).encode(cells)[:, 0] == pytest.approx([-1.0, 1.0])
    only_missing = Number.learn(["1", "1", "1.0", ""])
    assert only_missing.encode(["1", "", "7"]).tolist() == [[0.0], [1.0], [0.0]]
    assert Number.learn(["1", "1.0"]).width == 0
    same = with_columns(4, length=["1", "1.0", "1", "1"])
    with pytest.raises(UserError, match=r"^data.features.length: all training rows say the same; leave it out"):
        MetadataReader.learn(same, {"length": "number"})


def test_a_column_of_which_nothing_can_be_learnt_is_told_why() -> None:
    names = with_columns(16, source=[f"author {number}" for number in range(16)], length=["7"] * 16)
    with pytest.raises(UserError) as error:
        MetadataReader.learn(names, FEATURES)  # type: ignore[arg-type]
    assert sorted(problem.partition(";")[0] for problem in error.value.problems) == [
        "data.features.length: all training rows say the same",
        "data.features.source: no value stands in two training rows, so that nothing can be learnt of it",
    ]


def test_they_are_learnt_from_training_rows() -> None:
    reader = MetadataReader.learn(with_columns(16), FEATURES)  # type: ignore[arg-type]
    others = with_columns(3, source=["b", "new", ""], length=["7.5", "", "0"])
    found = reader.inputs(others, 1).vectors.toarray() * np.sqrt(2)
    assert found[:, :3].sum(axis=1).tolist() == pytest.approx([1, 0, 1])
    assert found[:, 3] == pytest.approx([0, 0, -7.5 / np.std(range(16))])
    with pytest.raises(UserError, match="learnt from training rows"):
        WithMetadata(encoder=Ngrams(), features=FEATURES).make_reader()  # type: ignore[arg-type]


def test_a_column_that_two_parts_read_is_asked_for_once() -> None:
    reader = MetadataReader.learn(with_columns(16), FEATURES)  # type: ignore[arg-type]
    assert JoinedReader({"one": reader, "other": reader}).columns == ("source", "length")
