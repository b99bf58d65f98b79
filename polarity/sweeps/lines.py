"""What the console shows of a sweep's jobs while they run: a line when one starts, and one when it ends."""

from polarity.sweeps.job import Job


def start_line(job: Job) -> str:
    """Which job starts."""
    again = " (goes on)" if job.recorded == "interrupted" else ""
    return f"job {job.number}: {' '.join(job.changed)}{again}"


def end_line(job: Job, seconds: float) -> str:
    """How it ended."""
    state = job.recorded
    ended = f"{job.run.settings.monitor} {job.score:.4f}" if state == "finished" else state
    return f"    job {job.number} {'ended: ' if state == 'finished' else ''}{ended}, {seconds:.0f} s, {job.name}"
