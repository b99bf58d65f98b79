"""All checks, one after the other."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import Field

from polarity.baselines.crossval import out_of_fold
from polarity.baselines.suite import linear
from polarity.data.corpus import Corpus
from polarity.data.limit import Limit
from polarity.data.reading import Reader
from polarity.errors import UserError
from polarity.inspection import findings
from polarity.inspection.association import joint_counts
from polarity.inspection.conflicts import conflicts
from polarity.inspection.counts import task_counts, unlabelled
from polarity.inspection.duplicates import duplicates
from polarity.inspection.groups import check_columns, group_columns
from polarity.inspection.labels import check_labels
from polarity.inspection.languages import languages
from polarity.inspection.lengths import lengths
from polarity.inspection.loading import Loaded, load_as_it_is
from polarity.inspection.pool import Pool
from polarity.inspection.result import Inspection, Lengths, TaskLabels
from polarity.inspection.shift import shifts
from polarity.models.encoder import EncoderSettings
from polarity.models.metadata import feature_problems
from polarity.privacy import show_texts
from polarity.run import now
from polarity.settings import PositiveInt, Seed

Folds = Annotated[int, Field(ge=2)]


@dataclass(frozen=True, kw_only=True)
class Inspector:
    """What is looked at, and how much of it is shown.

    :param model: that is to read the texts; None to count characters.
    :param max_length: tokens that the model is to read.
    :param max_context: share of them that a context may fill; None: any.
    :param groups: metadata columns whose values should not stand in two splits; None for that of ``data.split.group``.
    :param language: metadata column that tells the language; None to look for one by its name.
    :param labels: whether labels are checked by cross-validated linear models, the costly part.
    :param folds: parts of each cross-validation.
    :param repeats: cross-validations, each with other parts.
    :param seed: of the parts.
    :param most: rows or groups in each list; None for all.
    :param texts: whether texts are shown, and values of other columns than that of the language.
    :param cache: folder where the linear models' probabilities are kept.
    """

    model: EncoderSettings | None
    max_length: PositiveInt
    max_context: float | None
    groups: Sequence[str] | None
    language: str | None
    labels: bool
    folds: Folds
    repeats: PositiveInt
    seed: Seed
    most: PositiveInt | None
    texts: bool
    cache: Path

    def inspect(self, corpus: Corpus, limit: Limit) -> Inspection:
        """Load and check the data; nothing is written but the cache.

        :raises UserError: data of which no table can be made, or columns that they do not have.
        """
        show_texts(self.texts)
        loaded = load_as_it_is(corpus, limit)
        splits = loaded.splits
        pool = Pool.of(splits, loaded.near_duplicates, show_texts=self.texts)
        asked = list(self.groups if self.groups is not None else filter(None, [loaded.group]))
        check_columns(pool, asked, "groups")
        check_columns(pool, [] if self.language is None else [self.language], "language")
        counts, joint = task_counts(pool), joint_counts(pool)
        name = None if self.model is None else self.model.title
        reader = (
            None if self.model is None else self.model.make_reader(splits.train if len(splits.train) else pool.rows)
        )
        counted, problems = self._lengths(pool, reader, name)
        repeated, conflicting = duplicates(pool, self.most), conflicts(pool, self.most)
        crossing, spoken = group_columns(pool, asked), languages(pool, self.language)
        checked = self._labels(loaded, pool, asked)
        if corpus.features and len(splits.train) and not loaded.stops:
            problems = (*problems, *feature_problems(corpus.features, splits))
        found = [
            *findings.of_training([*loaded.stops, *problems], loaded.notes),
            *findings.of_counts(counts),
            *findings.of_association(joint),
            *findings.of_lengths(counted, self.max_context),
            *(findings.of_vocabulary(reader, pool.rows.text, name) if reader and counted.tokenizer else ()),
            *findings.of_duplicates(repeated, conflicting),
            *findings.crossing_groups(crossing),
            *findings.of_languages(spoken),
            *shifts(pool),
            *findings.of_labels(checked),
        ]
        return Inspection(
            source=repr(corpus),
            time=now(),
            fingerprints={name: rows.fingerprint() for name, rows in splits.items()},
            rows={name: len(rows) for name, rows in splits.items()},
            unlabelled=unlabelled(pool),
            findings=findings.ranked(found),
            counts=counts,
            joint=joint,
            lengths=counted,
            duplicates=repeated,
            conflicts=conflicting,
            groups=crossing,
            languages=spoken,
            labels=checked,
        )

    def _lengths(self, pool: Pool, reader: Reader | None, name: str | None) -> tuple[Lengths, tuple[str, ...]]:
        """Lengths in characters where the texts cannot be tokenised, and why training would stop at them."""
        try:
            limited = self.model is None or self.model.limited
            return lengths(pool, reader, name, self.max_length, self.max_context, limited=limited), ()
        except UserError as error:
            return lengths(pool, None, None, self.max_length), error.problems

    def _labels(self, loaded: Loaded, pool: Pool, asked: Sequence[str]) -> tuple[TaskLabels, ...]:
        if not self.labels:
            return ()
        units, by = pool.joined(asked), list(asked)
        if len(np.unique(units)) < self.folds:  # too few for whole ones to be left out
            units, by = pool.group, []
        splits = loaded.splits
        strengths = linear(splits, self.cache).strengths if len(splits.train) and len(splits.val) else {}
        probabilities = out_of_fold(
            splits,
            pool.rows,
            units,
            self.cache,
            strengths=strengths,
            folds=self.folds,
            repeats=self.repeats,
            seed=self.seed,
        )
        return tuple(replace(one, whole=tuple(by)) for one in check_labels(pool, probabilities, self.most))
