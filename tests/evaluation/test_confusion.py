"""Rows that were taken for each other are counted as torchmetrics counts them, which takes seconds to import."""

import numpy as np
import pytest
import torch
from torchmetrics.functional.classification import multiclass_confusion_matrix

from polarity.confusion import confusion
from polarity.tasks import IGNORE_INDEX


@pytest.mark.parametrize(("rows", "classes"), [(0, 2), (1, 2), (500, 2), (500, 7), (3, 200)])
@pytest.mark.parametrize("kind", [np.int8, np.int64])
def test_it_is_that_of_torchmetrics(rows: int, classes: int, kind: type) -> None:
    generator = np.random.default_rng(rows)
    labels, decided = (generator.integers(0, min(classes, 127), rows).astype(kind) for _ in range(2))
    labels[::3] = IGNORE_INDEX
    expected = multiclass_confusion_matrix(
        torch.from_numpy(decided.astype(np.int64)),
        torch.from_numpy(labels.astype(np.int64)),
        num_classes=classes,
        ignore_index=IGNORE_INDEX,
        validate_args=False,
    )
    found = confusion(labels, decided, classes)
    assert found.dtype == np.int64
    np.testing.assert_array_equal(found, expected.numpy())
