"""What `conf/data/*.yaml` builds: an object that loads splits, or says everything that is wrong with them."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from polarity.data.features import FeatureKind
from polarity.data.leakage import Leakage
from polarity.data.rows import Splits
from polarity.data.splitting import Split


class Corpus(ABC):
    """A source of training, validation and (where there is one) test rows; nothing is ever written.

    A corpus of your own has one method, ``read``.
    """

    leakage: Leakage | None = Leakage()
    """Looks for texts that stand in two splits, which stop the run unless a corpus has settings for it; None: nobody
    does."""
    split: Split | None = None
    """Makes the splits that the data do not have, and says what stays together in folds; None for the usual."""

    features: Mapping[str, FeatureKind] = MappingProxyType({})
    """Metadata columns that the model reads beside the text."""

    @abstractmethod
    def read(self) -> Splits:
        """Whatever rows can be read, also those that :meth:`check` would refuse; a split may have none.

        :raises UserError: if no table can be made of the data.
        """

    def sources(self) -> list[Path]:
        """The files that alone decide what :meth:`load` gives; none where there are others, or nobody knows."""
        return []

    def check(self, splits: Splits) -> Splits:
        """The splits as far as a model may be trained and scored on them.

        :raises UserError: with everything that speaks against it.
        """
        if self.leakage is None:
            return splits
        return self.leakage.check(splits, settable=self.leakage is not Corpus.leakage)

    def load(self) -> Splits:
        """Read and check the data.

        :raises UserError: with everything found, over all files at once.
        """
        return self.check(self.read())
