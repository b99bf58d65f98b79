"""What calibration, decision rule and reporting do to a model's logits, and to the folder of a run."""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from polarity.calibration.temperature import TemperatureScaling
from polarity.decisions.argmax import Argmax
from polarity.evaluation.predictions import Predictions
from polarity.posthoc import fit_decider
from tests.effects.corpus import SHARES as SHARES_OF_TASKS
from tests.effects.corpus import TASKS, rows
from tests.effects.outcome import Effect, Section, built
from tests.effects.settings import Special
from tests.running import train

ONCE = ("trainer.max_epochs=1", "trainer.log_every_n_steps=1")
GIVEN = {task.name: dict(zip(task.classes, (0.5, 0.3, 0.2), strict=True)) for task in TASKS}
SPECIAL: Special = {
    ("PriorDecision", "source"): ["validation", GIVEN],
    ("PriorDecision", "target"): [
        "uniform",
        GIVEN,
    ],
    ("Decision", "standard_errors"): [None, 0.0, 40.0],
    ("Decision", "min_rows"): [1, 500],
    ("Calibration", "standard_errors"): [None, 0.0, 40.0],
    ("Reporting", "resamples"): [100, 1000],
}


NEARLY = 1.2
LEAN = np.array([(1.5, 0.0, -1.0)] * len(TASKS))


def predictions(number: int = 300, *, lean: np.ndarray = LEAN, signal: float = 2.5) -> Predictions:
    """Logits that know something, and lean towards some classes: ``[tasks, classes]``."""
    labelled, draw = rows(number), np.random.default_rng(5)
    logits = [
        signal * np.eye(3)[labelled.labels[:, t].clip(0)] + 2 * draw.normal(size=(number, 3)) + lean[t]
        for t in range(len(TASKS))
    ]
    return Predictions.undecided(TASKS, labelled, [values.astype(np.float32) for values in logits])


def calibration(section: Section, times: float | None = None) -> Effect:
    result = predictions() if times is None else too_large(times)
    fitted = fit_decider(result, built("calibration", section, TASKS), Argmax())
    return Effect([item.probabilities for item in fitted.predictions.tasks])


def too_large(times: float, number: int = 150) -> Predictions:
    """Logits that would be right if they were not ``times`` too large."""
    labelled, draw = rows(number), np.random.default_rng(5)
    right = 1.5 * draw.normal(size=(len(TASKS), number, 3))
    labelled.labels = (right + draw.gumbel(size=right.shape)).argmax(axis=2).T
    return Predictions.undecided(TASKS, labelled, list((times * right).astype(np.float32)))


def nearly_right(section: Section) -> Effect:
    """A gain so small that it depends on the gate whether the calibration is kept."""
    return calibration(section, times=NEARLY)


def decision(section: Section, number: int = 300, lean: np.ndarray = LEAN, signal: float = 2.5) -> Effect:
    """What is decided, and what is said of it; no rule is tried where there is no evidence."""
    fitted = fit_decider(
        predictions(number, lean=lean, signal=signal), TemperatureScaling(), built("decision", section, TASKS)
    )
    gains = [fitted.evidence[task.name]["decision"]["gain"] for task in TASKS]
    tasks = fitted.predictions.tasks
    return Effect([*(item.predicted for item in tasks), *(item.honest for item in tasks), gains])


def little_to_gain(section: Section) -> Effect:
    """A gain so small that it depends on the gate whether the rule is kept."""
    return decision(section, lean=0.4 * LEAN)


def much_to_gain(section: Section) -> Effect:
    """So much that only a gate out of reach gives it away: the posterior takes the frequent classes."""
    return decision(section, number=3000, lean=2 * np.log(SHARES_OF_TASKS), signal=4.0)


def few_rows(section: Section) -> Effect:
    """Fewer than five rows of some classes."""
    return decision(section, number=24)


def reporting(section: Section) -> Effect:
    return _reported(tuple(f"reporting.{name}={value}" for name, value in section.items() if name != "_target_"))


RUNS: dict[tuple[str, ...], list[Effect]] = {}
"""Of whole runs, by their settings: presets differ by one setting, and changed in it are the same."""


def _reported(settings: tuple[str, ...]) -> Effect:
    """A run's files, the last that is made: the first of the same settings and the second, which tells if they vary."""
    outcomes = RUNS.setdefault(settings, [])
    if len(outcomes) < 2:
        outcomes.append(_run(settings))
    return outcomes[-1]


def _run(settings: tuple[str, ...]) -> Effect:
    with TemporaryDirectory() as folder:
        run = train(Path(folder), *ONCE, *(text.replace("True", "true") for text in settings), rows=160)
        files = sorted(str(path.relative_to(run.path)) for path in run.path.glob("baselines/*/*"))
        tables = [path.read_text(encoding="utf-8") for path in sorted(run.details.glob("*.csv"))]
    return Effect([files, tables])


SITUATIONS = {
    "calibration": (calibration, nearly_right),
    "decision": (decision, little_to_gain, few_rows, much_to_gain),
    "reporting": (reporting,),
}
