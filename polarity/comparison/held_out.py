"""A comparison on held-out rows is a look at them: it is recorded, and every output says so."""

from collections.abc import Sequence
from pathlib import Path

from polarity.comparison.align import Aligned
from polarity.comparison.load import System
from polarity.evaluation.metrics import score
from polarity.evaluation.predictions import mark_of_file
from polarity.paths import cache_dir
from polarity.run import configuration_hash
from polarity.runs.ledger import Ledger, configuration_name, ledger_of


def record_evaluations(systems: Sequence[System], aligned: Aligned, split: str) -> list[str]:
    """Record a look by each system; returns what the ledger says of the rows then.

    Baselines beside runs are not counted: nobody has chosen anything of them.

    :raises UserError: if a ledger cannot be written.
    """
    # What has no cache of its own (a baseline, a folder made by hand) is recorded where the runs beside it are.
    shared = next((ledger_of(system.config) for system in systems if system.config is not None), Ledger(cache_dir()))
    ledgers: dict[Path, tuple[Ledger, str]] = {}
    for number, system in enumerate(systems):
        if system.kind == "baseline" and any(other.kind != "baseline" for other in systems):
            continue
        fingerprint = system.fingerprint(split) or next(
            (found for other in systems if (found := other.fingerprint(split))), mark_of_file(system.predictions)
        )
        ledger = shared if system.config is None else ledger_of(system.config)
        scores = score(aligned.tasks, aligned.labels, aligned.decided[number])
        ledger.record(
            fingerprint,
            run=system.folder,
            configuration=_configuration(system),
            verb="compare",
            overall=scores.overall,
            tasks={name: task.macro_f1 for name, task in scores.tasks.items()},
        )
        ledgers[ledger.path(fingerprint)] = (ledger, fingerprint)
    return list(dict.fromkeys(ledger.sentence(fingerprint) for ledger, fingerprint in ledgers.values()))


def marks_of(split: str, sentences: Sequence[str], *, ranked: bool) -> list[str]:
    """What has to stand in every output of a comparison on held-out rows."""
    marks = [f"compared on the {split} split: {'; '.join(sentences)}"]
    if ranked:
        warning = "the score of what is chosen this way is too high, and says nothing about further rows"
        return [*marks, f"ranked by {split.upper()} scores, as select={split} asks for: {warning}"]
    return [*marks, f"not ranked: choosing by {split} scores would make the chosen score too high"]


def _configuration(system: System) -> str:
    if system.config is not None:
        return configuration_name(system.config, system.rows)
    return configuration_hash({"kind": system.kind, "folder": "" if system.kind == "baseline" else str(system.folder)})
