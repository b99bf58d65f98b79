"""Whether a stopped run can go on, and from where."""

import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from polarity.config.preflight import Prepared, rows_of
from polarity.config.trust import Trust, check_trusted
from polarity.content import Config, Json
from polarity.errors import TRUST_ADVICE, UserError
from polarity.files import check_room
from polarity.models.encoder import ENCODER
from polarity.processes import led_folder
from polarity.quoting import command_line
from polarity.reports.console import RunConsole
from polarity.run import RunDirectory
from polarity.runs.environment import READING, RUNS, changed_data, described, planned_data, read_environment
from polarity.training.manifest import Manifest
from polarity.wording import times

LOCK_PATIENCE = 6.0
"""Seconds to wait for a folder: a killed process's data loader workers keep its lock until they notice, within five."""


def resumable(folder: str) -> RunDirectory:
    """The folder of a stopped run that can go on.

    :raises UserError: if it is no run, has ended, still runs, or cannot be written into.
    """
    if led_folder():  # the first process has looked, and has marked the run as its own since
        return RunDirectory(str(led_folder()))
    run = RunDirectory.open(folder)
    status = run.status
    if status["state"] == "finished":
        page = "" if run.report.is_file() else f"; its page is missing: {command_line('report', f'run={folder}')}"
        raise UserError(f"resume: {folder} is finished already; start a new run to train longer{page}")
    if status["state"] == "running":
        raise UserError(f"resume: {folder} is still running, as process {status['pid']}; two would spoil its files")
    check_room(resume=run.path)
    _refuse_missing(run)
    return run


def _refuse_missing(run: RunDirectory) -> None:
    """Refuse a folder that lacks what the run wrote before it trained.

    :raises UserError: naming each file.
    """
    begun = {run.environment: "which data it saw"} if Manifest(run).path.exists() else {}
    needed = {run.path / "overrides.yaml": "what was set for it", **begun}
    if problems := [
        f"resume: {path}: there is no such file, but the run wrote one, which tells {what}; put it back, or start "
        f"another run from this one's weights: {command_line('train', f'from={run.path}')} ..."
        for path, what in needed.items()
        if not path.is_file()
    ]:
        raise UserError(problems)


@contextmanager
def claimed(folder: str) -> Iterator[RunDirectory]:
    """The folder of a stopped run, which is this process's own from now on, or until the block fails.

    :raises UserError: as above.
    """
    run = resumable(folder)
    if not led_folder():
        run.lock.take(LOCK_PATIENCE)
        resumable(folder)  # whoever held it may have finished in the meantime
    try:
        yield run
    except BaseException:
        run.lock.release()
        raise


def trusted_config(run: RunDirectory, *, trust: Trust) -> Config:
    """The configuration that a run was started with, all of which may be built.

    :raises UserError: if it was changed, or names code that is neither the project's own nor trusted.
    """
    changed = _changed_settings(run)
    config = run.config
    try:
        check_trusted(config, str(run.path / "config.yaml"), trust=trust)
    except UserError as error:
        if not changed:
            raise
        # whoever trusts what was put into the file, or is left of it, cannot go on with it either
        plain = [said.partition(TRUST_ADVICE)[0] for said in error.problems]
        raise UserError([*changed, *plain]) from error
    if changed:
        raise UserError(changed)
    return config


def _changed_settings(run: RunDirectory) -> list[str]:
    """A problem if ``config.yaml`` is not the configuration that the run was started with, if it had begun to train."""
    manifest = Manifest(run)
    changed = manifest.changed_settings() if manifest.path.exists() else []
    advice = f"or start another run from this one's weights: {command_line('train', f'from={run.path}')} ..."
    told = f"resume: {run.path / 'config.yaml'} was edited after the run began ({', '.join(changed)}); put that back, "
    return [told + advice] if changed else []


def point_to_resume_from(run: RunDirectory) -> Path | None:
    """The newest checkpoint that is as the run wrote it; None for a run that stopped before it had saved any.

    All checkpoints of the end of an epoch hold the same, so the best ones may serve, too; not that of the state before
    training, which is where a run without any begins.

    :raises UserError: if there are checkpoints, but every one is damaged.
    """
    trained = [path for path in run.checkpoints.glob("epoch=*.ckpt") if not path.stem.endswith("step=0")]
    best = sorted(trained, key=_epoch_and_step, reverse=True)
    found = [path for path in (run.resume_point, run.previous_point, *best) if path.exists()]
    manifest = Manifest(run)
    if not found and not (manifest.path.exists() and manifest.read()["resume"]):
        return None
    problems: list[str] = []
    for path in found or [run.resume_point]:
        problem = manifest.problem(path)
        if problem is None:
            _tell_fallback(run, path, problems)
            return path
        problems.append(f"{path}: {problem}")
    advice = "there is no other checkpoint to go on from; start it again: what was set for it is in overrides.yaml"
    raise UserError([*(f"resume: {problem}" for problem in problems), f"resume: {run.path}: {advice}"])


