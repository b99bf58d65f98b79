"""What `conf/data/*.yaml` builds: an object that loads splits, or says everything that is wrong with them."""

from abc import ABC, abstractmethod

from polarity.data.rows import Splits


class Corpus(ABC):
    """A source of training, validation and (where there is one) test rows."""

    @abstractmethod
    def load(self) -> Splits:
        """Read, validate, split and check the data; nothing is written.

        :raises UserError: with everything found, over all files at once.
        """
