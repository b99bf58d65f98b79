"""The table of a sweep: every job with its state and scores, and what the best of them is worth."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from textwrap import shorten

from rich.table import Table

from polarity.comparison.chosen import Ranking, rank, several
from polarity.config.overrides import key_of
from polarity.content import Json
from polarity.errors import UserError
from polarity.files import read_object
from polarity.quoting import command_line
from polarity.reports.console import RunConsole
from polarity.reports.html.numbers import duration
from polarity.reports.html.sweep.content import ALIKE
from polarity.run_files import ASKED
from polarity.spreadsheets import write_csv
from polarity.sweeps.folder import Sweep
from polarity.sweeps.job import Job
from polarity.sweeps.page import SEED, looks_at_test, shown_unread, write_page_of
from polarity.wording import times

SCORES = ("monitored", "overall")


def print_jobs(sweep: Sweep, *, page: bool = True) -> int:
    """Print the table of a sweep's jobs so far, and write it beside them. Returns how many are not finished.

    :param page: whether it is written as a page as well.
    """
    rows, ranking = write_jobs(sweep)
    console = RunConsole(None)
    console.print()
    console.print(jobs_table(rows))
    for note in [*ranking.apart, *shown_unread(ranking)]:
        console.print(f"note: {note}", style="bold yellow")
    searched = {tuple(text for text in job.changed if key_of(text) != SEED) for job in sweep.finished}
    if len(searched) > 1 and not (ranking.best or ranking.apart or ranking.unread):
        console.print(f"no best one: {ALIKE}")
    for item in ranking.best:
        if ranking.apart:
            members = [folder for folders in item.members.values() for folder in folders]
            console.print(f"on the validation rows of {several(members)}:")
        for sentence in item.sentences:
            console.print(sentence)
    if ranking.best and sweep.asked.search:
        console.print(
            "of a search, the first is the one whose values are nearest to the first ones, or lower ends; a search "
            "goes by what is monitored while it trains, the table by overall, which decision rules may change"
        )
    pruned = sum(row["state"] == "pruned" for row in rows)
    if ranking.best and pruned:
        console.print(
            f"{times(pruned, 'pruned job')} took part in the choice as well, which the correction cannot know"
        )
    console.print(f"jobs are in {sweep.path}, and this table in {sweep.path / 'jobs.csv'}")
    known = "test is scored only with test=true; for the job you choose: polarity.evaluate run=JOB split=test"
    console.print(looks_at_test(sweep) or known)
    remaining = what_next(rows, sweep)
    if page:
        console.print(f"report: {write_page_of(sweep, rows, ranking, remaining)}")
    for line in remaining:
        console.print(line, style="bold red")
    gone = 0 if sweep.trials else sweep.gone
    return sum(row["state"] not in ("finished", "pruned") for row in rows) + sweep.unasked + gone


def write_jobs(sweep: Sweep) -> tuple[list[Json], Ranking]:
    """Write the table of a sweep's jobs so far beside them; returns its rows, and what is best of them."""
    rows = job_rows(sweep.jobs)
    ranking = rank([job.path for job in sweep.finished], sweep.seeds)
    mark_best(rows, ranking)
    header = list(dict.fromkeys(name for row in rows for name in row))
    write_csv(sweep.path / "jobs.csv", header, [[row.get(name, "") for name in header] for row in rows])
    return rows, ranking


def report_jobs(sweep: Sweep) -> Path:
    """Write the table of a sweep's jobs so far, and the page about them; returns the page's path."""
    rows, ranking = write_jobs(sweep)
    return write_page_of(sweep, rows, ranking, what_next(rows, sweep))


