"""The summary: what training would stop at, what to look into first, and what is good to know."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import get_args

from polarity.data.reading import Reader
from polarity.inspection.labels import LIKELIER
from polarity.inspection.result import (
    Conflicts,
    Duplicates,
    Finding,
    GroupColumn,
    JointCounts,
    Kind,
    Languages,
    Lengths,
    Level,
    TaskCounts,
    TaskLabels,
)
from polarity.wording import out_of, percent, times

ORDER: tuple[Level, ...] = ("stop", "warning", "note")
FEW = 10
"""Rows of a class in validation or test below which its F1 says little."""

MUCH_CUT = 0.05
"""Share of the rows that are cut from which it is worth a warning."""


def ranked(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The worst first."""
    return tuple(sorted(findings, key=lambda finding: ORDER.index(finding.level)))


def of_training(stops: Sequence[str], notes: Sequence[str]) -> Iterator[Finding]:
    """What training itself says."""
    by_level: tuple[tuple[Level, Sequence[str]], ...] = (("stop", stops), ("note", notes))
    for level, texts in by_level:
        for text in texts:
            yield Finding(level, "data", f"training would stop: {text}" if level == "stop" else text)


def of_counts(counts: Sequence[TaskCounts]) -> Iterator[Finding]:
    """Rare classes and missing labels."""
    for task in counts:
        for split, rows in task.rows.items():
            few = {name: count for name, count in rows.items() if 0 < count < FEW}
            if few and split != "train":
                listed = ", ".join(f"{name} {count}" for name, count in few.items())
                text = (
                    f"{split}: classes of {task.task} with fewer than {FEW} rows ({listed}): "
                    "their F1 moves with each row"
                )
                yield Finding("warning", "counts", text)
        totals = {split: missing + sum(task.rows[split].values()) for split, missing in task.missing.items()}
        if any(task.missing.values()):
            listed = _shares({split: (missing, totals[split]) for split, missing in task.missing.items()})
            yield Finding("note", "counts", f"{task.task}: rows without a label: {listed}")
        train = {name: count for name, count in task.rows.get("train", {}).items() if count}
        if len(train) > 1:
            rare, common = min(train, key=train.__getitem__), max(train, key=train.__getitem__)
            factor = train[common] / train[rare]
            if factor >= 2:
                text = f"{task.task}: {common} has {factor:.1f} times the training rows of {rare} ({train[rare]:,})"
                yield Finding("note", "counts", text)


def _shares(parts: Mapping[str, tuple[int, int]]) -> str:
    """``train 2,420 of 8,283 (29.2%), ...``, without the splits that have none."""
    there = {split: counts for split, counts in parts.items() if counts[0]}
    return ", ".join(f"{split} {count:,} of {total:,} ({count / total:.1%})" for split, (count, total) in there.items())


def of_association(joint: Sequence[JointCounts]) -> Iterator[Finding]:
    """Tasks that go together, and combinations that are never trained on."""
    for pair in joint:
        named = f"{pair.first} and {pair.second}"
        if not pair.total:
            yield Finding("note", "association", f"{named}: no row has both labels, so each row teaches one of the two")
            continue
        if pair.cramers_v is not None:
            association = (
                f"{named}: Cramer's V is {pair.cramers_v:.2f} over {times(pair.total, 'row')} with both labels"
            )
            yield Finding("note", "association", f"{association} (0: independent, 1: each tells the other)")
        for split, table in pair.rows.items():
            unseen = [
                f"{pair.first_classes[i]} / {pair.second_classes[j]} ({count})"
                for i, line in enumerate(table)
                for j, count in enumerate(line)
                if count and "train" in pair.rows and not pair.rows["train"][i][j]
            ]
            if unseen:
                yield Finding("note", "association", f"{split}: {named} as never in training: {', '.join(unseen)}")


def of_lengths(lengths: Lengths, max_context: float | None = None) -> Iterator[Finding]:
    """Rows and contexts that are cut."""
    contexts = {split.split: (split.contexts_cut, split.rows) for split in lengths.splits}
    if any(count for count, _ in contexts.values()):
        share = f"batching.max_context={max_context} of batching.max_length={lengths.max_length}"
        yield Finding("note", "lengths", f"contexts longer than {share}, which are cut: {_shares(contexts)}")
    cut = {split.split: (split.cut or 0, split.rows) for split in lengths.splits if split.cut}
    if cut:
        much = any(count / total >= MUCH_CUT for count, total in cut.values())
        text = f"rows longer than batching.max_length={lengths.max_length}, which are cut: {_shares(cut)}"
        yield Finding("warning" if much else "note", "lengths", text)


