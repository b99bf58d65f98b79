"""What ``python -m polarity.refit`` does: a finished run's model again, trained on its validation rows as well."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from polarity.config.preflight import Prepared, prepare
from polarity.config.refit import refit_problems
from polarity.config.trust import Trust, check_trusted, modules_of
from polarity.content import Json
from polarity.data.locate import locate
from polarity.errors import UserError
from polarity.evaluation.devices import find_device
from polarity.evaluation.predictions import write_predictions
from polarity.files import checksum, unwritable, write_json
from polarity.models.saving import WEIGHTS, load_model, read_card
from polarity.paths import LATEST
from polarity.posthoc import Decider
from polarity.reports.console import RunConsole
from polarity.run import RunDirectory
from polarity.runs.environment import by_its_data, changed_data, described, environment, read_environment
from polarity.runs.manifest import check_unchanged, seal
from polarity.runs.new_folder import new_folder
from polarity.runs.rebuild import Rebuilt
from polarity.runs.reproduction import SEEN, some_rows
from polarity.runs.saved import CHECKSUMS, finished_single_model, read_metrics
from polarity.training.callbacks.finite import NonFiniteLossError
from polarity.training.finish import afterwards
from polarity.training.refitting import train_again
from polarity.training.results import METRICS_VERSION
from polarity.training.verifying import Asking, verify_written
from polarity.wording import times


@dataclass(frozen=True)
class RefitSettings:
    """The settings of ``conf/refit.yaml``, where each is explained."""

    run: str
    output_dir: str
    trust: Trust


def refit(settings: RefitSettings) -> RunDirectory:
    """Train again, write and print; returns the new folder.

    :raises UserError: with everything that keeps the run from being trained again; then nothing is written.
    """
    first = finished_single_model(settings.run)
    best, root = read_metrics(first)["best"], locate(settings.output_dir).absolute()
    problems = [*unwritable("output_dir", root), *_problems(first, best)]
    if problems:
        raise UserError(problems)
    check_unchanged(first)
    check_trusted(first.config, str(first.path / "config.yaml"), trust=settings.trust)
    with by_its_data(first):
        prepared = prepare({**first.config, "resume": None})
        found = described(prepared.splits, first.settings.data.features)
        if problems := changed_data(read_environment(first)["data"], found):
            raise UserError(f"run: {problem}" for problem in problems)
        epochs = best["epoch"] + 1 if best["step"] else 0
        own = {**first.config, "refit": {"of": first.path.name}, "output_dir": str(root)}
        with new_folder(root, own, [f"run={first.path.name}"]) as run:
            _fill(run, first, prepared, epochs, settings.trust)
    afterwards(run, str(run.path.parent / LATEST), run.point_latest)
    for sentence in _summary(first, prepared, epochs, best):
        RunConsole(run.log).print(sentence)
    RunConsole(run.log).print(f"everything is in {run.path}")
    return run


def _problems(first: RunDirectory, best: Mapping[str, Any]) -> list[str]:
    """Why the run cannot be trained again."""
    if first.settings.refit:
        return [f"run: {first.path}: is a refit already; give {first.settings.refit}"]
    if "ensemble" in first.config:
        kept = ", ".join(read_metrics(first)["ensemble"]["used"])
        return [f"run: {first.path}: is an ensemble; give a run as training makes it ({kept})"]
    if "epoch" not in best or "step" not in best:
        return [f"run: {first.path}: no epochs were chosen for it; give a run as training makes it"]
    return [f"run: {first.path}: {problem}" for problem in refit_problems(first.config)]


def _fill(run: RunDirectory, first: RunDirectory, prepared: Prepared, epochs: int, trust: Trust) -> None:
    try:
        assembled = train_again(prepared, epochs, run)
    except NonFiniteLossError as error:
        raise UserError(str(error)) from error
    splits = assembled.prepared.splits
    began = read_environment(first).get("folder")
    here = environment(splits, first.settings.data.features)
    write_json(run.environment, {**here, "folder": began, "resumed": []})
    decider = Decider.load(first.model)
    decider.save(run.model, read_card(run.model)["weights_sha256"])
    model, reader = load_model(run.model, modules_of(trust))
    device = find_device("cpu" if run.settings.on_cpu else "auto")
    size = run.settings.eval_batch_size
    ask = Asking(assembled, device, run.settings.precision)
    verify_written(model, reader, ask, lambda rows, read: ask.logits(assembled.module.model, read, rows))
    said = Rebuilt(run, run.config, model, reader, "stored", decider, device, size).predict(some_rows(splits.val))
    write_predictions(run.predictions(SEEN), said)
    files = [run.predictions(SEEN), run.model / WEIGHTS]
    content: Json = {
        "version": METRICS_VERSION,
        "best": {"epochs": epochs, "of": first.path.name},
        CHECKSUMS: {path.relative_to(run.path).as_posix(): checksum(path) for path in files},
    }
    write_json(run.metrics, content)
    seal(run)
    run.finish()


def _summary(first: RunDirectory, prepared: Prepared, epochs: int, best: Mapping[str, Any]) -> list[str]:
    """What was trained, and what nobody knows of it."""
    train, val = (times(len(rows), "row") for rows in (prepared.splits.train, prepared.splits.val))
    long = times(epochs, "epoch") if epochs else "no epoch, since its state before training was the best"
    name, score = first.path.name, f"{best['monitor']} {best['value']:.4f}"
    what = f"refit of {name}: {train} of training and {val} of validation, {long}, as its validation had chosen"
    lost = f"it has no validation score: {score} is that of {name}, whose model had not seen these rows"
    rule = f"calibration and decision rule are those of {name}, fitted to what its model said: no rows are left"
    return [what, lost, rule, "what it is worth, test rows say: evaluate split=test, and every look is recorded"]
