"""The stages of a run, by the product's own functions, on rows that are made up: what scaling.py measures."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.big_files import TOKENIZER, classes_of
from polarity.tasks import IGNORE_INDEX, Task

EVALUATED = 0.15
"""Share of the rows in the split that is scored."""
Work = Callable[[], object]


class Made:
    """What a stage works on.

    :param folder: that the files of rows lie in, and the cache.
    """

    def __init__(self, folder: Path, rows: int, tasks: int, classes: int) -> None:
        self.folder, self.number, self.classes = folder, rows, classes_of(classes)
        self.tasks = tuple(Task(f"task{n}", tuple(self.classes), f"task{n}") for n in range(tasks))

    def config(self, kind: str = "parquet") -> dict[str, Any]:
        """Of the rows in the file; its cache is beside them."""
        part = "polarity.data"
        data = {
            "_target_": f"{part}.files.FileCorpus",
            "path": str(self.folder / f"rows.{kind}"),
            "text": "text",
            "tasks": {task.name: list(task.classes) for task in self.tasks},
            "leakage": {"_target_": f"{part}.leakage.Leakage", "exact": "drop", "near": "drop"},
            "split": {"_target_": f"{part}.splitting.Split"},
            "absent_classes": "warn",
        }
        limit = {"_target_": f"{part}.limit.Limit", "train": None, "val": None, "test": None}
        return {"data": data, "limit": limit, "cache_dir": str(self.folder / "cache")}

    def corpus(self, kind: str = "parquet") -> Any:
        """The object that reads the file."""
        from polarity.config.build import build

        return build("data", self.config(kind)["data"])

    def rows(self) -> Any:
        """All rows, by the shortest way."""
        import pyarrow.parquet as pq

        from polarity.data.rows import Rows

        table = pq.read_table(self.folder / "rows.parquet", columns=["text"])
        text = table["text"].to_pylist()
        return Rows([f"{number:016x}" for number in range(len(text))], text, None, self.labels(len(text)))

    def labels(self, rows: int) -> np.ndarray:
        """As in the file, int64 ``[rows, tasks]``."""
        generator, shares = np.random.default_rng(0), 1 / np.arange(1, len(self.classes) + 1)
        columns = []
        for _ in self.tasks:
            labels = generator.choice(len(self.classes), rows, p=shares / shares.sum())
            columns.append(np.where(generator.random(rows) < 0.1, IGNORE_INDEX, labels))
        return np.stack(columns, axis=1)

    def predictions(self) -> Any:
        """What a model that is right four times of five says about the evaluated share."""
        from polarity.evaluation.predictions import Predictions, TaskPredictions

        generator, rows = np.random.default_rng(1), max(1, int(EVALUATED * self.number))
        labels, said = self.labels(rows), []
        for number, task in enumerate(self.tasks):
            true = np.where(labels[:, number] < 0, 0, labels[:, number])
            other = generator.integers(0, len(task.classes), rows)
            decided = np.where(generator.random(rows) < 0.8, true, other)
            logits = generator.normal(size=(rows, len(task.classes))).astype(np.float32)
            logits[np.arange(rows), decided] += 4
            odds = np.exp(logits, dtype=np.float64)
            odds /= odds.sum(axis=1, keepdims=True)
            said.append(TaskPredictions(task, labels[:, number], logits.argmax(axis=1), logits, odds))
        sources = [f"source {number}" for number in generator.integers(0, 12, rows).tolist()]
        tokens = generator.integers(5, 60, rows)
        return Predictions([f"{number:016x}" for number in range(rows)], tuple(said), {"source": sources}, tokens)

    def reader(self) -> Any:
        """MiniLM's tokenizer."""
        from polarity.models.huggingface.loading import load_tokenizer
        from polarity.models.huggingface.reader import TokenReader
        from polarity.models.huggingface.sources import locate_encoder

        return TokenReader(load_tokenizer(locate_encoder(TOKENIZER, None), None))

    def sampler(self, labels: np.ndarray) -> Any:
        """Rare combinations of labels more often, fitted."""
        from polarity.samplers import JointSampler

        sampler = JointSampler(alpha=0.5, max_mult=10.0, boosts={}, rows_per_epoch=None)
        sampler.fit(labels, self.tasks, seed=0)
        return sampler


