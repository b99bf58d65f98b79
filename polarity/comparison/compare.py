"""From systems to the result of their comparison."""

from collections.abc import Sequence
from dataclasses import replace
from math import ceil

import numpy as np

from polarity.comparison.align import Aligned
from polarity.comparison.differences import code_notes, configuration_differences
from polarity.comparison.evidence import RANDOMISATION, Evidence
from polarity.comparison.fold_evidence import FoldEvidence
from polarity.comparison.grouping import Group, group_systems
from polarity.comparison.load import System
from polarity.comparison.pairs import Pair
from polarity.comparison.result import Comparison, GroupScore, PairResult, Setup, SystemScore
from polarity.comparison.sentence import needs, pair_sentence, verdict
from polarity.evaluation.metrics import Scores, score
from polarity.wording import times


def compare_systems(
    systems: Sequence[System],
    aligned: Aligned,
    *,
    split: str,
    ranked: bool,
    cluster: str | None = None,
    resamples: int = 10_000,
    confidence: float = 0.95,
    seed: int = 0,
    margin: float = 0.01,
    marks: Sequence[str] = (),
    notes: Sequence[str] = (),
) -> Comparison:
    """Compare systems on the same rows.

    :param aligned: their decisions, from :func:`~polarity.comparison.align.align`.
    :param ranked: whether groups are put in the order of their scores.
    :param cluster: the metadata column that ``aligned`` was clustered by.
    :param margin: difference of overall macro-F1 below which two are equal.
    :param marks: warnings that have to stand in every output.
    """
    groups = group_systems(systems)
    setup = Setup(
        split=split,
        rows=len(aligned.ids),
        tasks={task.name: list(task.classes) for task in aligned.tasks},
        ranked=ranked,
        resamples=resamples,
        confidence=confidence,
        seed=seed,
        margin=margin,
        cluster=cluster,
    )
    kind = FoldEvidence if systems[0].folds else Evidence
    evidence = kind(systems, groups, aligned, resamples=resamples, confidence=confidence, seed=seed, margin=margin)
    scored = _system_scores(systems, groups, aligned, evidence)
    chosen = evidence.chosen() if ranked and len(groups) > 1 else None
    groups, group_scores, pairs = _in_order(groups, systems, scored, evidence, ranked=ranked)
    about = _notes(systems, groups, aligned, pairs, setup, of_one_group=_of_one_group(evidence))
    return Comparison(
        setup=setup,
        marks=list(marks),
        notes=[*notes, *about, *code_notes(systems)],
        differences=configuration_differences(systems, groups),
        systems=scored,
        groups=group_scores,
        pairs=[_pair_result(pair, setup.rows, confidence, margin) for pair in pairs],
        chosen=chosen,
    )


def _in_order(
    groups: list[Group], systems: Sequence[System], scored: list[SystemScore], evidence: Evidence, *, ranked: bool
) -> tuple[list[Group], list[GroupScore], list[Pair]]:
    """Groups, scores and pairs; where they are ranked, the best score first, and a pair begins with the better one."""
    scores = [_group_score(group, systems, scored, evidence) for group in groups]
    if not ranked:
        return groups, scores, evidence.pairs(groups)
    order = sorted(range(len(groups)), key=lambda number: -scores[number].overall)
    ascending = [groups[number] for number in reversed(order)]
    ranks = [_with_rank(scores[number], rank) for rank, number in enumerate(order, 1)]
    return ascending, ranks, evidence.pairs(ascending)[::-1]


def scores_of(aligned: Aligned, decided: Sequence[np.ndarray]) -> Scores:
    """Scores of one system's decisions on the common rows."""
    return score(aligned.tasks, aligned.labels, decided)


def _system_scores(
    systems: Sequence[System], groups: Sequence[Group], aligned: Aligned, evidence: Evidence
) -> list[SystemScore]:
    group_of = {number: group.name for group in groups for number in [*group.members, *group.repeats]}
    scored = []
    for number, system in enumerate(systems):
        repeats = aligned.repeats(number)
        scores = [scores_of(aligned, decided) for decided, _ in repeats]
        scored.append(
            SystemScore(
                name=system.name,
                folder=str(system.folder),
                group=group_of[number],
                kind=system.kind,
                seed=system.seed,
                uncalibrated=_mean([scores_of(aligned, argmax).overall for _, argmax in repeats]),
                overall=_mean([one.overall for one in scores]),
                interval=evidence.interval(number),
                macro_f1={task: _known_mean([one.tasks[task].macro_f1 for one in scores]) for task in scores[0].tasks},
                accuracy={task: _known_mean([one.tasks[task].accuracy for one in scores]) for task in scores[0].tasks},
                per_class={
                    task: {label: _mean([one.tasks[task].per_class[label].f1 for one in scores]) for label in classes}
                    for task, classes in ((name, found.per_class) for name, found in scores[0].tasks.items())
                },
            )
        )
    return scored


