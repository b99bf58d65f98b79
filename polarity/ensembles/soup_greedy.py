"""The soup of those that help."""

from polarity.ensembles.soup import Soup, Standing


class SoupGreedy(Soup):
    """From the best member on, in the order of their validation scores, each that does not make the soup worse."""

    def choose(self, members: int, standing: Standing) -> list[int]:
        order = sorted(range(members), key=lambda member: (-standing([member]), member))
        chosen, reached = order[:1], standing(order[:1])
        for member in order[1:]:
            if (together := standing([*chosen, member])) >= reached:
                chosen, reached = [*chosen, member], together
        return chosen