def reading(made: Made, kind: str = "parquet") -> Work:
    """A file to cells."""
    from polarity.tables.problems import Problems

    corpus = made.corpus(kind)
    return lambda: corpus.tables(Problems())


def checking(made: Made) -> Work:
    """Cells to rows with ids."""
    from polarity.data.ids import content_ids
    from polarity.data.validation import validate
    from polarity.tables.problems import Problems

    corpus = made.corpus()
    table = corpus.tables(Problems())[None]
    return lambda: content_ids(validate(table, corpus.columns, made.tasks, Problems()).rows)


def duplicates(made: Made) -> Work:
    """Groups of nearly the same texts."""
    from polarity.data.duplicates import NearDuplicates

    text = made.rows().text
    return lambda: NearDuplicates().groups(text)


def splitting(made: Made) -> Work:
    """Rows to splits, each row on its own."""
    from polarity.data.splitting import Split

    rows, split = made.rows(), Split(near_duplicates_together=False)
    return lambda: split.apply(rows, made.tasks)


def tokens(made: Made) -> Work:
    """Texts to token ids in the cache; the second time they are there."""
    rows, reader = made.rows(), made.reader()
    return lambda: reader.inputs(rows, 128, None, made.folder / "cache")


def sampler(made: Made) -> Work:
    """Weights of the rows, one draw, and the table of what it shows."""
    labels = made.labels(made.number)

    def work() -> None:
        fitted = made.sampler(labels)
        fitted.realised_exposure(fitted.draw(0))

    return work


def epoch(made: Made) -> Work:
    """From a fitted sampler to the first batch."""
    from polarity.data.plan import TrainBatches

    labels = made.labels(made.number)
    fitted = made.sampler(labels)
    plan = TrainBatches(
        sampler=fitted,
        labels=labels,
        class_numbers=[len(task.classes) for task in made.tasks],
        lengths=np.random.default_rng(0).integers(5, 60, made.number).astype(np.int32),
        batch_size=16,
        accumulate=3,
        mega_batches=50,
        seed=0,
    )
    return lambda: next(iter(plan))


def scores(made: Made) -> Work:
    """Confusion matrices, and the file of predictions written and read."""
    import torchmetrics.functional.classification  # noqa: F401 - seconds that do not belong to the stage

    from polarity.evaluation.metrics import score
    from polarity.evaluation.predictions import read_predictions, write_predictions

    said, path = made.predictions(), made.folder / "said.parquet"

    def work() -> None:
        score(made.tasks, said.labels, [item.predicted for item in said.tasks])
        write_predictions(path, said)
        read_predictions(path)

    return work


def intervals(made: Made) -> Work:
    """Intervals of all scores, 2,000 resamples."""
    from polarity.statistics import intervals as of

    said = made.predictions()
    return lambda: of(said, [item.predicted for item in said.tasks])


def report(made: Made) -> Work:
    """All that the report of a split shows: scores, slices, calibration, curves, mistakes, and their tables."""
    import torchmetrics.functional.classification  # noqa: F401 - as above

    from polarity.analysis import analyse
    from polarity.analysis.details import write_details

    said = made.predictions()
    return lambda: write_details(made.folder / "details", "model", {"test": analyse(said)})


def loading(made: Made) -> Work:
    """All before tokens: read, check, look for near-duplicates, split, look for leaks; the second time it is kept."""
    from polarity.config.build import load_corpus

    return lambda: load_corpus(made.config())


STAGES: dict[str, Callable[[Made], Work]] = {
    "reading CSV": lambda made: reading(made, "csv"),
    "reading Parquet": reading,
    "checking": checking,
    "near-duplicates": duplicates,
    "splitting": splitting,
    "all of these": loading,
    "all again": loading,
    "tokens": tokens,
    "tokens again": tokens,
    "sampler": sampler,
    "epoch start": epoch,
    "evaluation": scores,
    "intervals": intervals,
    "report": report,
}
WITHOUT_FILES = ("sampler", "epoch start", "evaluation", "intervals", "report")