def _epoch_and_step(checkpoint: Path) -> list[int]:
    """From its name; times of files say nothing where the clock was set back."""
    return [int(number) for number in re.findall(r"\d+", checkpoint.stem)]


def _tell_fallback(run: RunDirectory, path: Path, problems: list[str]) -> None:
    if path != run.resume_point and not problems:
        problems = [f"{run.resume_point}: there is no such file"]
    if problems and not led_folder():
        console = RunConsole(run.log)
        for problem in problems:
            console.print(f"CANNOT BE USED: {problem}", style="bold red")
        console.print(f"GOING ON FROM AN EARLIER POINT: {path}", style="bold red")


def notes(run: RunDirectory, point: Path | None) -> list[str]:
    """What is worth a word about going on here: the numbers may not be those of an uninterrupted run.

    :param point: the checkpoint that is gone on from; None if there is none.
    """
    anew = [] if point is not None else [f"no checkpoint is in {run.path}: training begins anew"]
    began, now = read_environment(run).get("threads"), torch.get_num_threads()
    if began in (None, now):
        return anew
    often, here = times(int(began), "thread"), f"{now}: sums are rounded otherwise, and its scores may be others"
    return [*anew, f"the run began with {often} and goes on with {here}"]


def refuse_changed_data(run: RunDirectory, prepared: Prepared) -> None:
    """Compare the data with those that the run was started with, or that the sweep was whose job begins only now.

    :raises UserError: with a problem for each split that is another one.
    """
    if led_folder():
        return
    features = run.settings.data.features
    if run.environment.exists():
        changed = changed_data(read_environment(run)["data"], described(prepared.splits, features))
    elif known := planned_data(run):  # of all rows, also where the job is one fold of them
        found = described(rows_of(prepared.config), features)
        changed = changed_data(known, found, whose="the sweep was begun with")
    else:
        return
    if changed:
        raise UserError([f"resume: {problem}" for problem in changed])


def refuse_changed_model(run: RunDirectory, identity: Json) -> None:
    """Compare what the encoder is, and how it reads, with what it was when the run began to train.

    Settings of the encoder that another version of its library has added or dropped are no change.

    :raises UserError: if it is something else, which the weights have not learnt.
    """
    began = {} if led_folder() or not run.environment.exists() else read_environment(run)
    advice = f"put that back, or begin anew; the versions that {run.path} began with are in environment.json"
    problems = []
    if changed := _changed_values(began.get(ENCODER, {}), identity[ENCODER]):
        problems.append(f"the encoder is another one than when the run began ({', '.join(changed)}); {advice}")
    if began.get(READING, identity[READING]) != identity[READING]:
        why = "is it another tokenizer, or another version of one?"
        problems.append(f"the training texts are read otherwise than when the run began: {why} {advice}")
    for setting, mark in identity[RUNS].items():
        if began.get(RUNS, {}).get(setting, mark) != mark:
            problems.append(f"{setting}: names another run than when this one began; {advice}")
    if problems:
        raise UserError([f"resume: {problem}" for problem in problems])


def refuse_other_encoder(fold: RunDirectory, first: RunDirectory) -> None:
    """Compare what the encoders of two folds were when these began to train.

    :raises UserError: if they differ in more than how many n-grams their training rows have.
    """
    its, own = (read_environment(run).get(ENCODER, {}) for run in (first, fold))
    if changed := _changed_values(its, own, {"terms"}):
        raise UserError(
            f"resume: {fold.path.name} has another encoder than {first.path.name} ({', '.join(changed)}), so that they "
            f"are no folds of one model; put that back, remove {fold.path}, and resume"
        )


def _changed_values(began: Json, now: Json, learnt: Collection[str] = (), path: str = "") -> list[str]:
    """Keys that both have, with other values; the version of a library is none.

    :param learnt: keys of what rows decide.
    """
    changed = []
    for key in sorted((began.keys() & now.keys()) - {"transformers_version", *learnt}):
        before, after = began[key], now[key]
        if isinstance(before, dict) and isinstance(after, dict):
            changed += _changed_values(before, after, learnt, f"{path}{key}.")
        elif before != after:
            changed.append(f"{path}{key}: {before} then, {after} now")
    return changed