def _of_one_group(evidence: Evidence) -> str:
    """What one group has to itself, or nearly so; empty if nothing is so."""
    tasks = [task.name for task in evidence.labelled if evidence.one_group(evidence.aligned.tasks.index(task))]
    return "" if not tasks else "rows" if len(tasks) == len(evidence.labelled) else f"labels of {', '.join(tasks)}"


def _mean(values: Sequence[float]) -> float:
    """Over the repeats of a cross-validation; there is one of anything else."""
    return float(np.mean(values))


def _known_mean(values: Sequence[float | None]) -> float | None:
    """The same, None where the task has no labelled rows, which all repeats share."""
    known = [value for value in values if value is not None]
    return _mean(known) if known else None


def _group_score(
    group: Group, systems: Sequence[System], scored: Sequence[SystemScore], evidence: Evidence
) -> GroupScore:
    members = [scored[number] for number in group.members]
    overall = np.array([member.overall for member in members])
    labelled = [task.name for task in evidence.labelled]
    names = [task.name for task in evidence.aligned.tasks]
    return GroupScore(
        name=group.name,
        kind=systems[group.members[0]].kind,
        members=[member.name for member in members],
        seeds=len(members),
        rank=None,
        overall=float(overall.mean()),
        uncalibrated=float(np.mean([member.uncalibrated for member in members])),
        deviation=float(overall.std(ddof=1)) if len(members) > 1 else None,
        interval=evidence.group_interval(group),
        macro_f1={
            name: float(np.mean([member.macro_f1[name] or 0.0 for member in members])) if name in labelled else None
            for name in names
        },
        macro_f1_intervals={
            name: evidence.group_interval(group, number) for number, name in enumerate(names) if name in labelled
        },
    )


def _with_rank(score: GroupScore, rank: int) -> GroupScore:
    return replace(score, rank=rank)


def _pair_result(pair: Pair, rows: int, confidence: float, margin: float) -> PairResult:
    rows_needed, seeds_needed = needs(pair, rows, confidence, margin)
    first, second = (runs.count for runs in pair.runs)
    return PairResult(
        first=pair.first.name,
        second=pair.second.name,
        difference=pair.estimate.value,
        interval=pair.interval,
        seeds=(first, second),
        seeds_included=pair.seeds_included,
        macro_f1={name: value for name, (value, _) in pair.macro_f1.items()},
        macro_f1_intervals={name: interval for name, (_, interval) in pair.macro_f1.items()},
        tests=pair.tests,
        equal=pair.equal,
        verdict=verdict(pair, confidence),
        rows_needed=rows_needed,
        seeds_needed=seeds_needed,
        sentence=pair_sentence(pair, rows, confidence, margin),
    )


def _notes(
    systems: Sequence[System],
    groups: Sequence[Group],
    aligned: Aligned,
    pairs: Sequence[Pair],
    setup: Setup,
    *,
    of_one_group: str,
) -> list[str]:
    notes = []
    if any(item.crossfit is not None for system in systems for item in system.predictions.tasks):
        by_hand = [system.name for system in systems if system.kind == "predictions"]
        but = f"; of {', '.join(by_hand)} that is not known" if by_hand else ""
        notes.append(f"{setup.split} decisions of runs are cross-fitted, no row by a rule that had seen its label{but}")
    repeated = any(system.further for system in systems)
    if pairs and pairs[0].folds:
        notes.append(
            f"differences are means over {pairs[0].folds} folds, with corrected resampled tests and intervals (Nadeau "
            f"and Bengio 2003); scores are those of all held-out rows{', means over repeats' if repeated else ''}"
        )
    for group in groups:
        if group.repeats:
            names = ", ".join(systems[number].name for number in group.repeats)
            notes.append(
                f"{names}: repeats a seed, or the answers, of {group.name}, so it is no further evidence and is not"
                " counted"
            )
    drawn = any(pair.tests[0].name == RANDOMISATION for pair in pairs)  # that of rows and seeds is no count of trials
    if drawn and len(pairs) / (setup.resamples + 1) >= 1 - setup.confidence:
        enough = ceil(len(pairs) / (1 - setup.confidence))
        what = "the p-value" if len(pairs) == 1 else f"no p-value that is corrected for {times(len(pairs), 'pair')}"
        cannot = "cannot" if len(pairs) == 1 else "can"
        notes.append(
            f"with {times(setup.resamples, 'resample')} {what} {cannot} be below {1 - setup.confidence:.2g}; "
            f"resamples={enough} is the least"
        )
    if of_one_group:
        notes.append(
            f"the {of_one_group} are all of one {setup.cluster}, or one outweighs all others, which cannot say how it "
            "would be in another: there is no interval and no verdict"
        )
    if not pairs:
        notes.append("there is one configuration only, so there is no pair to compare")
    notes += [
        f"task {task.name} has no labelled row in {setup.split}, so it does not count"
        for t, task in enumerate(aligned.tasks)
        if (aligned.labels[:, t] < 0).all()
    ]
    return notes
