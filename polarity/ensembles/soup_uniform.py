"""The soup of all."""

from polarity.ensembles.soup import Soup, Standing


class SoupUniform(Soup):
    """The mean of the weights of all members."""

    def choose(self, members: int, standing: Standing) -> list[int]:
        return list(range(members))
