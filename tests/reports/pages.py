"""Reports for tests: a finished run's folder made by hand, results with hostile texts, and a reader of pages."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import softmax

from polarity.comparison.chosen import Best
from polarity.comparison.result import (
    Chosen,
    Comparison,
    ConfigurationDifference,
    GroupScore,
    PairResult,
    Setup,
    Shortlist,
    SystemScore,
    TestResult,
)
from polarity.evaluation.predictions import Predictions, TaskPredictions, write_predictions
from polarity.files import checksum, write_json
from polarity.inspection import result as inspected
from polarity.reports.html.sweep.content import SweepContent, Trial
from polarity.run import RunDirectory
from polarity.runs.manifest import seal
from polarity.runs.saved import CHECKSUMS
from polarity.spreadsheets import write_csv
from polarity.statistics import Interval
from polarity.tasks import IGNORE_INDEX, Task

ODD = "\x00\x08\u2028"
HOSTILE = """<script>alert("x")</script><img src=x onerror='alert(1)'>&amp;"'"""
VOID = {"meta", "link", "br", "hr", "img", "input", "col", "wbr"}
SECRET = "the secret text number"


def tasks_named(*, hostile: bool = False) -> tuple[Task, ...]:
    """Two tasks of three and two classes."""
    bad = f" {HOSTILE}" if hostile else ""
    return (Task(f"tone{bad}", ("no", f"yes{bad}", "none"), "tone"), Task("topic", ("war", "food"), "topic"))


def predictions(tasks: Sequence[Task], rows: int, *, seed: int, skill: float, bad: str = "") -> Predictions:
    """Random labels, some missing, and logits that know them more or less."""
    generator = np.random.default_rng(seed)
    collected = []
    labels = np.random.default_rng(rows)  # the same for every model on these rows
    for task in tasks:
        known = labels.integers(0, len(task.classes), rows)
        logits = generator.normal(size=(rows, len(task.classes)))
        logits[np.arange(rows), known] += skill
        given = np.where(labels.random(rows) < 0.1, IGNORE_INDEX, known)
        collected.append(TaskPredictions(task, given, logits.argmax(1), logits.astype("f4"), softmax(logits, axis=1)))
    sources = [f"{'ab'[number % 2]}{bad}" for number in range(rows)]
    ids = [f"row-{number}{bad}" for number in range(rows)]
    return Predictions(ids, tuple(collected), {"source": sources}, np.arange(rows) % 40 + 3)


def run_folder(
    path: Path,
    *,
    splits: Sequence[str] = ("val", "test"),
    baselines: Sequence[str] = ("majority", "linear"),
    skill: float = 1.5,
    hostile: bool = False,
    extras: bool = True,
    tasks: Sequence[Task] | None = None,
    bare: bool = False,
) -> RunDirectory:
    """A finished run's folder.

    :param extras: history, exposure, mistakes and environment.
    :param bare: only decisions are known, no logits.
    """
    path.mkdir(parents=True)
    run, tasks, bad = RunDirectory(path), tasks or tasks_named(hostile=hostile), HOSTILE if hostile else ""
    (path / "config.yaml").write_text(json.dumps({"seed": 7, "cache_dir": str(path / "cache"), "note": bad}))
    (path / "overrides.yaml").write_text(json.dumps([f"note={bad}"] if bad else []))
    run.set_status("finished", started="2026-01-02T03:04:05+00:00", ended="2026-01-02T03:05:05+00:00")
    for split in splits:
        result = predictions(tasks, 120 if split == "val" else 150, seed=1, skill=skill, bad=bad)
        if bare:
            stripped = (TaskPredictions(item.task, item.labels, item.predicted) for item in result.tasks)
            result = Predictions(result.ids, tuple(stripped), result.metadata)
        write_predictions(run.predictions(split), result)
        for number, name in enumerate(baselines):
            other = predictions(tasks, len(result), seed=2 + number, skill=1.5 * number, bad=bad)
            write_predictions(run.baseline(name, split), other)
    sums = {f"predictions/{split}.parquet": checksum(run.predictions(split)) for split in splits}
    best = {"epoch": 1, "step": 20, "monitor": "val/macro_f1", "value": 0.5}
    write_json(run.metrics, {"version": 2, CHECKSUMS: sums, "best": best, "seconds": {"training": 61.0}})
    if extras:
        _write_extras(run, tasks, bad)
    seal(run)
    return run


