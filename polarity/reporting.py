"""What a finished run writes beside its scores."""

from typing import Annotated

from pydantic import Field

from polarity.component import Component

Resamples = Annotated[int, Field(ge=100)]
"""Bootstrap resamples; with fewer than 100 there is no 2.5 % quantile to speak of."""


class Reporting(Component):
    """Settings of the report.

    :param baselines: score the majority class and a linear model on the same rows.
    :param texts: write texts of the worst mistakes; else no file of the run holds a text of the data.
    :param resamples: of the bootstrap behind every interval.
    """

    def __init__(self, *, baselines: bool = True, texts: bool = True, resamples: Resamples = 2000) -> None:
        self.baselines = baselines
        self.texts = texts
        self.resamples = resamples
