"""Data sets of the Hugging Face `datasets` library: by id, or from a local folder."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from tempfile import TemporaryDirectory
from typing import Any, Unpack

from polarity.data.columns import TableSettings, unused_split
from polarity.data.locate import locate, missing
from polarity.data.split_names import SplitName, split_name
from polarity.data.table import whole_table
from polarity.data.table_corpus import TableCorpus, Tables
from polarity.errors import UserError, nearest
from polarity.tables.parquet import ArrowReader
from polarity.tables.problems import Problems

PATIENCE = 3
"""Seconds for a hub that does not answer."""

_SAVED = ("dataset_dict.json", "state.json")
"""What ``save_to_disk`` leaves in a folder."""
_AS_FILE = "data=csv data.path=FILE data."
"""Settings of text files, of which the library knows none."""


class HubCorpus(TableCorpus):
    """Rows from a data set of the hub, by its id or from a local folder. It needs the extra ``polarity[hub]``.

    A local folder is one that ``save_to_disk`` wrote, or one laid out like a repository of the hub.
    Columns, tasks, labels, splits and leakage are as in :class:`polarity.data.files.FileCorpus`; labels that the data
    set keeps as class numbers with names (``ClassLabel``) read as their names.

    :param path: id on the hub (``org/name``) or local folder.
    :param name: configuration of the data set (often a language); null: its only one.
    :param revision: branch, tag or commit on the hub; null: the newest.
    :param train: the data set's split to train on; null: the one that is called so (train, training).
    :param val: the same for validation (val, valid, validation, dev). If there is none, ``split.test=0`` cuts it from
        the training rows.
    :param test: the same for the test (test, testing); null, and no such split: no test.
    :param shared: see :class:`polarity.data.columns.TableSettings`.
    """

    def __init__(
        self,
        *,
        path: str,
        name: str | None = None,
        revision: str | None = None,
        train: str | None = None,
        val: str | None = None,
        test: str | None = None,
        **shared: Unpack[TableSettings],
    ) -> None:
        problems = [] if path.strip() else ["path: give the id of a data set, or a folder"]
        self.path, self.name, self.revision = path, name, revision
        self.named: dict[SplitName, str | None] = {"train": train, "val": val, "test": test}
        given = [split_ for split_ in self.named.values() if split_ is not None]
        if given and train is None:
            problems.append("train: name it, too, since others are named")
        if len(set(given)) < len(given):
            problems.append("train: one split of the data set is named for two purposes; leakage would be complete")
        if train is not None and val is not None:
            problems += unused_split(shared.get("split"), "the data set")
        super().__init__(problems, **shared)

    def __repr__(self) -> str:
        place = f"{self.path!r}, name={self.name!r}, revision={self.revision!r}"
        return f"HubCorpus({place}, {self.described()})"

    def tables(self, problems: Problems) -> Tables:
        """Load the data set."""
        tables = self._tables()
        chosen = self._chosen(list(tables), problems)
        if problems:
            raise UserError(problems.lines())
        read = {
            name: whole_table(ArrowReader(f"{self.path} [{split}]", tables[split], _AS_FILE), problems)
            for name, split in chosen.items()
        }
        unread = [split for split in tables if split not in chosen.values()]
        for table in read.values():
            if unread and table is not None:
                table.notes.append(f"{self.path}: splits that are not read: {', '.join(unread)}")
                break
        return read

    def _tables(self) -> dict[str, Any]:
        """Arrow tables by the data set's own names of its splits."""
        try:
            import datasets
        except ImportError as error:
            raise UserError(
                f"data: {self.path} needs the package `datasets` ({error}); install it with pip install 'polarity[hub]'"
            ) from error
        folder = locate(self.path)
        if folder.is_file():
            raise UserError(f"data.path: {self.path} is a file; use data=csv data.path={self.path}")
        if not folder.is_dir() and (self.path.startswith((".", "/", "~")) or self.path.count("/") > 1):
            raise UserError(missing("data.path", folder))
        saved = any((folder / name).is_file() for name in _SAVED)
        ignored = {"revision": folder.is_dir() and self.revision, "name": saved and self.name}
        if any(ignored.values()):
            what = "a folder that save_to_disk wrote" if saved else "a local folder"
            raise UserError(
                f"data.{key}: has no effect, since {self.path} is {what}; set it to null"
                for key, value in ignored.items()
                if value
            )
        unreachable: list[str] = []
        try:
            if saved:
                return _arrow_tables(datasets.load_from_disk(str(folder), keep_in_memory=True))
            if folder.is_dir():
                # The library would leave a converted copy in its cache for every version of the folder.
                with TemporaryDirectory() as cache, _no_progress_bars():
                    return _arrow_tables(self._load_dataset(str(folder), cache_dir=cache, keep_in_memory=True))
            with _offline_if_unreachable(self.path, unreachable):
                return _arrow_tables(self._load_dataset(self.path))
        except Exception as error:  # the library raises errors of many kinds, of its own and of its dependencies
            if unreachable:
                raise UserError(
                    f"data.path: {self.path!r} is no folder here, is not in the cache, and the hub cannot be reached "
                    f"({unreachable[0]}); give data.path=FOLDER with a downloaded copy"
                ) from error
            text = " ".join(str(error).split())
            if "Config name is missing" in text or "BuilderConfig" in text:
                named = re.search(r"\[.*?\]", text)
                raise UserError(
                    f"data.name: {'has to be given' if self.name is None else f'there is no {self.name!r}'}; "
                    f"{self.path!r} has {named[0] if named else 'several configurations'}"
                ) from error
            raise UserError(
                f"data.path: `datasets` cannot load {self.path!r} ({type(error).__name__}: {text})"
            ) from error

    def _load_dataset(self, path: str, **options: Any) -> Any:
        import datasets

        place = {"path": path, "name": self.name, "revision": self.revision}
        builder = datasets.load_dataset_builder(**place, cache_dir=options.get("cache_dir"))
        if hasattr(builder.config, "keep_default_na"):
            # By default pandas would read class names such as "none" and "NA" in CSV files as missing.
            options |= {"keep_default_na": False, "na_values": [""]}
            if builder.info.features is None:
                options["features"] = _all_text(builder.config)
        return datasets.load_dataset(**place, **options)

    def _chosen(self, splits: list[str], problems: Problems) -> dict[SplitName | None, str]:
        """The data set's split for each of ours."""
        if any(self.named.values()):
            for name, split in self.named.items():
                if split is not None and split not in splits:
                    hint = nearest(split, splits, what="splits")
                    problems.add(f"data.{name}: {self.path} has no split {split!r}{hint}")
            return {name: split for name, split in self.named.items() if split is not None}
        found: dict[SplitName, list[str]] = {"train": [], "val": [], "test": []}
        for split in splits:
            if (called := split_name(split)) is not None:
                found[called].append(split)
        if len(splits) == 1:
            return {None: splits[0]}
        cut = self.split is not None and self.split.test == 0
        for name, candidates in found.items():
            if len(candidates) > 1 or (not candidates and (name == "train" or (name == "val" and not cut))):
                what = "several splits" if candidates else "no split"
                problems.add(
                    f"data.{name}: {self.path} has {what} called so; name all that are to be used, as "
                    f"data.train=... data.val=... data.test=... (splits: {', '.join(splits)})"
                )
        return {name: candidates[0] for name, candidates in found.items() if candidates}


