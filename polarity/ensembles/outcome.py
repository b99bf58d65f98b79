"""What is made of the members: one of them alone, several together, or a soup."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from polarity.calibration.scaling import Scaling
from polarity.config.trust import modules_of
from polarity.content import Json
from polarity.data.rows import Rows
from polarity.ensembles.asking import Asked
from polarity.ensembles.auto import Auto
from polarity.ensembles.blend import Blend
from polarity.ensembles.candidates import Alone, Blended, Candidate, MemberRows, Rulings
from polarity.ensembles.gathering import Gathered
from polarity.ensembles.judge import Decided, Judged, deal, judge
from polarity.ensembles.settings import EnsembleSettings
from polarity.ensembles.soup import Kitchen, Soup, Souped
from polarity.evaluation.predictions import Predictions
from polarity.models.saving import load_model
from polarity.posthoc import Fitted, fit_decider
from polarity.posthoc.evidence import judged_in_whole
from polarity.posthoc.gain import Gain
from polarity.progress import progress
from polarity.run import RunDirectory
from polarity.runs.rebuild import rebuild
from polarity.systems.combination import LinearPool, TaskEnsemble


@dataclass(frozen=True)
class Outcome:
    """What was found.

    :param asked: all members.
    :param decided: cross-fitted decisions of all members and ways on validation, by name.
    :param used: numbers of the members that have a say.
    :param combined: how these answer together, for each task; None where the result is one model of a run.
    :param soup: where weights are averaged, those that are; none else.
    :param fitted: calibration and rule of the result, on validation.
    :param said: the result's own predictions of the other splits.
    :param took: the way that would be kept or came closest, and the one member that it has taken; None where there are
        several.
    """

    asked: list[Asked]
    judged: Judged
    decided: Mapping[str, Decided]
    used: tuple[int, ...]
    combined: list[TaskEnsemble] | None
    kitchen: Kitchen | None
    fitted: Fitted
    said: dict[str, Predictions]
    took: tuple[str, str] | None = None

    @property
    def gain(self) -> Json:
        """Cross-fitted gains of all ways over the best member, for ``metrics.json``; None for an error not known."""
        return {
            name: {"value": one.value, "standard_error": one.standard_error if one.known else None}
            for name, one in self.judged.gains.items()
        }

    @property
    def first(self) -> int:
        """Number of the member whose configuration the result has; a soup that of the one that it was judged in."""
        return self.used[0] if self.kitchen is None else self.kitchen.number

    @property
    def speed(self) -> float:
        """Rows per second: its members' times together; those of one model, a soup among them, are that model's."""
        if self.combined is None:
            return self.asked[self.first].speed
        return 1 / sum(1 / self.asked[number].speed for number in self.used)

    @property
    def alone(self) -> str | None:
        """The member that answers alone: the best one, because no way is better, or the best way took one member."""
        return self.judged.best if self.judged.kept is None else None

    @property
    def sentence(self) -> str:
        """What was kept, and why."""
        judged = self.judged
        if self.took is not None:
            way, member = self.took
            why = "since no other member made it better"
            if member != judged.best:
                why = f"and {judged.best}, which decides better, is kept"
            return f"no ensemble: {way} took {member} alone, {why}"
        name = judged.closest
        gain = judged.gains[name]
        points = f"{100 * gain.value:+.2f} points of overall macro-F1, standard error {error_in_points(gain)}"
        over = f"its cross-fitted gain over the member that is best without each fold is {points}"
        if judged.kept is None:
            assert judged.needed is not None
            why = gain.asked(judged.needed)
            if gain.exceeds(judged.needed):
                why = f"but over {judged.best} on all rows it is {100 * judged.over_best[name]:+.2f}"
            return f"no ensemble: {judged.best} alone is kept. {name} came closest: {over}; {why}"
        asked = "kept as asked for" if judged.needed is None else "kept"
        honest = f"judged without each row's own fold it is {100 * judged.honest_gain.value:+.2f}"
        return f"{name} of {', '.join(self.asked[number].name for number in self.used)}: {asked}: {over}; {honest}"


def error_in_points(gain: Gain) -> str:
    """The standard error, as tables and sentences show it."""
    return f"{100 * gain.standard_error:.2f}" if gain.known else "unknown"


def find_outcome(asked: list[Asked], gathered: Gathered, settings: EnsembleSettings) -> Outcome:
    """Judge all ways, and make the result's predictions of every split."""
    members = MemberRows(_light(asked[0].said["val"]), [one.logits("val") for one in asked])
    ways = _ways(members, gathered, settings)
    judged, decided = _judge(members, asked, ways, settings)
    best = [one.name for one in asked].index(judged.best)
    kept: Candidate | None = next(way for way in ways if way.name == judged.closest)
    used, combined = _combined(kept, best, asked, members)
    took = (judged.closest, asked[used[0]].name) if combined is None and len(used) == 1 else None
    if took is not None or judged.kept is None:
        kept, judged = None, replace(judged, kept=None)
        used, combined = _combined(None, best, asked, members)
    kitchen = kept.kitchen if isinstance(kept, Souped) else None
    raw = {
        split: Predictions.undecided(
            gathered.splits.tasks, rows, _logits(asked, used, combined, kitchen, split, rows), _tokens(asked, split)
        )
        for split, rows in gathered.evaluated.items()
    }
    fitted = fit_decider(raw["val"], settings.calibration, settings.decision)
    if judged.kept is not None:
        fitted = _with_honest(fitted, judged)
    said = {split: fitted.decider.apply(rows) for split, rows in raw.items() if split != "val"}
    return Outcome(asked, judged, decided, used, combined, kitchen, fitted, said, took)


