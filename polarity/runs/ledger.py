"""The test-split ledger: who has looked at which labelled rows, kept beside the data cache and never rewritten."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock

from polarity.config.recorded import RunSettings
from polarity.content import Config, Json
from polarity.errors import UserError
from polarity.files import read_object
from polarity.run import RunDirectory, configuration_hash, now
from polarity.wording import times

FOLDER = "ledger"
NO_CAUSE = ("seed", "output_dir", "cache_dir", "resume", "test", "run_dir", "logger", "reporting", "sweep")
"""Root settings that do not make another configuration: repetitions, where things are written, and what beside."""
NO_CAUSE_ANYWHERE = ("cache_dir", "micro_batch_size")
"""The same of settings at any place: where things are kept, and how much memory there was."""
PLACES = ("path", "train", "val", "test")
"""Of the data: the same rows may be read from several places, by several names."""
ON_ONE_DEVICE = {"accelerator": "auto", "devices": 1, "num_nodes": None, "strategy": None}
"""Of the Trainer, on what it is computed: a look counts as one at the configuration on one device, whatever it was."""


@dataclass(frozen=True)
class Evaluation:
    """One evaluation.

    :param run: folder of the run, or whatever else was evaluated.
    :param configuration: names the settings behind the score; seeds of one configuration share it.
    :param verb: what looked: train, evaluate, compare, baseline, ensemble.
    :param overall: what was seen; None where only differences were.
    :param tasks: macro-F1 by task.
    :param id: of the run, wherever its folder is; empty where nothing has one, or an earlier version has looked.
    """

    time: str
    run: str
    configuration: str
    verb: str
    overall: float | None
    tasks: dict[str, float | None]
    id: str = ""


@dataclass(frozen=True)
class Evaluations:
    """All evaluations of one split.

    :param damaged: a problem for each line of the ledger that cannot be read, so that the counts are too low.
    """

    entries: tuple[Evaluation, ...]
    damaged: tuple[str, ...] = ()

    @property
    def times(self) -> int:
        """How often somebody looked."""
        return len(self.entries)

    @property
    def configurations(self) -> int:
        """How many configurations were looked at."""
        return len({entry.configuration for entry in self.entries})


class Ledger:
    """One file of JSON lines for each fingerprint of labelled rows. Lines are only ever appended, each in one piece.

    :param cache: the folder of the data cache, as in :func:`ledger_of`.
    """

    def __init__(self, cache: Path) -> None:
        self.folder = cache / FOLDER

    def __repr__(self) -> str:
        return f"Ledger({str(self.folder)!r})"

    def path(self, fingerprint: str) -> Path:
        """The file of the rows with this fingerprint."""
        return self.folder / f"{fingerprint}.jsonl"

    def record(
        self,
        fingerprint: str,
        *,
        run: str | Path,
        configuration: str,
        verb: str,
        overall: float | None,
        tasks: Mapping[str, float | None],
        id: str = "",  # noqa: A002 - the key in the file
    ) -> None:
        """Append one line. Processes that do so at the same time wait for each other.

        :param fingerprint: of the rows; see :meth:`polarity.data.rows.Rows.fingerprint`.
        :param configuration: see :func:`configuration_name`.
        :raises UserError: if the ledger cannot be written; then the score must not be shown either.
        """
        evaluation = {
            "time": now(),
            "run": str(run),
            "configuration": configuration,
            "verb": verb,
            "overall": overall,
            "tasks": dict(tasks),
            "id": id,
        }
        line = json.dumps(evaluation, ensure_ascii=False, allow_nan=False).encode("utf-8", "backslashreplace") + b"\n"
        path = self.path(fingerprint)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            _append(path, line)
        except OSError as error:
            raise UserError(
                f"{path}: the ledger of looks at test splits cannot be written ({error}); without it no test score "
                "is shown; set cache_dir, or the environment's POLARITY_CACHE, to a folder that can be written"
            ) from error

    def evaluations(self, fingerprint: str) -> Evaluations:
        """What was recorded for these rows; none if nobody has looked.

        :raises UserError: if the file is there but cannot be read.
        """
        path = self.path(fingerprint)
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            return Evaluations(())
        except OSError as error:
            raise UserError(f"{path}: the ledger of looks at test splits cannot be read ({error})") from error
        entries, damaged = [], []
        for number, line in enumerate(content.splitlines(), 1):
            if line.strip():
                try:
                    entries.append(_parse(line))
                except (ValueError, KeyError, TypeError, AttributeError) as error:
                    damaged.append(f"{path}: line {number} is damaged ({type(error).__name__}: {error})")
        return Evaluations(tuple(entries), tuple(damaged))

    def sentence(self, fingerprint: str, rows: str = "this test split has") -> str:
        """For reports: "this test split has been looked at 3 times by 2 configurations".

        :param rows: what the fingerprint is of, with its verb.
        """
        evaluations = self.evaluations(fingerprint)
        often = "once" if evaluations.times == 1 else f"{evaluations.times} times"
        by = times(evaluations.configurations, "configuration")
        sentence = f"{rows} been looked at {often} by {by}"
        if not evaluations.times:
            sentence = "nobody has looked at this test split yet"
        if evaluations.damaged:
            lines = times(len(evaluations.damaged), "line")
            sentence += f", or more often: {lines} of its ledger cannot be read ({evaluations.damaged[0]})"
        return sentence


def ledger_of(config: Mapping[str, Any]) -> Ledger:
    """The ledger beside the data cache of a run.

    :param config: the run's resolved configuration.
    """
    return Ledger(RunSettings(config).cache)


def causes(config: Mapping[str, Any], rows: Mapping[str, Any] | None = None) -> Config:
    """The settings that make a configuration; not the seed, nor what decides where it is written, or how it fits.

    :param rows: of ``environment.json``, what the run saw; then it is these rows that count, and not where they stood.
    """

    def of(node: Any) -> Any:
        if not isinstance(node, Mapping):
            return node
        return {key: of(value) for key, value in node.items() if key not in NO_CAUSE_ANYWHERE}

    own = {key: of(value) for key, value in config.items() if key not in NO_CAUSE}
    if (learnt := learnt_from(rows)) and isinstance(data := own.get("data"), Mapping):
        own["data"] = {**{key: value for key, value in data.items() if key not in PLACES}, "rows": learnt}
    return own


def learnt_from(rows: Mapping[str, Any] | None) -> list[str]:
    """Fingerprints of what a run was trained and chosen on; empty where they are not known."""
    found = [((rows or {}).get(split) or {}).get("fingerprint") for split in ("train", "val")]
    return [str(mark) for mark in found] if all(found) else []


def configuration_name(
    config: Mapping[str, Any], rows: Mapping[str, Any] | None = None, *, decision: str = "stored"
) -> str:
    """Names what was looked at: runs that differ only by seed, by where they write or by their devices share it.

    :param config: the run's resolved configuration; ``rows`` as of :func:`causes`.
    :param decision: of the evaluation; another rule than the stored one is another configuration.
    """
    own = causes(config, rows)
    if isinstance(trainer := own.get("trainer"), Mapping):
        one = {**trainer, **ON_ONE_DEVICE}
        own["trainer"] = {key: value for key, value in one.items() if value is not None or key not in ON_ONE_DEVICE}
    name = configuration_hash(own)
    return name if decision == "stored" else f"{name}+{decision}"


def record_evaluation(
    run: RunDirectory,
    fingerprint: str,
    scores: Any,
    *,
    verb: str,
    decision: str = "stored",
    path: Path | None = None,
    rows: str = "this test split has",
) -> str:
    """Record that somebody saw these scores of a run; returns the sentence about all looks, this one included.

    :param scores: :class:`polarity.evaluation.metrics.Scores` of the rows.
    :param path: where the run's folder will be, if it is not there yet.
    :param rows: what they are, with its verb.
    """
    config = run.config
    ledger = ledger_of(config)
    ledger.record(
        fingerprint,
        run=(path or run.path).absolute(),
        id=id_of(run),
        configuration=configuration_name(config, seen_by(run), decision=decision),
        verb=verb,
        overall=scores.overall,
        tasks={name: task.macro_f1 for name, task in scores.tasks.items()},
    )
    return ledger.sentence(fingerprint, rows)


def id_of(run: RunDirectory) -> str:
    """What a run is known by, wherever its folder is."""
    return str(run.recorded.get("id", ""))


def seen_by(run: RunDirectory) -> Json | None:
    """What ``environment.json`` says of the rows that a run saw; None where nothing does."""
    found = read_object(run.environment).get("data") if run.environment.is_file() else None
    return found if isinstance(found, dict) else None


def _append(path: Path, line: bytes) -> None:
    with FileLock(path.with_suffix(".lock"), thread_local=False), path.open("ab+") as file:
        if file.tell():
            file.seek(-1, os.SEEK_END)
            if file.read(1) != b"\n":  # a writer was killed in the middle of its line: do not add to it
                line = b"\n" + line
        file.write(line)
        file.flush()
        os.fsync(file.fileno())


def _parse(line: bytes) -> Evaluation:
    entry = json.loads(line)
    numbers = {str(name): None if value is None else float(value) for name, value in entry["tasks"].items()}
    overall = None if entry["overall"] is None else float(entry["overall"])
    texts = {name: str(entry[name]) for name in ("time", "run", "configuration", "verb")}
    return Evaluation(overall=overall, tasks=numbers, id=str(entry.get("id", "")), **texts)
