"""The embedded corpus: texts of four kinds, each rated by about twenty people."""

import io
import json
import math
import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from polarity.data.corpus import Corpus
from polarity.data.fetch import SourcePackage
from polarity.data.leakage import Leakage
from polarity.data.rows import Rows, Splits
from polarity.data.splitting import Split
from polarity.errors import UserError, nearest
from polarity.paths import cache_dir as default_cache_dir
from polarity.paths import expanded
from polarity.tasks import Task

PACKAGE = SourcePackage(
    "vaderSentiment", "3.3.2", sha256="5d7c06e027fc8b99238edb0d53d970cf97066ef97654009890b83703849632f9"
)
MEMBER = "vaderSentiment-3.3.2/additional_resources/hutto_ICWSM_2014.tar.gz"
FILES = {
    "tweets": "tweets",
    "amazon": "amazonReviewSnippets",
    "movie": "movieReviewSnippets",
    "nyt": "nytEditorialSnippets",
}
TASKS = {
    "sentiment": Task("sentiment", ("negative", "neutral", "positive"), "sentiment"),
    "consensus": Task("consensus", ("agreed", "mixed", "contested"), "consensus"),
}
METADATA = ("domain", "doc_id", "rating_mean", "rating_sd", "n_raters", "length")


class VaderCorpus(Corpus):
    """23,703 tweets, sentences of Amazon and film reviews and of New York Times editorials, rated from -4 to 4.

    Labels are recomputed from the single ratings. ``sentiment`` is the sign of their mean: negative up to -0.5,
    positive from 0.5. ``consensus`` is contested if at least a fifth of the raters is negative and a fifth positive,
    else agreed if four fifths have the same sign (or all but a fifth zero), else mixed.

    Metadata: ``domain`` (tweets, amazon, movie, nyt), ``doc_id`` (the review or article that a sentence is from),
    ``rating_mean``, ``rating_sd``, ``n_raters``, and ``length`` in words.

    The texts come with the MIT-licensed source package vaderSentiment 3.3.2 (Hutto and Gilbert, VADER, ICWSM 2014),
    which is fetched once.

    :param tasks: ``sentiment``, ``consensus`` or both, in this order.
    :param domains: only texts of these domains; null: all.
    :param split: makes the splits.
    :param leakage: looks for texts that stand in two splits.
    :param cache_dir: folder that keeps the package; null: that of the environment's ``POLARITY_CACHE``, or
        ``~/.cache/polarity``.
    """

    def __init__(
        self,
        *,
        tasks: list[str],
        domains: list[str] | None,
        split: Split,
        leakage: Leakage,
        cache_dir: str | None = None,
    ) -> None:
        problems = _name_problems("tasks", tasks, list(TASKS))
        problems += [] if domains is None else _name_problems("domains", domains, list(FILES))
        problems += [f"split.{problem}" for problem in split.problems(METADATA)]
        if problems:
            raise UserError(problems)
        self.tasks = tuple(TASKS[name] for name in tasks)
        self.domains = tuple(FILES) if domains is None else tuple(domains)
        self.split: Split = split
        self.leakage: Leakage = leakage
        self.cache_dir = cache_dir

    def __repr__(self) -> str:
        tasks = [task.name for task in self.tasks]
        return f"VaderCorpus(tasks={tasks}, domains={list(self.domains)}, {self.split}, {self.leakage})"

    def read(self) -> Splits:
        """Fetch the package if necessary, read the ratings, and split the texts."""
        rows = self.rows(self._archive())
        train, val, test = self.split.apply(rows, self.tasks, self.leakage.near_duplicates)
        notes = self.split.notes([train, val] if test is None else [train, val, test], self.tasks)
        return Splits(self.tasks, train, val, test, notes)

    def sources(self) -> list[Path]:
        """The archive of the package, which is fetched if necessary."""
        return [self._archive()]

    def _archive(self) -> Path:
        cache = default_cache_dir() if self.cache_dir is None else expanded(self.cache_dir)
        return PACKAGE.archive(cache / "packages")

    def rows(self, archive: Path) -> Rows:
        """All texts of the chosen domains, from the archive of the package."""
        texts = [text for text in rated_texts(archive) if text.domain in self.domains]
        metadata, labels = [text.metadata() for text in texts], [text.labels() for text in texts]
        return Rows(
            ids=[f"vader-{text.domain}-{text.number}" for text in texts],
            text=[text.text for text in texts],
            context=None,
            labels=np.array(
                [[task.classes.index(of[task.name]) for task in self.tasks] for of in labels], dtype=np.int64
            ),
            metadata={name: [values[name] for values in metadata] for name in METADATA},
            group=self.split.group,
        )


