"""From finished folds to the scores of the whole: every row is decided by a model that has not seen it."""

from collections.abc import Sequence

from polarity.analysis.analyse import analyse
from polarity.analysis.details import write_details, write_mistakes
from polarity.analysis.folded import respecting_folds
from polarity.analysis.result import Estimate, Result
from polarity.baselines import BASELINES
from polarity.config.preflight import Prepared
from polarity.content import Json
from polarity.data.folds import FoldedRows
from polarity.evaluation.out_of_fold import OUT_OF_FOLD, HeldOut, write_out_of_fold
from polarity.evaluation.predictions import read_predictions
from polarity.files import checksum, write_json
from polarity.paths import LATEST
from polarity.posthoc import Fitted
from polarity.posthoc.evidence import told
from polarity.quoting import command_line
from polarity.reports.console import RunConsole
from polarity.reports.folds import folds_table, overall_sentence
from polarity.reports.html import write_run_report
from polarity.run import RunDirectory
from polarity.runs.environment import read_environment
from polarity.runs.manifest import check_unchanged, seal
from polarity.runs.saved import CHECKSUMS, finished_run, read_metrics, saved_predictions
from polarity.statistics.fold_scores import FoldScores, counts_of_folds, interval_of_folds, unseen_in_folds
from polarity.systems.folds import fit_rule, store_rule
from polarity.training.finish import afterwards
from polarity.training.results import METRICS_VERSION


def finish(run: RunDirectory, prepared: Prepared, rows: FoldedRows) -> float:
    """Put the folds' predictions together, score and report them. Returns the overall score of all rows.

    :raises UserError: if a fold's folder is not what its run wrote any more.
    """
    run.set_status("running", stage="finishing")
    folds = [finished_run(run.fold(number)) for number in range(1, rows.folds.count + 1)]
    for fold in folds:
        check_unchanged(fold)
    held_out = [
        HeldOut(number, rows.folds.repeat(number), saved_predictions(fold, "test"))
        for number, fold in enumerate(folds, 1)
    ]
    write_out_of_fold(run.predictions(OUT_OF_FOLD), held_out, rows.rows.ids)
    _write_baselines(run, folds, held_out, rows)
    scores = FoldScores.of(held_out)
    reporting = prepared.components.reporting
    whole = read_predictions(run.predictions(OUT_OF_FOLD))
    rule = fit_rule(whole, held_out, prepared.components.decision)
    store_rule(run, folds, rule, prepared.splits.tasks)
    analysis = respecting_folds(analyse(whole, resamples=reporting.resamples), held_out)
    write_json(run.metrics, _metrics(run, folds, held_out, scores, analysis.decided, rule))
    write_details(run.details, run.settings.encoder, {OUT_OF_FOLD: analysis})
    write_mistakes(run.mistakes, analysis.mistakes, rows.rows if reporting.texts else None)
    seal(run)
    afterwards(run, "the summary", lambda: _print_end(run, scores))
    afterwards(run, f"{run.path.parent / LATEST}", run.point_latest)
    again = f"{run.report.name} ({command_line('report', f'run={run.path}')})"
    afterwards(run, again, lambda: _report(run, texts=reporting.texts))
    run.finish()
    return scores.overall


def _write_baselines(
    run: RunDirectory, folds: Sequence[RunDirectory], held_out: Sequence[HeldOut], rows: FoldedRows
) -> None:
    for name in BASELINES:
        paths = [fold.baseline(name, "test") for fold in folds]
        if all(path.is_file() for path in paths):
            parts = [
                HeldOut(item.fold, item.repeat, read_predictions(path))
                for item, path in zip(held_out, paths, strict=True)
            ]
            write_out_of_fold(run.baseline(name, OUT_OF_FOLD), parts, rows.rows.ids)


def _metrics(
    run: RunDirectory,
    folds: Sequence[RunDirectory],
    held_out: Sequence[HeldOut],
    scores: FoldScores,
    result: Result,
    rule: Fitted,
) -> Json:
    rows = sum(len(item.predictions) for item in held_out if item.repeat == 1)
    counts = counts_of_folds(held_out)

    def estimate(shown: Estimate, task: str | None = None) -> Json:
        found = scores.estimate(task)
        interval = interval_of_folds(scores, counts, [0], task)
        if interval is None and shown.low is not None:  # all folds alike: the interval over rows
            ends: Json = {"low": shown.low, "high": shown.high, "over": "rows"}
        else:
            interval = interval or found.interval(lowest=0.0)
            unseen = dict(zip(("below", "above"), unseen_in_folds(counts, [0], task).tolist(), strict=True))
            ends = {"low": interval.low, "high": interval.high, "over": "folds", "unseen": unseen}
        return {"value": found.value, **ends, "standard_error": found.error, "degrees_of_freedom": found.freedom}

    return {
        "version": METRICS_VERSION,
        OUT_OF_FOLD: {"rows": rows, **_scores(scores)},
        "uncalibrated": {OUT_OF_FOLD: _scores(FoldScores.of(held_out, "argmax"))},
        "intervals": {
            "overall": estimate(result.overall),
            "tasks": {name: estimate(result.task(name).macro_f1, name) for name in scores.of_rows},
        },
        "average": {name: {"decision": found["decision"]} for name, found in rule.evidence.items()},
        "folds": [_fold(fold, item, scores) for fold, item in zip(folds, held_out, strict=True)],
        CHECKSUMS: {path.relative_to(run.path).as_posix(): checksum(path) for path in [run.predictions(OUT_OF_FOLD)]},
    }


def _scores(scores: FoldScores) -> Json:
    tasks = {name: {"macro_f1": value} for name, value in scores.of_rows.items()}
    return {"overall": scores.overall, "tasks": tasks}


def _fold(fold: RunDirectory, item: HeldOut, scores: FoldScores) -> Json:
    """Where a fold's run is, what it was trained on, and its scores on the rows that it held out."""
    data, best = read_environment(fold)["data"], read_metrics(fold)["best"]
    return {
        "fold": item.fold,
        "repeat": item.repeat,
        "folder": fold.path.name,
        "seed": fold.settings.seed,
        "rows": data["test"]["rows"],
        "fingerprint": data["test"]["fingerprint"],
        "train_rows": data["train"]["rows"],
        "val_rows": data["val"]["rows"],
        "epoch": best["epoch"],
        "monitored": best["value"],
        "overall": float(scores.values()[item.fold - 1]),
        "macro_f1": {name: float(values[item.fold - 1]) for name, values in scores.of_folds.items()},
    }


def _print_end(run: RunDirectory, scores: FoldScores) -> None:
    console = RunConsole(run.log)
    console.print()
    console.print(folds_table(read_metrics(run)))
    console.print(overall_sentence(scores, read_metrics(run)["intervals"]))
    for line in told(read_metrics(run)["average"], {"decision": "decision rule of the folds' mean"}):
        console.print(line)
    console.print(f"everything is in {run.path}; predict averages the folds, evaluate and export take one")


def _report(run: RunDirectory, *, texts: bool) -> None:
    RunConsole(run.log).print(f"report: {write_run_report(run, texts=texts)}")
