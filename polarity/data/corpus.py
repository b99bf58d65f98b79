"""What `conf/data/*.yaml` builds: an object that loads splits, or says everything that is wrong with them."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from polarity.data.features import FeatureKind
from polarity.data.grouping import crossing_notes
from polarity.data.leakage import Leakage
from polarity.data.presence import AbsentClasses, alike_notes, presence, unlabelled_notes
from polarity.data.rows import Splits
from polarity.data.soundness import unsound
from polarity.data.splitting import Split
from polarity.errors import UserError
from polarity.wording import times


class Corpus(ABC):
    """A source of training, validation and (where there is one) test rows; nothing is ever written.

    A corpus of your own has one method, ``read``.
    """

    leakage: Leakage | None = Leakage()
    """Looks for texts that stand in two splits, which stop the run unless a corpus has settings for it; None: nobody
    does."""
    absent_classes: AbsentClasses = "warn"
    """What is done about classes without a row in validation or test; in training there has to be one."""

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
        if problems := self.unsound(splits):
            raise UserError(problems)
        before = len(splits.train)
        if self.leakage is not None:
            try:
                splits = self.leakage.check(splits, settable=self.leakage is not Corpus.leakage)
            except UserError as error:
                problems += error.problems
        wrong, notes = presence(splits.tasks, splits.items(), self.absent_classes)
        if dropped := before - len(splits.train):
            why = f"; data.leakage has left {times(dropped, 'row')} out of train, perhaps all of this class"
            wrong = [f"{text}{why}" if text.startswith("train:") else text for text in wrong]
        if problems or wrong:
            raise UserError([*problems, *wrong])
        splits.notes += [
            *alike_notes(splits.tasks),
            *notes,
            *unlabelled_notes(splits.items()),
            *crossing_notes(splits.items()),
        ]
        return splits

    def unsound(self, splits: Splits) -> list[str]:
        """A problem for everything that a table would not have been read with; none where reading has told it."""
        return unsound(splits)

    def load(self) -> Splits:
        """Read and check the data.

        :raises UserError: with everything found, over all files at once.
        """
        return self.check(self.read())
