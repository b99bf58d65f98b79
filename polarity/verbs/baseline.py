"""What ``python -m polarity.baseline`` does: what a model has to beat, in seconds."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from polarity.baselines import baselines, linear
from polarity.baselines.scores import HEADER, Scored, as_json, lines, score_baselines, table
from polarity.calibration.base import Calibration
from polarity.data.corpus import Corpus
from polarity.data.limit import Limit
from polarity.data.rows import Splits
from polarity.decisions.base import Decision
from polarity.errors import UserError
from polarity.evaluation.predictions import Predictions, write_predictions
from polarity.files import check_room, write_json
from polarity.paths import cache_dir, expanded
from polarity.progress import progress
from polarity.reporting import Resamples
from polarity.reports.console import RunConsole
from polarity.run import configuration_hash
from polarity.runs.ledger import Ledger
from polarity.spreadsheets import write_csv
from polarity.statistics.groups import about_groups


@dataclass(frozen=True)
class BaselineSettings:
    """The settings of ``conf/baseline.yaml``, where each is explained."""

    data: Corpus
    limit: Limit
    calibration: Calibration
    decision: Decision
    split: Literal["val", "test"] | None
    resamples: Resamples
    output: str | None
    cache_dir: str | None


def baseline(settings: BaselineSettings) -> Scored:
    """Make, score, print and store the baselines.

    :raises UserError: with everything that is wrong with settings and data; then nothing is written or shown.
    """
    cache = cache_dir(settings.cache_dir)
    folder = None if settings.output is None else expanded(settings.output)
    check_room(output=folder, cache_dir=cache)
    with progress("reading the data"):
        splits = settings.limit.apply(settings.data.load())
    problems = [f"calibration.{text}" for text in settings.calibration.problems(splits.tasks)]
    problems += [f"decision.{text}" for text in settings.decision.problems(splits.tasks)]
    wanted = [name for name, _ in splits.items() if name != "train" and settings.split in (None, name)]
    if not wanted:
        problems.append(f"split: the data have no {settings.split} split")
    if problems:
        raise UserError(problems)
    started = time.monotonic()
    with progress("baselines"):
        by_baseline = baselines(splits, cache, calibration=settings.calibration, decision=settings.decision)
    by_baseline = {name: {split: parts[split] for split in wanted} for name, parts in by_baseline.items()}
    seconds = time.monotonic() - started
    with progress("intervals"):
        scores = score_baselines(by_baseline, resamples=settings.resamples)
    notes = list(splits.notes)
    for split in wanted:
        rows = by_baseline["linear"][split]
        if rows.group is not None and settings.resamples:
            notes.append(f"{split}: {about_groups(rows.group, rows.metadata[rows.group])}")
    if "test" in scores:
        notes.append(_record(settings, cache, splits, scores))
    strengths = linear(splits, cache).strengths
    notes.append(f"C chosen on validation: {', '.join(f'{task} {c:g}' for task, c in strengths.items())}")
    notes.append(f"{seconds:.1f} s; kept in {cache / 'baselines'} for all runs on these rows")
    if folder is not None:
        _store(folder, by_baseline, scores, notes)
    _print(settings, scores, notes)
    return scores


def _record(settings: BaselineSettings, cache: Path, splits: Splits, scores: Scored) -> str:
    """Note in the ledger that the baselines' scores on the test split were seen: once, with those of the best."""
    assert splits.test is not None
    ledger, mark = Ledger(cache), splits.test.fingerprint()
    about = {"train": splits.train.fingerprint(), "val": splits.val.fingerprint()}
    rule = [repr(settings.calibration), repr(settings.decision)]
    name, (best, _) = max(scores["test"].items(), key=lambda item: item[1][0].overall or 0.0)
    ledger.record(
        mark,
        run=f"baselines, the best of them {name}",
        configuration=configuration_hash({"baselines": sorted(scores["test"]), **about, "rule": rule}),
        verb="baseline",
        overall=best.overall,
        tasks={task: value.macro_f1 for task, value in best.tasks.items()},
    )
    return ledger.sentence(mark)


def _store(folder: Path, by_baseline: dict[str, dict[str, Predictions]], scores: Scored, notes: list[str]) -> None:
    for name, parts in by_baseline.items():
        for split, predictions in parts.items():
            write_predictions(folder / name / "predictions" / f"{split}.parquet", predictions)
    write_csv(folder / "baselines.csv", HEADER, lines(scores))
    write_json(folder / "baselines.json", {**as_json(scores), "notes": notes})


def _print(settings: BaselineSettings, scores: Scored, notes: list[str]) -> None:
    console = RunConsole(None)
    for split, of_split in scores.items():
        console.print(table(split, of_split))
    for note in notes:
        console.print(f"- {note}")
    if "val" in scores:
        console.print("- linear+rule on val: cross-fitted, each row decided by a rule that has not seen it")
    if settings.output is not None:
        console.print(f"- everything is in {settings.output}")
