"""The tables of the comparison of decision rules."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

SHOWN_GATES = ("0.0", "1.0", "1.5", "2.0")


def markdown(results: Mapping[str, Any]) -> str:
    """All of it as one page."""
    return "\n".join([
        "# When decision rules help",
        "",
        "Word and character TF-IDF with logistic regression, trained once on each set's training rows; `balanced` has",
        "balanced class weights, `plain` none. Calibration is temperature scaling. All gains are in points of test",
        "macro-F1 over plain argmax; SE is the standard error of a difference on its rows.",
        "",
        "## The splits as the sets have them",
        "",
        *_official(results["official"]),
        "",
        f"## {results['splits']} random resplits of validation and test rows",
        "",
        "Val rows: the size of the set's validation split, and 300. `always`: mean test gain if the rule is always",
        "kept. `> k SE`: share of splits in which the cross-fitted gain exceeds k standard errors, mean test gain if",
        "the rule is kept only then, and the worst split. What validation draws, test lacks: a lucky validation split",
        "meets an unlucky test split, so that the resplits are a little harder than new data would be.",
        "",
        *_resplit(results["resplit"]),
        "",
        "All nine set-task-model cases together, where the rule is kept only beyond the gate: mean test gain, mean",
        "test gain of the worst case, and how often test falls by more than one SE.",
        "",
        *_gates(results),
        "",
        "## What validation says of a rule that it kept",
        "",
        "Mean gain over the splits in which the rule was kept by the default gate: in plain cross-fitting (the number",
        "that the gate looked at), judged without each row's own fold (the number that is reported), and on test.",
        "",
        *_kept(results["resplit"]),
        "",
        "## Calibration on the test rows",
        "",
        *_calibration(results["calibration"]),
        "",
        f"Machine: {', '.join(f'{name} {value}' for name, value in results['machine'].items())}.",
        "",
    ])  # fmt: skip


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = [head, ["---"] * len(head), *rows]
    return [f"| {' | '.join(line)} |" for line in lines]


def _names(item: Mapping[str, Any]) -> list[str]:
    return [item["data"], item["task"], item["weights"]]


def _points(value: float | None) -> str:
    return "" if value is None else f"{value:+.2f}"


def _official(items: Sequence[Mapping[str, Any]]) -> list[str]:
    head = [
        "set",
        "task",
        "model",
        "rule",
        "in-sample",
        "cross-fitted (SE)",
        "kept",
        "honest",
        "test, rule kept or not (SE)",
    ]
    rows = [
        [
            *_names(item),
            item["rule"],
            _points(item["in_sample"]),
            f"{item['crossfit']:+.2f} ({item['crossfit_error']:.2f})",
            "yes" if item["kept"] else "no",
            _points(item["honest"]),
            f"{item['test']:+.2f} ({item['test_error']:.2f})",
        ]
        for item in items
    ]
    return _table(head, rows)


def _resplit(items: Sequence[Mapping[str, Any]]) -> list[str]:
    head = ["set", "task", "model", "rule", "val rows", "in-sample", "always", *(f"> {g} SE" for g in SHOWN_GATES)]
    rows = []
    for item in items:
        gates = [item["gates"][gate] for gate in SHOWN_GATES]
        cells = [f"{gate['kept']:.0%}: {gate['test']:+.2f}, worst {gate['worst']:+.2f}" for gate in gates]
        start = [*_names(item), item["rule"], str(item["validation_rows"])]
        rows.append([*start, _points(item["in_sample"]), _points(item["test"]), *cells])
    return _table(head, rows)


def _gates(results: Mapping[str, Any]) -> list[str]:
    head = ["rule", "val rows", "gate", "test", "worst case", "falls by more than one SE"]
    rows = []
    for rule in dict.fromkeys(item["rule"] for item in results["resplit"]):
        for small in (False, True):
            items = [
                item
                for item in results["resplit"]
                if item["rule"] == rule and (item["validation_rows"] == results["small"]) == small
            ]
            for gate in items[0]["gates"]:
                collected = [item["gates"][gate] for item in items]
                means = [one["test"] for one in collected]
                worse = sum(one["worse"] for one in collected) / len(collected)
                start = [rule, str(results["small"]) if small else "as the set has", f"> {gate} SE"]
                rows.append([*start, _points(sum(means) / len(means)), _points(min(means)), f"{worse:.1%}"])
    return _table(head, rows)


def _kept(items: Sequence[Mapping[str, Any]]) -> list[str]:
    head = ["set", "task", "model", "rule", "val rows", "kept", "cross-fitted", "honest", "test"]
    rows = [
        [
            *_names(item),
            item["rule"],
            str(item["validation_rows"]),
            f"{item['kept']:.0%}",
            *(_points(item[f"{name}_if_kept"]) for name in ("crossfit", "honest", "test")),
        ]
        for item in items
        if item["kept"]
    ]
    return _table(head, rows)


def _calibration(items: Sequence[Mapping[str, Any]]) -> list[str]:
    head = ["set", "task", "model", "calibration", "ECE", "Brier", "NLL"]
    rows = [
        [*_names(item), item["calibration"], f"{item['ece']:.4f}", f"{item['brier']:.4f}", f"{item['nll']:.4f}"]
        for item in items
    ]
    return _table(head, rows)