def _write_extras(run: RunDirectory, tasks: Sequence[Task], bad: str) -> None:
    history: dict[str, list[Any]] = {
        "epoch": [0, 1, 2],
        "train/objective": [1, 0.9, 0.8],
        "train/loss": [1, 0.9, 0.8],
        "val/loss": [1, "nan", 0.9],
    }
    shown = []
    for task in tasks:
        history[f"val/{task.name}/macro_f1"] = [0.2, 0.3, "nan"]
        for number, name in enumerate(task.classes):
            history[f"val/{task.name}/f1/{name}"] = [0.1 * number, "", 0.4]
            shown.append([0, "class", f"{task.name}={name}", 10, 11.5, 12])
    shown.append([0, "cell", "all of them", 10, 11.5, 12])
    write_csv(run.history, list(history), list(zip(*history.values(), strict=True)))
    write_csv(run.details / "exposure.csv", ["epoch", "kind", "name", "natural", "expected", "realised"], shown)
    texts = [[task.name, f"row-{n}{bad}", f"{SECRET} {n} {bad}{ODD}"] for task in tasks for n in range(150)]
    write_csv(run.mistakes, ["task", "id", "text"], texts)
    data = {name: {"rows": 100, "fingerprint": f"{name}-mark{bad}"} for name in ("train", "val", "test")}
    where = {"python": "3.11", "platform": bad, "processor": bad, "cores": 2, "threads": 1, "devices": [bad]}
    write_json(run.environment, {"polarity": "0", "git": None, "packages": {f"pack{bad}": "1"}, "data": data, **where})


def comparison(*, hostile: bool = False, ranked: bool = True, verdict: Any = "unclear") -> Comparison:
    """Three systems, one of them with three seeds."""
    bad, task = HOSTILE if hostile else "", tasks_named(hostile=hostile)[0]
    names = [f"run-a{bad}", "run-b", "linear"]
    setup = Setup(f"test{bad}", 200, {task.name: list(task.classes)}, ranked, 1000, 0.95, 0, 0.01, None)
    systems, groups = [], []
    for place, name in enumerate(names):
        kind: Any = "baseline" if name == "linear" else "run"
        value, seeds = 0.6 - place / 20, 3 if place == 0 else 1
        around = Interval(value - 0.02, value + 0.02)
        members = [name if seeds == 1 else f"{name}-{seed}" for seed in range(seeds)]
        per_class, macro = {task.name: dict.fromkeys(task.classes, value)}, {task.name: value}
        for seed, member in enumerate(members):
            one = (value - 0.01, value + seed / 100, around, macro, {task.name: None}, per_class)
            systems.append(SystemScore(member, f"outputs/{member}", name, kind, seed, *one))
        deviation = 0.01 if seeds > 1 else None
        rank = place + 1 if ranked else None
        scores = (value, value - 0.01, deviation, around, macro, {task.name: around})
        groups.append(GroupScore(name, kind, members, seeds, rank, *scores))
    tests = [TestResult("paired bootstrap", "overall", 0.2, 0.4), TestResult("McNemar", "errors in tone", 0.0, 0.0001)]
    pairs = [
        PairResult(
            first, second, 0.05, Interval(-0.01, 0.11), (1, 1), False, {task.name: 0.05},
            {task.name: Interval(-0.01, 0.11)}, tests, tests[0], verdict, 900, None,
            f"no evidence: {first} and {second}{bad}",
        )
        for first, second in ((names[1], names[0]), (names[2], names[0]), (names[2], names[1]))
    ]  # fmt: skip
    differences = [ConfigurationDifference(f"loss.gamma{bad}", {names[0]: 2.0, names[1]: None})]
    return Comparison(
        setup, [f"compared on the test split{bad}"], [f"a note{bad}"], differences, systems, groups, pairs
    )