def of_vocabulary(reader: Reader, texts: Sequence[str], model: str | None) -> Iterator[Finding]:
    """Texts that the tokenizer does not know, or that another one may know better."""
    yield from (Finding("warning", "lengths", warning) for warning in reader.warnings(texts, model))
    yield from (Finding("note", "lengths", line) for line in reader.advice(texts))


def of_duplicates(duplicates: Duplicates, conflicts: Conflicts) -> Iterator[Finding]:
    """Texts in two splits, repeated texts, and copies whose labels differ."""
    for kind in get_args(Kind):
        same = "the same text" if kind == "exact" else "nearly the same text"
        inside = [
            overlap for overlap in duplicates.overlaps if overlap.kind == kind and overlap.first == overlap.second
        ]
        if inside:
            listed = ", ".join(f"{overlap.first} {overlap.rows:,}" for overlap in inside)
            yield Finding("note", "duplicates", f"rows with {same} as another one of their split: {listed}")
    for overlap in duplicates.overlaps:
        if overlap.first != overlap.second:
            has = "has" if overlap.rows == 1 else "have"
            same = "the same text" if overlap.kind == "exact" else "nearly the same text"
            rows = f"{times(overlap.rows, 'row')} of {overlap.first}"
            text = f"{rows} {has} {same} as {overlap.others:,} of {overlap.second}"
            yield Finding("warning", "duplicates", text)
    for task, groups in conflicts.groups.items():
        if total := sum(groups.values()):
            count = sum(conflicts.rows[task].values())
            text = (
                f"{task}: labels differ in {times(total, 'group')} of the same or nearly the same text "
                f"({times(count, 'row')}); no model can be right about all of them"
            )
            yield Finding("warning", "conflicts", text)


def crossing_groups(groups: Sequence[GroupColumn]) -> Iterator[Finding]:
    """Groups that stand in several splits."""
    for column in groups:
        if not column.crossing:
            continue
        shares = ", ".join(f"{percent(share, 1)} of {split}" for split, share in column.shares.items())
        text = (
            f"{column.column}: {out_of(column.crossing, column.values, 'value', 'stands', 'stand')} in several splits; "
            f"{shares} "
            "share theirs with training"
        )
        advice = (
            f"; data.split.group={column.column} keeps them together where the splits are made here, and "
            f"data.group={column.column} says that they belong together where the data bring them"
        )
        yield Finding("warning" if column.asked else "note", "groups", text + advice)


def of_languages(languages: Languages | None) -> Iterator[Finding]:
    """Languages that are evaluated but not trained on."""
    if languages is None:
        return
    for name, rows in languages.rows.items():
        others = {split: count for split, count in rows.items() if split != "train" and count}
        if others and not rows.get("train"):
            listed = ", ".join(f"{count:,} in {split}" for split, count in others.items())
            text = f"{languages.column}: {name} is never trained on ({listed})"
            yield Finding("warning", "languages", text)


def of_labels(labels: Sequence[TaskLabels]) -> Iterator[Finding]:
    """Labels that are hard to believe."""
    for task in labels:
        total = sum(task.suspicious.values())
        if task.macro_f1 is None:
            yield Finding("note", "labels", f"{task.task}: fewer than two classes occur, so no label can be doubted")
        elif total:
            harder = f"an unseen {'' if task.whole else 'group, '}source or language may well be harder"
            text = (
                f"{task.task}: {out_of(total, task.rows, 'label', 'is', 'are')} suspicious to a linear model, "
                "which has macro-F1 "
                f"{task.macro_f1:.3f} cross-validated {task.validated} of all splits ({harder}); many are its own "
                "mistakes, so read the first ones"
            )
            yield Finding("note", "labels", text)
        elif confused := sum(pair.rows for pair in task.pairs):
            text = (
                f"{task.task}: no label is suspicious, though {out_of(confused, task.rows, 'row', 'is', 'are')} taken "
                "for another class by a linear model: none stands out by confident learning with another class "
                f"{LIKELIER:g} times as probable"
            )
            yield Finding("note", "labels", text)
