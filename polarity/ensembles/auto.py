"""All ways to put probabilities together, of which the best is looked at."""

from polarity.ensembles.average import Average
from polarity.ensembles.blend import Blend, Method
from polarity.ensembles.greedy import Greedy
from polarity.ensembles.stacking import Stacking
from polarity.ensembles.weighted import Weighted


class Auto(Method):
    """The plain average, weights, greedy selection and stacking, each with its own defaults.

    Soups, which are single models, are made only where they are asked for.
    """

    @property
    def blends(self) -> tuple[Blend, ...]:
        """The ways, the simplest first."""
        return Average(), Weighted(), Greedy(), Stacking()