def inspection(*, hostile: bool = False, empty: bool = False) -> inspected.Inspection:
    """One of everything; with ``empty`` only what is always there."""
    bad, task = HOSTILE if hostile else "", tasks_named(hostile=hostile)[0]
    row = inspected.Row("train", f"row-1{bad}", f"{SECRET}{bad}{ODD}\ud83d", f"before{bad}")
    counts = inspected.TaskCounts(
        task.name, task.classes, {split: dict.fromkeys(task.classes, 5) for split in ("train", "test")}, {"train": 1}
    )
    table = tuple((number, 0, 2) for number in range(3))
    joint = inspected.JointCounts(task.name, "topic", task.classes, ("a", "b", "c"), {"train": table}, 9, None)
    lengths = inspected.SplitLengths("train", 15, 8.5, 8.0, 20.0, 90, 2, (3, 10, 2))
    label = inspected.SuspiciousLabel(row, task.name, task.classes[1], "no", 0.01, 0.9)
    confused = inspected.ConfusedRow(row, task.name, task.classes[1], "no", 3, 4, 0.8)
    pairs = (inspected.ConfusedPair(task.name, "no", task.classes[1], 4, 0.5),)
    checked = inspected.TaskLabels(task.name, 15, None, {task.classes[1]: 3}, (label,), pairs, (confused,))
    findings = (
        inspected.Finding("stop", "counts", f"a stop{bad}"),
        inspected.Finding("warning", "nowhere", f"a warning{bad}"),
        inspected.Finding("note", "labels", f"a note{bad}"),
    )
    duplicates = inspected.Duplicates(
        overlaps=(inspected.Overlap("exact", "train", "test", 2, 3), inspected.Overlap("near", "train", "train", 2, 2)),
        groups={"exact": 1, "near": 1},
        linked=2,
        rows=7,
        examples=(inspected.DuplicateGroup("exact", 5, ("train", "test"), (row, row)),),
    )
    conflict = inspected.Conflict(task.name, "near", 4, (row, row), task.classes[:2])
    conflicts = inspected.Conflicts({task.name: {"near": 1}}, {task.name: {"near": 4}}, (conflict,))
    group = inspected.GroupColumn(
        f"post{bad}", True, 9, 2, {"test": 3}, {"test": 0.2}, ((f"7{bad}", {"train": 2, "test": 1}),)
    )
    languages = inspected.Languages(
        "lang", {f"de{bad}": {"train": 10}, "en": {}}, {task.name: {f"de{bad}": {"no": 3}, "en": {}}}
    )
    return inspected.Inspection(
        source=f"CsvCorpus(path={bad!r})",
        time="2026-01-02T03:04:05+00:00",
        fingerprints={"train": "abc"},
        rows={"train": 15, "test": 15},
        unlabelled={"train": 0},
        findings=() if empty else findings,
        counts=() if empty else (counts,),
        joint=() if empty else (joint,),
        lengths=inspected.Lengths("characters", None, None, (0,), ()) if empty
        else inspected.Lengths("tokens", f"model{bad}", 40, (0, 20, 40, 90), (lengths,)),
        duplicates=inspected.Duplicates((), {"exact": 0, "near": 0}, 0, 0, ()) if empty else duplicates,
        conflicts=inspected.Conflicts({}, {}, ()) if empty else conflicts,
        groups=() if empty else (group,),
        languages=None if empty else languages,
        labels=() if empty else (checked,),
    )  # fmt: skip


SEARCHED = {
    "loss": ("ce", "focal", "ldam"),
    "sampler.boosts.sentiment.neutral": ("1", "2", "4", "8"),
    "optimizer.lr": (),
    "head.dropout": ("0.0", "0.1", "0.3"),
}
"""Settings of the sweeps of tests: names, few numbers, and numbers over orders of magnitude that a sweeper draws."""
STATES = ("failed", "interrupted", "waiting", "running", "pruned")


