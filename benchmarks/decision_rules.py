"""When do decision rules help? Fitted on validation, judged on test, over many resplits of three real sets.

python -m benchmarks.decision_rules
python -m benchmarks.decision_rules --splits 100 --save
"""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.decision_tables import markdown
from benchmarks.linear_logits import SETS, Case, cases
from benchmarks.machine import machine
from polarity.analysis.calibration import calibration_numbers
from polarity.calibration import Calibration, NoCalibration, TemperatureScaling, VectorScaling
from polarity.decisions import Argmax, BiasDecision, Decision, PriorDecision, ThresholdDecision
from polarity.posthoc import fit_decider
from polarity.posthoc.gain import gain

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
RESULTS = Path(__file__).parent / "results"
GATES = (0.0, 0.5, 1.0, 1.5, 2.0)
SMALL = 300
RULES: dict[str, type[BiasDecision] | type[ThresholdDecision] | type[PriorDecision]] = {
    "bias": BiasDecision,
    "threshold": ThresholdDecision,
    "prior": PriorDecision,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--splits", type=int, default=30, help="resplits of validation and test (default: 30)")
    parser.add_argument("--cache", type=Path, help="folder that keeps the linear models' logits")
    parser.add_argument("--save", action="store_true", help=f"write decision_rules.* in benchmarks/{RESULTS.name}")
    arguments = parser.parse_args()
    missing = [name for name in SETS if not (DATA / name / "train.csv").is_file()]
    if missing:
        print(f"skipped: ../shared/data has no {', '.join(missing)}, and the comparison needs these sets")
        return
    results = measure(cases(DATA, arguments.cache), arguments.splits)
    text = markdown(results)
    print(text)
    if arguments.save:
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / "decision_rules.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
        (RESULTS / "decision_rules.md").write_text(text, encoding="utf-8")


def measure(result: list[Case], splits: int) -> dict[str, Any]:
    """Everything that the tables show, as plain values."""
    resplit, official, calibrated = [], [], []
    for case in result:
        print(f"{case.data} {case.task.name} {case.weights}", flush=True)
        official += [judged(case, rule, *given_split(case)) for rule in RULES]
        calibrated += list(calibrations(case))
        for rows in (case.validation, SMALL):
            resplit += [summary(case, rule, rows, splits) for rule in RULES]
    return {
        "splits": splits,
        "small": SMALL,
        "gates": GATES,
        "machine": machine("numpy", "scipy", "scikit-learn"),
        "resplit": resplit,
        "official": official,
        "calibration": calibrated,
    }


def given_split(case: Case) -> tuple[np.ndarray, np.ndarray]:
    """Row numbers of validation and test as the set has them."""
    return np.arange(case.validation), np.arange(case.validation, len(case.labels))


def resplits(case: Case, rows: int, splits: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Row numbers of a validation split of this many rows, and of all others."""
    for seed in range(splits):
        drawn = np.random.default_rng(seed).permutation(len(case.labels))
        yield drawn[:rows], drawn[rows:]


def judged(case: Case, rule: str, val: np.ndarray, test: np.ndarray) -> dict[str, Any]:
    """One split: what validation says about the rule, and what test says, in points of macro-F1."""
    evidence = fit_decider(case.predictions(val), TemperatureScaling(), RULES[rule]()).evidence[case.task.name][
        "decision"
    ]
    gained, error = test_gain(case, RULES[rule](), val, test)
    return {
        "data": case.data,
        "task": case.task.name,
        "weights": case.weights,
        "rule": rule,
        "in_sample": 100 * (evidence["macro_f1"]["in_sample"] - evidence["macro_f1"]["uncalibrated"]),
        "crossfit": 100 * evidence["gain"],
        "crossfit_error": 100 * evidence["standard_error"],
        "kept": evidence["kept"],
        "honest": 100 * evidence["honest_gain"],
        "test": gained,
        "test_error": error,
    }


def test_gain(case: Case, decision: Decision, val: np.ndarray, test: np.ndarray) -> tuple[float, float]:
    """Gain over argmax on test of the rule that validation gives, kept or not, and its standard error; in points."""
    scaling = TemperatureScaling().fit(case.logits[val].astype(np.float64), case.labels[val])
    log_p = scaling.log_probabilities(case.logits)
    rule = decision.fit(case.task, log_p[val], case.labels[val])
    decided = rule.decide(case.logits[test], log_p[test])
    judgement = gain(case.task, case.labels[test], case.logits[test].argmax(axis=1), decided)
    return 100 * judgement.value, 100 * judgement.standard_error


def summary(case: Case, rule: str, rows: int, splits: int) -> dict[str, Any]:
    """Means over resplits; for each gate, how often the rule is kept and what that does to the test score."""
    collected = [judged(case, rule, val, test) for val, test in resplits(case, rows, splits)]
    column = {
        name: np.array([item[name] for item in collected]) for name in collected[0] if name not in ("data", "task")
    }
    gates = {}
    for gate in GATES:
        kept = column["crossfit"] > np.maximum(1e-10, gate * column["crossfit_error"])
        effect = np.where(kept, column["test"], 0.0)
        gates[str(gate)] = {
            "kept": float(kept.mean()),
            "test": float(effect.mean()),
            "worst": float(effect.min()),
            "worse": float((effect < -column["test_error"]).mean()),
        }
    means = ("in_sample", "crossfit", "crossfit_error", "test", "test_error")
    return {
        **{name: collected[0][name] for name in ("data", "task", "weights", "rule")},
        "validation_rows": rows,
        **{name: float(column[name].mean()) for name in means},
        "kept": float(column["kept"].mean()),
        "honest_if_kept": mean_or_none(column["honest"], column["kept"]),
        "crossfit_if_kept": mean_or_none(column["crossfit"], column["kept"]),
        "test_if_kept": mean_or_none(column["test"], column["kept"]),
        "gates": gates,
    }


def mean_or_none(values: np.ndarray, chosen: np.ndarray) -> float | None:
    return float(values[chosen].mean()) if chosen.any() else None


def calibrations(case: Case) -> Iterator[dict[str, Any]]:
    """ECE, Brier score and likelihood on the test rows as the set has them."""
    val, test = given_split(case)
    methods: dict[str, Calibration] = {
        "none": NoCalibration(),
        "temperature": TemperatureScaling(),
        "vector": VectorScaling(),
    }
    plain: Decision = Argmax()
    for name, calibration in methods.items():
        decider = fit_decider(case.predictions(val), calibration, plain).decider
        (probabilities,) = decider.probabilities([case.logits[test]])
        numbers = calibration_numbers(probabilities, case.labels[test])
        yield {
            "data": case.data,
            "task": case.task.name,
            "weights": case.weights,
            "calibration": name,
            "ece": numbers.ece,
            "brier": numbers.brier,
            "nll": numbers.nll,
        }


if __name__ == "__main__":
    main()