def what_next(rows: Sequence[Json], sweep: Sweep) -> list[str]:
    """How many jobs of a sweep are not finished, and what can be done about them."""
    states, all_of = Counter(row["state"] for row in rows), times(len(rows), "job")
    go_on = "the same command line goes on"
    line = f"the command line that asked for them, in {sweep.path / ASKED}, runs them again"
    anew = "a search does not try the same values again, unless their trial is still open" if sweep.trials else line
    lines = {
        "failed": f"of {all_of} failed; see status.json in their folders; sweep.retry=failed tries them again",
        "interrupted": f"of {all_of} interrupted; {go_on}",
        "waiting": f"of {all_of} waiting; {go_on}",
        "running": f"of {all_of} running in other processes: {command_line('sweep', str(sweep.path))}",
        "damaged": f"of {all_of} damaged, and left out; without folders, {anew}",
        "gone": f"of {times(len(sweep.asked.jobs), 'job')} gone, folder and all; {anew}",
        "unasked": f"of {sweep.trials} trials to come; the same command line goes on",
    }
    states["unasked"], states["gone"] = sweep.unasked, sweep.gone
    return [f"{states[state]} {line}" for state, line in lines.items() if states[state]]


def job_rows(jobs: Sequence[Job]) -> list[Json]:
    """What each job changed, what became of it, and the validation scores of its best checkpoint, as numbers."""
    return [_row(job) for job in jobs]


def _row(job: Job) -> Json:
    row: Json = {"folder": job.name, "changed": " ".join(job.changed)}
    try:
        return row | _state_and_scores(job)
    except UserError as error:  # of one file; the other jobs have nothing to do with it
        return row | {"state": "damaged", "error": "; ".join(error.problems).replace(f"{job.path}/", "")}


def _state_and_scores(job: Job) -> Json:
    status, _ = job.run.status, job.run.config  # the page needs both
    row: Json = {"state": job.state, "error": " ".join(str(status.get("error", "")).split())}
    if row["state"] == "running":
        row |= {"where": f"{status.get('host', 'begins')}:{status.get('pid', '')}", **how_far(job)}
        row["sign"] = round(job.run.last_sign)
    if row["state"] == "finished":
        metrics = read_object(job.run.metrics)
        honest = metrics["crossfit"]["val"]  # by decision rules that had not seen the row
        row |= {"monitored": metrics["best"]["value"], "overall": honest["overall"]}
        row |= {f"{task}/macro_f1": scores["macro_f1"] for task, scores in honest["tasks"].items()}
        row["best epoch"] = metrics["best"]["epoch"] + 1
    return row


def how_far(job: Job) -> Json:
    """Epochs that a running job has behind it, and the seconds that the others may take."""
    rows, all_of = job.epochs, job.run.settings.epochs
    if not rows or all_of is None:
        return {"done": len(rows)}
    mean = sum(float(row["seconds"]) for row in rows) / len(rows)
    return {"done": len(rows), "left": round(mean * (all_of - len(rows)))}


def mark_best(jobs: list[Json], ranking: Ranking) -> None:
    """Beside the score of the best configuration what it is worth on rows that it was not chosen on."""
    for item in ranking.best:
        names = {folder.name for folder in item.folders}
        low, high = (item.chosen.interval.low, item.chosen.interval.high) if item.chosen.interval.known else ("", "")
        for job in jobs:
            if job["folder"] in names:
                job["chosen"] = f"best of {item.chosen.of}, chosen on these rows"
                job |= {"corrected": item.chosen.corrected, "corrected_low": low, "corrected_high": high}


def jobs_table(jobs: list[Json]) -> Table:
    """The rows of :func:`job_rows` for people."""
    tasks = list(dict.fromkeys(name for job in jobs for name in job if name.endswith("/macro_f1")))
    corrected = ["corrected"] if any("corrected" in job for job in jobs) else []
    headings = [
        *SCORES,
        *(["corrected mean"] if corrected else []),
        *(name.removesuffix("/macro_f1") for name in tasks),
        "best epoch",
    ]
    table = Table("folder", "changed", "state", *headings, title="validation scores of all jobs")
    for job in jobs:
        scores = [f"{job[name]:.4f}" if job.get(name) is not None else "-" for name in (*SCORES, *corrected, *tasks)]
        state = f"{job['state']}: {shorten(job['error'], 70, placeholder=' ...')}" if job["error"] else job["state"]
        if "where" in job:
            left = f", {duration(job['left'])} left" if "left" in job else ""
            state += (
                f" on {job['where']}, {times(job['done'], 'epoch')} done{left}, last sign {duration(job['sign'])} ago"
            )
        epoch = str(job.get("best epoch", "-"))
        table.add_row(job["folder"], job["changed"] or "(nothing)", state, *scores, epoch)
    return table