def sweep_content(
    jobs: int,
    *,
    seeds: int = 1,
    searched: Sequence[str] = tuple(SEARCHED),
    hostile: bool = False,
    unfinished: bool = True,
) -> SweepContent:
    """A sweep of which every seventh job has no score, if there are that many.

    :param searched: keys of :data:`SEARCHED`.
    """
    bad, generator = f" {HOSTILE}" if hostile else "", np.random.default_rng(jobs)
    trials = []
    for number in range(jobs):
        drawn = np.random.default_rng(number // seeds)
        known = {key: drawn.choice(SEARCHED[key] or [f"{10 ** drawn.uniform(-5, -2):.6g}"]) for key in searched}
        values = {key: str(value) for key, value in known.items()}
        skill = 0.5 + 0.02 * (values.get("loss") == "focal") + 0.01 * float(values.get("head.dropout", 0))
        skill -= 0.05 * abs(np.log10(float(values.get("optimizer.lr", 1e-3))) + 3)
        if "loss" in values:
            values["loss"] += bad
        state = STATES[number // 7 % len(STATES)] if unfinished and number % 7 == 6 else "finished"
        score = float(skill + generator.normal(0, 0.01)) if state == "finished" else None
        epochs = {"finished": 8, "waiting": 0}.get(state, 3)
        curve = [(epoch, (score or 0.4) * (1 - 0.6**epoch)) for epoch in range(1, epochs + 1)]
        own = {"tasks": {f"tone{bad}": score, "topic": score}, "monitored": score, "epoch": 8} if score else {}
        trials.append(
            Trial(
                f"{number:012x}", state, values, number % seeds, score, curve=curve, seconds=epochs * (9 + number % 5),
                ended=f"2026-01-02T{number // 60:02}:{number % 60:02}:00" if score else "",
                remark=f"ValueError: {'much ' * 40}{bad}" if state == "failed" else "", **own,
            )
        )  # fmt: skip
    asked = {key: [f"{value}{bad}" if key == "loss" else value for value in SEARCHED[key]] for key in searched}
    content = SweepContent(
        f"sweep-1a2b3c4d{bad}", "2026-01-02T03:04:05+00:00", [f"python -m polarity.train -m loss=ce,focal{bad}"],
        asked, "val/macro_f1", trials, remaining=[f"1 job failed{bad}"], machine=f"on CPU{bad}",
        advice={"What is recommended, as a preset": f"python -m polarity.sweep outputs/sweep-1a2b3c4d best{bad}"},
    )  # fmt: skip
    ranked = sorted(content.configurations, key=lambda one: -one.mean)
    if len(ranked) < 2:
        return content
    members = {f"{place}: {one.named}": [Path(trial.name) for trial in one.trials] for place, one in enumerate(ranked)}
    names, best, third = list(members), ranked[0].mean, min(2, len(ranked) - 1)
    chosen = Chosen(names[0], len(names), best, best - 0.012, Interval(best - 0.04, best + 0.02))
    shortlist = Shortlist(names[:5], len(names), names[third], ranked[third].mean, 0.01, seeds=True)
    return replace(content, best=[Best(chosen, shortlist, members, best - 0.05, [])])


@dataclass
class Page(HTMLParser):
    """A page taken apart; what is wrong with it stands in ``problems``."""

    source: str
    problems: list[str] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    headings: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._open: list[str] = []
        self._cells: list[int] = []
        self.feed(self.source)
        self.close()
        self.problems += [f"<{tag}> is never closed" for tag in self._open]
        self.problems += [f"id {name!r} occurs twice" for name in {n for n in self.ids if self.ids.count(n) > 1}]
        self.problems += [f"there is no {link}" for link in self.links if link[:1] == "#" and link[1:] not in self.ids]

    @property
    def text(self) -> str:
        """What a reader sees, and the titles of charts."""
        return " ".join(" ".join(self.texts).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self._look(tag, attrs)
        if tag in ("table", "thead", "tbody"):
            self._cells = [] if tag == "table" else self._cells
        if tag == "tr":
            self._cells.append(0)
        if tag in ("td", "th"):
            self._cells[-1] += int(dict(attrs).get("colspan") or 1)
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self._look(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open[-1] != tag:
            self.problems.append(f"</{tag}> closes {self._open[-1:]} at {self.getpos()}")
        else:
            self._open.pop()
        if tag == "table" and len(set(self._cells)) > 1:
            self.problems.append(f"the rows of a table have {sorted(set(self._cells))} cells, at {self.getpos()}")

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] not in ("script", "style"):
            self.texts.append(data)
        if self._open and self._open[-1] in ("h1", "h2"):
            self.headings[self._open[-1]] = self.headings.get(self._open[-1], "") + data

    def _look(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        if len(set(names)) < len(names):
            self.problems.append(f"<{tag}> has an attribute twice: {names}")
        for name, value in attrs:
            if name == "id":
                self.ids.append(value or "")
            if name == "href":
                self.links.append(value or "")
            if name.startswith("on") or name in ("src", "srcset", "action", "data", "poster", "background"):
                self.problems.append(f"<{tag}> has {name}={value!r}")
            if value and ("://" in value or value.strip().lower().startswith(("javascript:", "data:"))):
                self.problems.append(f"<{tag}> asks for {value!r}")
        if tag == "th" and "scope" not in names:
            self.problems.append("a <th> without scope")