@dataclass(frozen=True)
class RatedText:
    """A text with its ratings.

    :param number: of the text in its domain; ``DOCUMENT_SENTENCE`` where there are documents.
    """

    domain: str
    number: str
    text: str
    ratings: Sequence[int]

    def labels(self) -> dict[str, str]:
        """The class of each task."""
        return {"sentiment": self._sentiment(), "consensus": self._consensus()}

    def _sentiment(self) -> str:
        doubled = 2 * sum(self.ratings)  # whole numbers, so that a mean of 0.5 is exactly that
        if abs(doubled) < len(self.ratings):
            return "neutral"
        return "positive" if doubled > 0 else "negative"

    def _consensus(self) -> str:
        raters, zero = len(self.ratings), self.ratings.count(0)
        negative = sum(rating < 0 for rating in self.ratings)
        positive = raters - negative - zero
        if 5 * min(negative, positive) >= raters:
            return "contested"
        return "agreed" if 5 * max(negative, zero, positive) >= 4 * raters else "mixed"

    def metadata(self) -> dict[str, str]:
        raters, total = len(self.ratings), sum(self.ratings)
        squares = sum(rating * rating for rating in self.ratings)
        return {
            "domain": self.domain,
            "doc_id": f"{self.domain}-{self.number.split('_')[0]}",
            "rating_mean": str(round(total / raters, 4)),
            "rating_sd": str(round(math.sqrt(raters * squares - total**2) / raters, 4)),
            "n_raters": str(raters),
            "length": str(len(self.text.split())),
        }


def rated_texts(archive: Path) -> Iterator[RatedText]:
    """The texts of all domains, in the order of their files."""
    files = _text_files(archive)
    for domain, stem in FILES.items():
        # Both files are sorted by hand, and not in the same way.
        ratings = {line.split("\t")[0]: line.split("\t")[-1] for line in files[f"{stem}_anonDataRatings.txt"]}
        for line in files[f"{stem}_GroundTruth.txt"]:
            number, _, text = line.split("\t", 2)
            yield RatedText(domain, number, text.strip(), json.loads(ratings[number]))


def _text_files(archive: Path) -> dict[str, list[str]]:
    """Lines of the files of the archive inside the archive, by name; in memory, so that no path in it is followed."""
    with tarfile.open(archive) as outer:
        inner = outer.extractfile(MEMBER)
        assert inner is not None
        content = io.BytesIO(inner.read())
    files = {}
    with tarfile.open(fileobj=content) as tar:
        for member in tar:
            name = member.name.rpartition("/")[2]
            file = tar.extractfile(member) if name.endswith(("_GroundTruth.txt", "_anonDataRatings.txt")) else None
            if file is not None:
                files[name] = file.read().decode("utf-8-sig").split("\r\n")  # some of them begin with a mark
    return files


def _name_problems(key: str, names: Sequence[str], valid: Sequence[str]) -> list[str]:
    problems = [] if names else [f"{key}: is empty; name at least one of {', '.join(valid)}"]
    for name in dict.fromkeys(names):
        if name not in valid:
            problems.append(f"{key}: no such one as {name!r}{nearest(name, valid)}")
        elif names.count(name) > 1:
            problems.append(f"{key}: names {name!r} twice")
    return problems