def _all_text(config: Any) -> Any:
    """Features by which every cell of CSV files stays the text that it is, instead of what it looks like."""
    import datasets
    import fsspec
    import pandas as pd

    first = next(iter(config.data_files.values()))[0]
    with fsspec.open(first, "rb", compression="infer") as file:
        header = pd.read_csv(file, **config.pd_read_csv_kwargs | {"nrows": 0, "chunksize": None})
    return datasets.Features({column: datasets.Value("string") for column in header.columns})


@contextmanager
def _offline_if_unreachable(path: str, reasons: list[str]) -> Iterator[None]:
    """Ask a hub that does not answer once, for some seconds, instead of 24; a copy in the cache is still used.

    :param reasons: gets why it cannot be reached.
    """
    import datasets
    from huggingface_hub import HfApi, constants
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    offline = False
    try:
        HfApi().dataset_info(path, timeout=PATIENCE)
    except (HfHubHTTPError, HFValidationError):
        pass  # the hub has answered, and the library tells what it said
    except Exception as error:  # noqa: BLE001 - whatever the HTTP client raises, the hub cannot be used
        offline = True
        reasons.append("HF_HUB_OFFLINE is set" if constants.HF_HUB_OFFLINE else str(error).partition("\n")[0])
    before = (constants.HF_HUB_OFFLINE, datasets.config.HF_HUB_OFFLINE)
    try:
        constants.HF_HUB_OFFLINE = before[0] or offline
        datasets.config.HF_HUB_OFFLINE = before[1] or offline
        yield
    finally:
        constants.HF_HUB_OFFLINE, datasets.config.HF_HUB_OFFLINE = before


@contextmanager
def _no_progress_bars() -> Iterator[None]:
    import datasets

    on = not datasets.are_progress_bars_disabled()
    datasets.disable_progress_bars()
    try:
        yield
    finally:
        if on:
            datasets.enable_progress_bars()


def _arrow_tables(loaded: Any) -> dict[str, Any]:
    splits = loaded if isinstance(loaded, Mapping) else {"all": loaded}
    return {str(name): _arrow(split) for name, split in splits.items()}


def _arrow(split: Any) -> Any:
    """One split as an Arrow table, with class names in the place of class numbers."""
    import datasets
    import pyarrow as pa
    import pyarrow.compute as pc

    table = split.with_format("arrow")[:]
    for column, feature in split.features.items():
        if isinstance(feature, datasets.ClassLabel):
            numbers = table[column]
            known = pc.if_else(pc.greater_equal(numbers, 0), numbers, None)  # -1: the label is withheld
            table = table.set_column(table.column_names.index(column), column, pc.take(pa.array(feature.names), known))
    return table
