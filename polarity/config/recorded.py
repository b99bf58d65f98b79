"""The settings of a run that are read again after it has begun, by typed names: nobody else knows where they stand."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from polarity.config.trust import Trust
from polarity.content import Config
from polarity.files import read_object
from polarity.paths import cache_dir
from polarity.run_files import PAIRS
from polarity.signature import TARGET
from polarity.tables.dialect import Dialect

if TYPE_CHECKING:
    from polarity.data.duplicates import NearDuplicates
    from polarity.reporting import Reporting


@dataclass(frozen=True)
class DataSettings:
    """How a run reads rows: columns and dialect, None where its data have no such setting.

    :param place: the data set's id, or a file or folder.
    :param kind: name of the corpus's class.
    :param group: column of rows that belong together.
    :param features: columns that the model reads beside the text.
    :param near: what the run's own check for leakage takes for nearly the same.
    :param pairs: whether rows are text pairs; None where nothing says so.
    """

    place: str | None
    kind: str
    text: str | None
    context: str | None
    id: str | None
    group: str | None
    features: tuple[str, ...]
    dialect: Dialect
    near: Mapping[str, Any]
    pairs: bool | None

    @classmethod
    def of(cls, data: Mapping[str, Any], *, pairs: bool | None = None) -> Self:
        """From the section ``data`` of a configuration.

        :param pairs: for data that have no setting that says so.
        """
        split, leakage = _mapping(data.get("split")), _mapping(data.get("leakage"))
        dialect = {name: data[name] for name in ("encoding", "delimiter", "quote", "header") if name in data}
        return cls(
            place=data.get("path") or data.get("train"),
            kind=str(data.get(TARGET, "")).rpartition(".")[2],
            text=data.get("text"),
            context=data.get("context"),
            id=data.get("id"),
            group=data.get("group") or split.get("group"),
            features=tuple(map(str, _mapping(data.get("features")))),
            dialect=Dialect(**dialect),
            near={name: leakage[name] for name in ("threshold", "shingle", "min_length") if name in leakage},
            pairs=data["context"] is not None if "context" in data else pairs,
        )

    @property
    def near_duplicates(self) -> "NearDuplicates":
        """That as a search."""
        from polarity.data.duplicates import NearDuplicates

        return NearDuplicates(**self.near)


class RunSettings:
    """Settings of a run by typed names.

    :param config: its resolved configuration; a setting is read when it is asked for.
    :param environment: its ``environment.json``, for what settings do not say; None for a run that has not begun.
    """

    def __init__(self, config: Mapping[str, Any], environment: Path | None = None) -> None:
        self._config, self._environment = config, environment

    @property
    def seed(self) -> int | None:
        """Of training."""
        seed: int | None = self._config.get("seed")
        return seed

    @property
    def cache(self) -> Path:
        """The folder of what can be made again."""
        return cache_dir(self._config.get("cache_dir"))

    @property
    def output_dir(self) -> str:
        """Where run folders are made."""
        return str(self._config["output_dir"])

    @property
    def resume(self) -> str | None:
        """Folder of the stopped run that is to go on."""
        folder = self._config.get("resume")
        return None if folder is None else str(folder)

    @property
    def sweep(self) -> Mapping[str, Any]:
        """Name and retry of the sweep that is asked for."""
        return self._section("sweep")

    @property
    def looks_at_test(self) -> bool:
        """Whether test is scored although it is a job of a sweep, of which one is chosen."""
        return self._config.get("test") is True and self._config.get("fold") is None

    @property
    def folds(self) -> int:
        """Folds of all repeats that a cross-validation has; 0 for a run of its own, such as that of one fold."""
        number = self._config.get("folds")
        return 0 if number is None or self._config.get("fold") is not None else number * self._config.get("repeats", 1)

    @property
    def trust(self) -> Trust:
        """Modules of others whose code a run's configuration may name."""
        trust: Trust = self._config.get("trust")
        return trust

    @property
    def first_member(self) -> Config | None:
        """Of an ensemble of one model the configuration of the run that it may be alone; None for any other."""
        if self._config.get("ensemble") is None or "model" not in self._config:
            return None
        return {name: value for name, value in self._config.items() if name != "ensemble"}

    @property
    def is_of_several(self) -> bool:
        """Whether it is an ensemble whose members answer together, a linear model among them or alone."""
        return self._config.get("ensemble") is not None and "model" not in self._config

    @property
    def encoder(self) -> str:
        """The last part of the encoder's name; of several models that answer together, just that."""
        if "model" not in self._config:
            return "ensemble"
        return _model_name(self._section("model"))

    @property
    def max_length(self) -> int:
        """Tokens of a row."""
        return int(self._section("batching")["max_length"])

    @property
    def max_context(self) -> float | None:
        """Share of them that a context may fill."""
        share: float | None = self._section("batching").get("max_context")
        return share

    @property
    def eval_batch_size(self) -> int:
        """Most rows per evaluation batch."""
        return int(self._section("batching")["eval_batch_size"])

    @property
    def precision(self) -> str:
        """Of the Trainer."""
        return str(self._section("trainer").get("precision"))

    @property
    def on_cpu(self) -> bool:
        """Whether the run was told to stay there."""
        return bool(self._section("trainer").get("accelerator") == "cpu")

    @property
    def monitor(self) -> str:
        """The score that chooses the best checkpoint."""
        return str(self._config["monitor"])

    @property
    def origin(self) -> str | None:
        """The run whose weights training began with, if it did."""
        return self._config.get("from")

    @property
    def teacher(self) -> str | None:
        """The run or ensemble that it learnt from, if it did."""
        of: str | None = self._section("regularizer").get("teacher")
        return of

    @property
    def refit(self) -> str | None:
        """Of a model that was trained on its validation rows as well: the run that had chosen how long."""
        of: str | None = self._section("refit").get("of")
        return of

    @property
    def epochs(self) -> int | None:
        """The most that it trains; None if there is no limit."""
        epochs = self._section("trainer").get("max_epochs")
        return epochs if isinstance(epochs, int) else None

    @property
    def devices(self) -> int | None:
        """How many a run is shared out over; None if it takes what there is."""
        devices = self._section("trainer").get("devices")
        if isinstance(devices, str) and "," in devices:
            devices = [name for name in devices.split(",") if name]
        if isinstance(devices, list):
            return len(devices)
        return int(str(devices)) if re.fullmatch("[0-9]+", str(devices)) else None

    @property
    def machines(self) -> int:
        """Over how many machines it is shared out, each with as many devices."""
        return int(self._section("trainer").get("num_nodes", 1))

    @property
    def on_one_device(self) -> bool:
        """Whether no more than one was asked for, or none in particular."""
        return self.machines == 1 and (self.devices == 1 or self._section("trainer").get("devices") in ("auto", None))

    @property
    def reporting(self) -> "Reporting":
        """What is reported; the defaults for runs that were made before there was a choice."""
        from polarity.reporting import Reporting

        section = self._section("reporting")
        return Reporting(**{name: value for name, value in section.items() if name != TARGET})

    @property
    def of_rows(self) -> Config:
        """All that says which rows are read."""
        return {name: self._config[name] for name in ("data", "limit")}

    @property
    def data(self) -> DataSettings:
        """How rows are read.

        :raises UserError: if settings do not say whether rows are pairs, and ``environment.json`` is damaged.
        """
        data, pairs = self._section("data"), None
        if "context" not in data and self._environment is not None and self._environment.exists():
            pairs = read_object(self._environment).get(PAIRS)
        return DataSettings.of(data, pairs=pairs)

    def of_ensemble(self, own: Config, *, one_model: bool) -> Config:
        """The configuration of an ensemble whose first member has this one.

        :param own: the ensemble's own settings; its rows and what is reported are those of the member.
        :param one_model: whether its model is one as that run's, and can be used as such.
        """
        shared = ("data", "limit", "reporting", "output_dir", "cache_dir")
        kept = self._config if one_model else {name: self._config[name] for name in shared if name in self._config}
        return {**kept, **own}

    def as_overrides(self, section: str, names: Iterable[str]) -> str:
        """Settings of a section as they are written on a command line."""
        node = self._section(section)
        return " ".join(f"{section}.{name}={node[name]}" for name in names if name in node)

    def _section(self, name: str) -> Mapping[str, Any]:
        return _mapping(self._config.get(name))


def _model_name(node: Mapping[str, Any]) -> str:
    """The last part of its name; of a model without one its class, with the models in it."""
    if node.get("name"):
        return Path(str(node["name"]).removeprefix("package:")).name
    inner = [_model_name(part) for key, part in node.items() if key != "pooling" and isinstance(part, Mapping)]
    kind = str(node.get(TARGET, "")).rpartition(".")[2]
    return f"{kind} ({', '.join(inner)})" if inner else kind


def _mapping(node: object) -> Mapping[str, Any]:
    return node if isinstance(node, Mapping) else {}
