"""The comparison of decision rules runs, and the figures that are committed hold what the documentation says."""

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks import decision_rules
from benchmarks.decision_tables import markdown
from benchmarks.linear_logits import Case, cases
from polarity.decisions import BiasDecision
from polarity.tasks import Task

COMMITTED = decision_rules.RESULTS / "decision_rules.json"


def some_case(rows: int = 900) -> Case:
    generator = np.random.default_rng(0)
    right = generator.normal(loc=[2.0, 0.5, -1.0], size=(rows, 3))
    labels = (right + generator.gumbel(size=right.shape)).argmax(axis=1)
    task = Task("tone", ("none", "yes", "no"), "tone")
    return Case("made", task, "plain", right.astype(np.float32), labels, validation=400)


def test_every_table_is_filled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decision_rules, "RULES", {"bias": BiasDecision})
    results = decision_rules.measure([some_case()], splits=2)
    result = results["resplit"][0]
    assert result["test"] > 0, "of rows whose classes are rare a rule makes more"
    assert result["in_sample"] >= result["crossfit"]
    text = markdown(results)
    assert "| made | tone | plain | bias | 400 |" in text
    assert "| made | tone | plain | vector |" in text


def test_without_the_sets_it_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(decision_rules, "DATA", tmp_path)
    monkeypatch.setattr("sys.argv", ["decision_rules"])
    decision_rules.main()
    assert capsys.readouterr().out.startswith("skipped: ../shared/data has no newsframe")


def test_logits_are_kept_and_read_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = tmp_path / "data" / "made"
    data.mkdir(parents=True)
    for split, copies in (("train", 12), ("val", 3), ("test", 4)):
        rows = "".join(f"good day {n},up\nbad night {n},down\nno label,\n" for n in range(copies))
        (data / f"{split}.csv").write_text(f"text,tone\n{rows}", encoding="utf-8")
    monkeypatch.setattr("benchmarks.linear_logits.SETS", {"made": {"tone": ("up", "down", "level")}})
    for split in ("train", "val", "test"):
        with (data / f"{split}.csv").open("a", encoding="utf-8") as file:
            file.write("a table\n".replace("\n", ",level\n") * 4)
    first = cases(tmp_path / "data", tmp_path / "cache")
    again = cases(tmp_path / "data", tmp_path / "cache")
    assert [case.weights for case in first] == ["balanced", "plain"]
    assert first[0].validation == 10
    assert first[0].logits.shape == (22, 3)
    assert (first[0].logits.argmax(axis=1) == first[0].labels).all()
    for one, other in zip(first, again, strict=True):
        assert np.array_equal(one.logits, other.logits)
        assert np.array_equal(one.labels, other.labels)


def test_no_kept_rule_lowers_a_test_score_beyond_noise_and_some_raise_it() -> None:
    results = json.loads(COMMITTED.read_text(encoding="utf-8"))
    kept = [item for item in results["official"] if item["kept"]]
    assert all(item["test"] > -2 * item["test_error"] for item in kept)
    assert any(item["test"] > 2 * item["test_error"] for item in kept if item["rule"] == "bias")


def test_the_gate_that_ships_costs_no_case_more_than_a_tenth_of_a_point() -> None:
    results = json.loads(COMMITTED.read_text(encoding="utf-8"))
    gate = str(BiasDecision().standard_errors)
    natural = [item["gates"][gate] for item in results["resplit"] if item["validation_rows"] != results["small"]]
    assert min(item["test"] for item in natural) > -0.1
    assert max(item["worse"] for item in natural) < 0.05
