"""The folder of an ensemble: as a run's, whole or not at all, and readable when those of its members are gone."""

import re
import shutil
from pathlib import Path

from polarity.baselines import write_baselines
from polarity.baselines.texts import LinearTexts
from polarity.config.recorded import RunSettings
from polarity.config.trust import modules_of
from polarity.content import Config, Json
from polarity.data.rows import Splits
from polarity.ensembles.asking import Asked
from polarity.ensembles.gathering import Gathered
from polarity.ensembles.outcome import Outcome
from polarity.ensembles.settings import EnsembleSettings
from polarity.files import checksum, read_object, write_json
from polarity.models.saving import load_model, read_card, save_model, write_card_of_several
from polarity.reporting import Reporting
from polarity.reports.html import SplitContent
from polarity.run import RunDirectory, configuration_hash
from polarity.runs.environment import environment, read_environment
from polarity.runs.ledger import causes, seen_by
from polarity.runs.manifest import seal
from polarity.runs.saved import read_metrics
from polarity.systems.rebuild import combination_content
from polarity.training.results import SplitResults, write_results

SPECIAL = re.compile(r"[^\w.-]+")
KEPT = ("config.yaml", "overrides.yaml", "status.json", "environment.json", "manifest.json")
"""Of a member, beside what its manifest lists; checkpoints, logs and reports are not needed to use it."""


def fill(
    run: RunDirectory, outcome: Outcome, gathered: Gathered, settings: EnsembleSettings
) -> tuple[SplitContent, ...]:
    """Write everything into a new folder; returns what its files say about each split."""
    base = _base(outcome, gathered)
    known = read_environment(base)  # by its configuration the data are read, and relative paths meant from its folder
    here = environment(gathered.splits, base.settings.data.features)
    write_json(run.environment, {**here, "data": known["data"], "folder": known.get("folder"), "resumed": []})
    if outcome.combined is None:
        _write_model(run, outcome, settings)
        mark = str(read_card(run.model)["weights_sha256"])
    else:
        mark = _write_members(run, outcome, gathered.splits)
    outcome.fitted.decider.save(run.model, mark)
    reporting = reporting_of(settings, run.settings)
    if reporting.baselines:
        cache, calibration, decision = run.settings.cache, settings.calibration, settings.decision
        write_baselines(run, gathered.scored, cache, calibration=calibration, decision=decision)
    results = SplitResults({"val": outcome.fitted.predictions, **outcome.said}, outcome.fitted.evidence)
    read = write_results(run, results, _about(outcome), reporting=reporting, rows=gathered.splits.val)
    seal(run)
    run.finish()
    return read


def reporting_of(settings: EnsembleSettings, recorded: RunSettings) -> Reporting:
    """What is reported: as of the first member, where nothing else is asked for."""
    own = recorded.reporting
    return Reporting(
        baselines=own.baselines,
        texts=own.texts if settings.texts is None else settings.texts,
        resamples=own.resamples if settings.resamples is None else settings.resamples,
    )


def config_of(outcome: Outcome, gathered: Gathered, settings: EnsembleSettings) -> Config:
    """The ensemble's ``config.yaml``."""
    base = _base(outcome, gathered)
    members = [_described(one) for one in outcome.asked]
    own = {**settings.recorded(members), "output_dir": settings.output_dir}
    return base.settings.of_ensemble(own, one_model=outcome.combined is None)


def _base(outcome: Outcome, gathered: Gathered) -> RunDirectory:
    """The run whose configuration the ensemble has: of the first member that has a say, if that is one."""
    chosen = outcome.asked[outcome.first].source
    return chosen if isinstance(chosen, RunDirectory) else next(iter(gathered.runs.values()))


def _described(one: Asked) -> Json:
    if not isinstance(one.source, RunDirectory):
        return {"name": one.name, "configuration": None, "seed": None}
    known = configuration_hash(causes(one.source.config, seen_by(one.source)))
    return {"name": one.name, "configuration": known, "seed": one.source.settings.seed}


def _about(outcome: Outcome) -> Json:
    chosen = outcome.asked[outcome.first].source
    one_run = outcome.combined is None and outcome.kitchen is None and isinstance(chosen, RunDirectory)
    best = dict(read_metrics(chosen)["best"]) if one_run and isinstance(chosen, RunDirectory) else {}
    selection = {"sentence": outcome.sentence}
    return {
        "best": {**best, "selection": selection},
        "ensemble": {
            "kept": outcome.judged.kept,
            "best_member": outcome.judged.best,
            "members": [one.name for one in outcome.asked],
            "used": [outcome.asked[number].name for number in outcome.used],
            "gains": outcome.gain,
            "honest_gain": outcome.judged.honest_gain.value,
            "rows_per_second": {one.name: one.speed for one in outcome.asked},
        },
        "seconds": {},
    }


def _write_model(run: RunDirectory, outcome: Outcome, settings: EnsembleSettings) -> None:
    """One model, as a run has it: that of the best member, or the soup."""
    source = outcome.asked[outcome.first].source
    assert isinstance(source, RunDirectory)
    if outcome.kitchen is None or len(outcome.used) == 1:
        shutil.copytree(source.model, run.model)
        return
    model, companion = load_model(source.model, modules_of(settings.trust))
    model.load_state_dict(outcome.kitchen.mean(outcome.used))
    save_model(model, companion, run.model)


def _write_members(run: RunDirectory, outcome: Outcome, splits: Splits) -> str:
    """Copies of the members, and how they are put together; returns the checksum that the decision rule is bound to."""
    assert outcome.combined is not None
    kinds = dict[str, str]()
    for place, number in enumerate(outcome.used, 1):
        one = outcome.asked[number]
        folder = f"{place}-{SPECIAL.sub('-', one.name)}"
        if isinstance(one.source, LinearTexts):
            one.source.save(run.members / folder)
        else:
            _copy_run(one.source, run.members / folder)
        kinds[folder] = "linear" if isinstance(one.source, LinearTexts) else "run"
    run.model.mkdir(exist_ok=True)
    write_json(run.combination, combination_content(kinds, splits.tasks, outcome.combined))
    mark = checksum(run.combination)
    write_card_of_several(run.model, splits.tasks, mark)
    return mark


def _copy_run(run: RunDirectory, folder: Path) -> None:
    """What is needed to use a run and to check it; copied, not linked, so that neither can change the other."""
    names = [*KEPT, *read_object(run.manifest)["files"]]
    for name in names:
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(run.path / name, target)