def _judge(
    members: MemberRows, asked: Sequence[Asked], ways: Sequence[Candidate], settings: EnsembleSettings
) -> tuple[Judged, dict[str, Decided]]:
    """The judgement, and the cross-fitted decisions of all members and ways."""
    rulings = Rulings(settings.calibration, settings.decision, deal(members))
    alone = [Alone(one.name, logits) for one, logits in zip(asked, members.logits, strict=True)]
    decided = dict[str, Decided]()
    with progress("judging", len(alone) + len(ways), "system") as advance:
        for candidate in (*alone, *ways):
            decided[candidate.name] = rulings.decided(candidate, members)
            advance(1)
    names = [one.name for one in alone], [one.name for one in ways]
    gate = None if settings.gate is False else float(settings.gate)
    judged = judge(members, decided, rulings.folds, alone=names[0], ways=names[1], standard_errors=gate)
    return judged, decided


def _combined(
    kept: Candidate | None, best: int, asked: Sequence[Asked], members: MemberRows
) -> tuple[tuple[int, ...], list[TaskEnsemble] | None]:
    """Numbers of the members that have a say, and how they answer together; None if it is with one run's model."""
    everywhere = np.ones(len(members.rows), dtype=bool)
    if isinstance(kept, Blended):
        fitted = kept.fit(everywhere)
        used = tuple(sorted({number for one in fitted for number in one.combination.used}))
        pooled = all(isinstance(one.combination, LinearPool) for one in fitted)
        if pooled and len(used) == 1 and isinstance(asked[used[0]].source, RunDirectory):
            return used, None  # all of the weight is one model's
        return used, [one.only(used) for one in fitted]
    if isinstance(kept, Souped):
        return tuple(sorted(kept.choose(everywhere))), None
    if isinstance(asked[best].source, RunDirectory):
        return (best,), None
    return (best,), [
        TaskEnsemble((Scaling.identity(len(task.classes)),), LinearPool.equal(1)) for task in members.tasks
    ]


def _light(predictions: Predictions) -> Predictions:
    """Without columns that nothing is grouped by."""
    kept = {name: values for name, values in predictions.metadata.items() if name == predictions.group}
    tasks = tuple(replace(item, logits=None, probabilities=None, crossfit=None) for item in predictions.tasks)
    return replace(predictions, metadata=kept, tokens=None, tasks=tasks)


def _ways(members: MemberRows, gathered: Gathered, settings: EnsembleSettings) -> list[Candidate]:
    method = settings.method
    if isinstance(method, Soup):
        runs, trust = list(gathered.runs.values()), modules_of(settings.trust)
        best = members.best  # any order of the runs has the same one
        bowl = rebuild(runs[best].path, accelerator=settings.accelerator, trust=settings.trust, unused=False)
        weights = [load_model(run.model, trust)[0].state_dict() for run in runs]
        return [Souped(method.name, members, method, Kitchen(best, bowl, weights, gathered.splits.val))]
    blends = method.blends if isinstance(method, Auto) else (method,)
    return [Blended(blend.name, members, blend, settings.calibration) for blend in blends if isinstance(blend, Blend)]


def _logits(
    asked: Sequence[Asked],
    used: Sequence[int],
    combined: Sequence[TaskEnsemble] | None,
    kitchen: Kitchen | None,
    split: str,
    rows: Rows,
) -> list[np.ndarray]:
    if kitchen is not None and len(used) > 1:
        return kitchen.of_rows(used, rows)
    said = [asked[number].logits(split) for number in used]
    if combined is None:
        return said[0]
    return [one.logits(members) for one, members in zip(combined, zip(*said, strict=True), strict=True)]


def _tokens(asked: Sequence[Asked], split: str) -> np.ndarray | None:
    return next((one.said[split].tokens for one in asked if one.said[split].tokens is not None), None)


def _with_honest(fitted: Fitted, judged: Judged) -> Fitted:
    """What is decided about a labelled row without its fold, and told of it: weights, calibrations, rule, judgement."""
    tasks = tuple(
        replace(item, crossfit=np.where(item.known, honest, item.predicted))
        for item, honest in zip(fitted.predictions.tasks, judged.honest, strict=True)
    )
    evidence = {item.task.name: judged_in_whole(fitted.evidence[item.task.name], item) for item in tasks}
    return replace(fitted, predictions=replace(fitted.predictions, tasks=tasks), evidence=evidence)
