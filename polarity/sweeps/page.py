"""``sweep.html``, from the folders of a sweep's jobs."""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from polarity.comparison.chosen import SHOWN, Ranking
from polarity.comparison.grouping import configuration_of
from polarity.config.recorded import RunSettings
from polarity.config.shown import flat
from polarity.content import Config, Json
from polarity.errors import UserError
from polarity.files import read_object
from polarity.quoting import command_line
from polarity.reports.html.numbers import duration
from polarity.reports.html.run.history import number
from polarity.reports.html.sweep.content import SweepContent, Trial
from polarity.reports.html.sweep.report import write_sweep_report
from polarity.runs.ledger import seen_by
from polarity.spreadsheets import read_csv
from polarity.sweeps.folder import AskedSweep, Sweep
from polarity.sweeps.job import Job
from polarity.wording import times

PAGE = "sweep.html"
SEED = "seed"


def write_page_of(sweep: Sweep, rows: Sequence[Json], ranking: Ranking, remaining: Sequence[str]) -> Path:
    """Write the page of a sweep into its folder; returns its path.

    :param rows: of its table, see :func:`polarity.sweeps.table.job_rows`.
    :param ranking: of the finished ones.
    :param remaining: what can be done about jobs that are not finished.
    """
    asked, jobs = sweep.asked, {job.name: job for job in sweep.jobs}
    trials, machine, monitor = [], dict[str, None](), ""
    for row in rows:
        if row["state"] == "damaged":
            continue
        job = jobs[row["folder"]]
        config = job.run.config
        settings = RunSettings(config)
        gpus = [] if settings.on_cpu else _gpus(job)
        monitor = monitor or settings.monitor
        machine |= dict.fromkeys(gpus)
        given = max(0, settings.devices or 0)  # -1 takes what there is
        devices = settings.machines * (min(given or len(gpus), len(gpus)) if gpus else given or 1)
        trial = trial_of(job, row, values_of(job, config, asked.space), settings=settings, devices=devices)
        trials.append(replace(trial, configuration=configuration_of(config, _rows(job))))
    content = SweepContent(
        name=sweep.path.name,
        started=asked.started,
        commands=asked.commands,
        searched={key: values for key, values in asked.space.items() if key != SEED},
        monitor=monitor,
        trials=trials,
        best=ranking.best,
        apart=ranking.apart,
        unread=shown_unread(ranking),
        advice=advice(sweep, asked, ranking),
        looks=looks_at_test(sweep),
        remaining=remaining,
        machine=f"on {', '.join(machine)}" if machine else "on CPU",
    )
    return write_sweep_report(content, sweep.path / PAGE)


def values_of(job: Job, config: Config, space: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """The values of what is searched, but for the seed, as they were asked for.

    A job from before a setting was searched has that of its configuration, if it is one; which presets it had is not
    looked up.
    """
    given = dict(text.lstrip("+~").partition("=")[::2] for text in job.changed)
    held = {key: _as_asked(value, space[key]) for key, value in flat(config).items() if key in space}
    known = held | given
    return {key: known[key] for key in space if key in known and key != SEED}


def trial_of(job: Job, row: Json, values: Mapping[str, str], *, settings: RunSettings, devices: int) -> Trial:
    """A job as the page shows it.

    :param row: of the table.
    :param devices: on which it ran.
    """
    run, history = job.run, _history(job)
    curve = [(number(line.get("epoch", "")) + 1, number(line.get(settings.monitor, ""))) for line in history]
    return Trial(
        name=job.name,
        state=row["state"],
        values=values,
        seed=settings.seed,
        score=row.get("overall"),
        tasks={key.removesuffix("/macro_f1"): row[key] for key in row if key.endswith("/macro_f1")},
        monitored=row.get("monitored"),
        epoch=row.get("best epoch"),
        curve=curve,
        seconds=sum(seconds for line in history if (seconds := number(line.get("seconds", ""))) > 0),
        devices=devices,
        ended=_sorting(str(run.recorded.get("ended", ""))),
        remark=row["error"] or _progress(row),
        report=f"{job.name}/{run.report.name}" if run.report.is_file() else "",
    )


def advice(sweep: Sweep, asked: AskedSweep, ranking: Ranking) -> dict[str, str]:
    """Commands for the configuration that is recommended."""
    if ranking.winner is None:
        return {}
    name = ranking.winner.recommended[0].name
    place = ["--config-dir", asked.config_dir] if asked.config_dir else []
    place += ["--config-name", asked.config_name] if asked.config_name != "train" else []
    output = f"{asked.config_dir}/best.yaml" if asked.config_dir else "best.yaml"  # beside presets that it may name
    return {
        "What is recommended, as a preset": command_line("sweep", str(sweep.path), "best", f"output={output}"),
        f"The same as a command line, in {asked.folder}": command_line("train", *place, *asked.jobs[name]),
        f"Its score on test, {'one look more' if looks_at_test(sweep) else 'which is looked at once'}": command_line(
            "evaluate", f"run={sweep.path / name}", "split=test"
        ),
    }


def looks_at_test(sweep: Sweep) -> str:
    """How many jobs have scored the test split, in words; empty if none has."""
    looks = sum(job.settings.looks_at_test for job in sweep.finished)
    if not looks:
        return ""
    return f"test=true: {times(looks, 'job')} looked at test, and each look counts; choose by validation"


def shown_unread(ranking: Ranking) -> list[str]:
    """The first reasons why jobs are left out of the choice, and how many others there are."""
    more = times(len(ranking.unread) - SHOWN, "other")
    return [*ranking.unread[:SHOWN], *([f"left out: {more}"] if len(ranking.unread) > SHOWN else [])]


def _as_asked(value: object, asked: Sequence[str]) -> str:
    """A value of a configuration as it was written, or would be."""
    written = value if isinstance(value, str) else json.dumps(value, default=str)
    return next((text for text in asked if text == written or number(text) == value), written)


def _sorting(moment: str) -> str:
    """A moment in a form that sorts, whatever zone it was noted in; empty if it is none."""
    with suppress(ValueError):
        return datetime.fromisoformat(moment).astimezone(UTC).isoformat(timespec="milliseconds")
    return ""


def _history(job: Job) -> list[dict[str, str]]:
    """What its epochs have left; nothing if that cannot be read, since the page is about the others as well."""
    with suppress(UserError):
        return read_csv(job.run.history)
    return []


def _progress(row: Json) -> str:
    if "done" not in row:
        return ""
    left = f", {duration(row['left'])} left" if "left" in row else ""
    return f"{times(row['done'], 'epoch')} done{left}"


def _rows(job: Job) -> Json | None:
    """What its run saw; None where that cannot be read, which keeps it out of the ranking."""
    with suppress(UserError):
        return seen_by(job.run)
    return None


def _gpus(job: Job) -> list[str]:
    """Names of those that its process could see; none before it has begun, and on CPU."""
    with suppress(UserError):
        return list(read_object(job.run.environment).get("devices", []))
    return []
