"""What makes test differ from training is found, and nothing where they are alike."""

import numpy as np
import pytest

from polarity.data.duplicates import NearDuplicates
from polarity.data.rows import Rows, Splits
from polarity.inspection.pool import Pool
from polarity.inspection.shift import distance, properties, shifts
from polarity.tasks import IGNORE_INDEX, Task

TASKS = (Task("tone", ("bad", "good"), "tone"), Task("topic", ("war", "food"), "topic"))


def part(name: str, shares: tuple[float, float] = (0.5, 0.5), rows: int = 400, lang: str = "de fr") -> Rows:
    generator = np.random.default_rng(len(name))
    labels = np.stack([generator.choice(2, rows, p=shares), generator.choice(2, rows)], axis=1)
    spoken = generator.choice(lang.split(), rows).tolist()
    texts = [f"{name} {number}" for number in range(rows)]
    return Rows(texts, texts, None, labels, {"lang": spoken, "uid": [f"u{text}" for text in texts]})


def warnings_of(train: Rows, test: Rows, *, show_texts: bool = True) -> list[str]:
    splits = Splits(TASKS, train, part("val"), test)
    return [finding.text for finding in shifts(Pool.of(splits, NearDuplicates(), show_texts=show_texts))]


def test_alike_splits_say_nothing() -> None:
    assert warnings_of(part("train"), part("test")) == []


def test_other_shares_of_classes_are_reported_with_their_size_and_where() -> None:
    result = warnings_of(part("train", (0.8, 0.2)), part("test", (0.4, 0.6)))
    (text,) = [line for line in result if line.startswith("test: tone has other shares than in training: ")]
    assert "total variation distance 0.4" in text
    assert any("within" in line and "lang=de" in line and "lang=fr" in line for line in result)
    assert not any("topic" in line for line in result)


def test_values_that_training_lacks_are_reported() -> None:
    result = warnings_of(part("train", lang="de fr"), part("test", lang="de fr it"))
    (text,) = [line for line in result if "that training has not" in line]
    assert text.startswith("test: ")
    assert "with 1 value of lang that training has not: it (" in text
    assert any("test: lang has other shares" in line for line in result)


def test_numbers_and_dates_are_measured_and_no_names() -> None:
    train, test = part("train"), part("test")
    for values in (range(40), [f"2026-01-{day:02}" for day in range(1, 32)]):
        names = [str(value) for value in values]
        train.metadata["seen"] = [names[row % 15] for row in range(len(train))]
        test.metadata["seen"] = [names[row % len(names)] for row in range(len(test))]
        assert not any("seen" in line for line in warnings_of(train, test))
    train.metadata["seen"] = [str(row % 3) for row in range(len(train))]
    test.metadata["seen"] = [str(row % 5) for row in range(len(test))]
    assert any("values of seen that training has not" in line for line in warnings_of(train, test))


def test_a_language_without_any_label_of_a_task_is_reported() -> None:
    train = part("train")
    train.labels[np.array(train.metadata["lang"]) == "fr", 1] = IGNORE_INDEX
    result = warnings_of(train, part("test"))
    rows = train.metadata["lang"].count("fr")
    assert f"train: none of the {rows} rows with 1 value of lang has a label of topic: fr ({rows})" in result


def test_values_of_private_data_are_counted_and_not_named() -> None:
    """A column with few values may be one of titles."""
    train = part("train", (0.8, 0.2), lang="Title_one Title_two")
    train.labels[np.array(train.metadata["lang"]) == "Title_one", 1] = IGNORE_INDEX
    test = part("test", (0.4, 0.6), lang="Title_one Title_two Title_three")
    shown, hidden = (warnings_of(train, test, show_texts=shown) for shown in (True, False))
    assert sum("Title_" in line for line in shown) == 3
    assert len(hidden) == len(shown)
    assert not any("Title_" in line for line in hidden)
    assert any(line.endswith("with 1 value of lang that training has not") for line in hidden)


def test_columns_of_single_rows_are_no_properties() -> None:
    splits = Splits(TASKS, part("train"), part("val"), part("test"))
    assert properties(Pool.of(splits, NearDuplicates(), show_texts=True)) == ["lang"]


def test_the_distance_is_half_the_sum_of_the_differences() -> None:
    apart, p = distance(np.array([80, 20]), np.array([40, 60]))
    assert apart == pytest.approx(0.4)
    assert p < 1e-6
    assert distance(np.array([5, 5, 0]), np.array([50, 50, 0])) == (0.0, pytest.approx(1.0))
    assert distance(np.array([0, 0]), np.array([3, 4])) == (0.0, 1.0)
