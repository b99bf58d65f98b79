"""What the settings of a corpus do to its splits, in each of the shapes that data come in."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from tempfile import mkdtemp
from typing import Any
from unittest import mock

from polarity.data.rows import Splits
from polarity.data.vader import RatedText
from tests.effects.outcome import Effect, Section, built
from tests.effects.settings import Special
from tests.effects.tables import files, nearly, parts, table, write

GIVEN = ("comments.csv", "newsframe", "org/name")  # what stands in the place of the user's own
OTHER = "other.csv"
ONE_SPLIT = {"_target_": "polarity.data.splitting.Split", "val": 0.3, "test": 0.2, "seed": 1}
SPECIAL: Special = {
    **{
        (corpus, setting): values
        for corpus in ("FileCorpus", "HubCorpus")
        for setting, values in {
            "path": [OTHER],
            "train": [OTHER],
            "val": [OTHER],
            "test": [OTHER],
            "text": ["extra"],
            "context": [None, "extra"],
            "id": [None, "id"],
            "metadata": [None, ["outlet"], []],
            "features": [{}, {"source": "category"}],
            "group": [None, "source"],
            "tasks": [
                {"stance": ["no", "yes", "none"]},
                {"view": {"column": "stance", "classes": ["none", "yes", "no"]}},
            ],
            "split": [ONE_SPLIT],
        }.items()
    },
    ("FileCorpus", "split_column"): [None, "part"],
    ("FileCorpus", "encoding"): ["cp1252", "utf-16"],
    ("FileCorpus", "delimiter"): [";"],
    ("FileCorpus", "quote"): [None, "'"],
    ("HubCorpus", "name"): ["german"],
    ("HubCorpus", "revision"): ["main"],
    ("VaderCorpus", "tasks"): [["sentiment"], ["consensus", "sentiment"]],
    ("VaderCorpus", "domains"): [None, ["tweets", "nyt"]],
    ("VaderCorpus", "cache_dir"): ["elsewhere"],
    ("Split", "group"): [None, "source", "domain"],
    ("Split", "stratify"): [[], ["source"], ["domain"]],
    ("Leakage", "threshold"): [0.6, 0.95],
    ("Leakage", "shingle"): [2, 9],
    ("Leakage", "min_length"): [5, 80],
}
TRIED_ELSEWHERE = {("FileCorpus", "header")}
"""No situation has data without a header, which it would take: tests/data/test_hidden_rows.py has them."""

ONLY_PLACES = {
    ("HubCorpus", "revision"): "which version is asked for; on the hub it is what its author made it",
    ("VaderCorpus", "cache_dir"): "where the fetched package is kept",
}


def loaded(section: Section) -> Effect:
    """Everything about the splits that comes after them: rows, order, labels, metadata and notes."""
    corpus = built("data", section)
    splits: Splits = corpus.load()
    rows = [
        (name, part.ids, part.text, part.context, part.labels, part.metadata, part.group)
        for name, part in splits.items()
    ]
    return Effect([[(task.name, task.classes) for task in splits.tasks], rows, splits.notes, corpus.features])


def from_files(section: Section, *, kind: str, shape: str, **leakage: str) -> Effect:
    """The section with its files in one of the shapes that they may have, and leaks of some sorts let through."""
    place = files(kind)
    named = {"one file": "all", "column": "all", "folder": "folder", "semicolons": "semicolons", "western": "western"}
    path = place[named[shape]] if shape in named else None
    own = {**section, "path": path if section["path"] in GIVEN else place["other"]}
    for name in ("train", "val", "test"):
        own[name] = place[name] if shape == "three files" else None
        own[name] = place["other"] if section[name] == OTHER else own[name]
    if shape == "column":
        own["split_column"] = section["split_column"] or "part"
    let = {sort: how for sort, how in leakage.items() if section["leakage"][sort] == "stop"}
    return loaded({**own, "leakage": {**section["leakage"], **let}})


FILE_SITUATIONS = (
    partial(from_files, kind="apart", shape="one file"),
    partial(from_files, kind="apart", shape="one file", exact="allow", near="allow"),
    partial(from_files, kind="apart", shape="semicolons"),
    partial(from_files, kind="apart", shape="western"),  # the only one that another encoding can read: UTF-8 is noticed
    partial(from_files, kind="apart", shape="three files"),
    partial(from_files, kind="apart", shape="folder"),
    partial(from_files, kind="apart", shape="column", near="allow"),
    partial(from_files, kind="leaking", shape="three files", exact="drop", near="drop"),
    partial(from_files, kind="leaking", shape="three files", exact="drop"),
    partial(from_files, kind="leaking", shape="three files", near="drop"),
    partial(from_files, kind="absent", shape="three files"),
)


def from_the_package(section: Section, *, together: bool = True, **leakage: str) -> Effect:
    """The embedded corpus with other texts in the package, some of them nearly the same, kept together or not."""
    asked = []

    def archive(_: Any, folder: Path) -> Path:
        asked.append(str(folder))
        return folder

    let = {sort: how for sort, how in leakage.items() if section["leakage"][sort] == "stop"}
    with (
        mock.patch("polarity.data.fetch.SourcePackage.archive", archive),
        mock.patch("polarity.data.vader.rated_texts", rated),
    ):
        split = section["split"] if together else {**section["split"], "near_duplicates_together": False}
        effect = loaded({**section, "split": split, "leakage": {**section["leakage"], **let}})
    return Effect(effect.numbers, places=asked)


def rated(_: Path) -> Iterator[RatedText]:
    everything = [row for rows in parts("leaking").values() for row in rows]
    for number, row in enumerate(everything):
        domain = ("tweets", "amazon", "movie", "nyt")[number % 4]
        ratings = [[3] * 20, [-3] * 14 + [0] * 6, [0] * 20, [3] * 10 + [-3] * 10][number // 4 % 4]
        yield RatedText(domain, f"{number // 8}_{number}", row["text"], ratings)


PACKAGE_SITUATIONS = (
    from_the_package,
    partial(from_the_package, near="allow", exact="allow"),
    partial(from_the_package, together=False, near="drop", exact="drop"),
    partial(from_the_package, together=False, near="drop"),
    partial(from_the_package, together=False, exact="drop"),
)


def from_a_folder(section: Section, *, kind: str, named: bool = False, **leakage: str) -> Effect:
    """A data set of the library `datasets` in a local folder, with its splits named or found."""
    path = {"one split": single, "two names": two_names}.get(kind, partial(saved, kind))()
    own = {**section, "path": path if section["path"] in GIVEN else single()}
    for name in ("train", "val", "test"):
        own[name] = "extra" if section[name] == OTHER else name if named else None
    let = {sort: how for sort, how in leakage.items() if section["leakage"][sort] == "stop"}
    return loaded({**own, "leakage": {**section["leakage"], **let}})


@cache
def saved(kind: str = "apart") -> str:
    import datasets

    with_one_more = {**parts(kind), "extra": table(40, 5)}
    made = {name: datasets.Dataset.from_list([dict(row) for row in rows]) for name, rows in with_one_more.items()}
    datasets.DatasetDict(made).save_to_disk(path := mkdtemp())
    return path


@cache
def single() -> str:
    import datasets

    rows = [*table(60, 6), *nearly(table(60, 6), 7)]
    datasets.Dataset.from_list([dict(row) for row in rows]).save_to_disk(path := mkdtemp())
    return path


@cache
def two_names() -> str:
    """A folder like a repository of the hub, with one data set by default and another one by name."""
    folder = Path(mkdtemp())
    write(folder / "english" / "train.csv", table(60, 7))
    write(folder / "german" / "train.csv", table(60, 8))
    names = "".join(
        f"- config_name: {name}\n  data_files: {name}/train.csv\n{extra}"
        for name, extra in (("english", "  default: true\n"), ("german", ""))
    )
    (folder / "README.md").write_text(f"---\nconfigs:\n{names}---\n")
    return str(folder)


def on_the_hub(section: Section) -> Effect:
    """What the library is asked for where the data are not here."""
    import datasets

    asked: list[Any] = []

    def load(**place: Any) -> Any:
        asked.append({key: place[key] for key in ("path", "name", "revision")})
        return datasets.load_from_disk(saved(), keep_in_memory=True)

    with mock.patch("datasets.load_dataset_builder"), mock.patch("datasets.load_dataset", load):
        effect = loaded(section)
    return Effect(effect.numbers, places=asked)


HUB_SITUATIONS: tuple[Callable[[Section], Effect], ...] = (
    partial(from_a_folder, kind="apart"),
    partial(from_a_folder, kind="absent"),
    partial(from_a_folder, kind="apart", named=True),
    partial(from_a_folder, kind="one split"),
    partial(from_a_folder, kind="one split", exact="allow", near="allow"),
    partial(from_a_folder, kind="two names"),
    partial(from_a_folder, kind="leaking", exact="drop", near="drop"),
    partial(from_a_folder, kind="leaking", exact="drop"),
    partial(from_a_folder, kind="leaking", near="drop"),
    on_the_hub,
)


@contextmanager
def offline() -> Iterator[None]:
    """The library keeps what it makes in a folder of its own."""
    import datasets

    with (
        mock.patch.object(datasets.config, "HF_DATASETS_CACHE", Path(mkdtemp())),
        mock.patch.object(datasets.config, "HF_HUB_OFFLINE", True),
    ):
        yield
