"""What marks the reading of texts: tokens and terms are in it, roundings are not."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from polarity.models.mark import mark_of, mark_of_reading
from polarity.models.ngrams.reader import NgramInputs


def inputs(weight: float = 0.5, term: int = 3, rows: int = 4) -> NgramInputs:
    """Each row has a term of its own, and ``term`` in the third."""
    table = np.zeros((rows, 9), dtype=np.float32)
    table[np.arange(rows), np.arange(rows)] = weight
    table[2, [2, term]] = weight, weight
    return NgramInputs(csr_matrix(table))


def test_another_processor_may_round_weights_otherwise() -> None:
    other = inputs(float(np.nextafter(np.float32(0.5), np.float32(1))))
    assert mark_of_reading(inputs(), 4) == mark_of_reading(other, 4)
    assert mark_of({}, [], inputs()) != mark_of({}, [], other)


@pytest.mark.parametrize(("rows", "noticed"), [(2, False), (3, True), (64, True)])
def test_other_terms_are_noticed_among_the_rows_that_are_marked(rows: int, noticed: bool) -> None:
    assert (mark_of_reading(inputs(), rows) != mark_of_reading(inputs(term=5), rows)) == noticed
