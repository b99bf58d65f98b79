"""Every setting of every preset changes something when it is changed, or the change is refused."""

from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from polarity.config.folds import all_folds_of
from polarity.config.overrides import COLLECTIONS
from polarity.config.preflight import prepare
from polarity.config.root import ROOT_KEYS, RootSettings
from polarity.config.sections import SECTIONS
from polarity.config.trainer import build_callbacks
from polarity.data.folds import FoldedRows
from polarity.errors import UserError
from polarity.run import RunDirectory
from polarity.train import check
from polarity.training.assembled import Stages
from polarity.training.finish import scored_splits
from polarity.training.run import assemble
from tests.effects import batches, components, data, deciding, models, training
from tests.effects.outcome import Examination, same
from tests.effects.presets import sections
from tests.running import composed, overrides

EXAMINATIONS = [
    *(
        Examination(kind, situations, components.SPECIAL, components.ONLY_PLACES, components.SYNONYMS)
        for kind, situations in components.SITUATIONS.items()
    ),
    *(Examination(kind, situations, deciding.SPECIAL) for kind, situations in deciding.SITUATIONS.items()),
    Examination("model", (models.on_disk, models.on_the_hub), models.SPECIAL, models.ONLY_PLACES, models.SYNONYMS),
    Examination("pretraining", (models.pretraining,), models.SPECIAL),
    Examination("batching", (batches.batches,), batches.SPECIAL, batches.ONLY_PLACES),
    Examination("callbacks", (training.callback,), training.SPECIAL),
    Examination("trainer", (training.trainer,), training.SPECIAL),
    Examination("logger", (training.logger,), training.SPECIAL),
]


LONG = {
    "batching",
    "callbacks",
    "decision",
    "loss",
    "model",
    "optimizer",
    "pretraining",
    "reporting",
    "trainer",
    "FileCorpus",
    "HubCorpus",
}
"""What takes more than four seconds: many settings, or settings that are felt in the folder of a whole run only."""


def case(name: str, value: Any) -> Any:
    return pytest.param(value, id=name, marks=pytest.mark.slow if name in LONG else ())


@pytest.mark.parametrize("examination", [case(one.path, one) for one in EXAMINATIONS])
def test_every_setting_of_every_preset_is_felt_or_refused(examination: Examination) -> None:
    for label, section in sections(examination.path):
        examination.examine(label, section)
    assert not examination.unfelt, "\n".join(examination.unfelt)
    assert examination.never_effective() <= set(training.ELSEWHERE)


CORPORA = {
    "FileCorpus": data.FILE_SITUATIONS,
    "VaderCorpus": data.PACKAGE_SITUATIONS,
    "HubCorpus": data.HUB_SITUATIONS,
}


@pytest.mark.parametrize("corpus", [case(corpus, corpus) for corpus in CORPORA])
def test_every_setting_of_every_corpus_is_felt_or_refused(corpus: str) -> None:
    if corpus == "HubCorpus":
        pytest.importorskip("datasets", reason="needs the extra polarity[hub]")
    examination = Examination("data", CORPORA[corpus], data.SPECIAL, data.ONLY_PLACES)
    with data.offline() if corpus == "HubCorpus" else nullcontext():
        for label, section in sections("data"):
            if section["_target_"].endswith(corpus):
                examination.examine(label, section)
    assert not examination.unfelt, "\n".join(examination.unfelt)
    assert examination.never_effective() <= data.TRIED_ELSEWHERE


def test_no_part_of_a_configuration_is_left_out() -> None:
    examined = {examination.path for examination in EXAMINATIONS} | {"data"}
    assert examined == {*SECTIONS, *COLLECTIONS}
    corpora = {section["_target_"].rpartition(".")[2] for _, section in sections("data")}
    assert corpora == set(CORPORA)


ROOT = {
    "seed": "seed=7",
    "monitor": "monitor=val/tone/macro_f1",
    "mode": "mode=min",
    "test": "test=false",
    "folds": "folds=2",
    "repeats": "repeats=2",
    "fold": "fold=2",
    "output_dir": "output_dir=elsewhere",
    "cache_dir": "cache_dir=elsewhere",
    "resume": "resume=nowhere",
    "origin": "from=nowhere",
    "trust": "trust=elsewhere",
    "run_dir": "run_dir=elsewhere",
    "sweep": "sweep.retry=failed",
}
REFUSED = {"mode", "resume", "origin", "trust", "run_dir", "repeats", "fold", "sweep"}


def run_of(folder: Path, *more: str) -> list[Any]:
    """What a run starts with: weights, draw, what it watches, where its files are, and its rows or its last fold's."""
    arguments = overrides(folder, *more, rows=60)
    check(arguments)
    config = composed(*arguments)
    assembled = assemble(prepare(config), Stages())
    tokens = sorted(str(path.relative_to(folder)) for path in folder.rglob("*.npy"))
    best = build_callbacks(config)["best"]
    weights = [parameter.detach() for parameter in assembled.module.parameters()]
    prepared = assembled.prepared
    place = RunDirectory.create(prepared.root.output_dir, config, []).path.parent
    within = str(place.resolve().relative_to(folder.resolve()))
    scored = [name for name, _ in scored_splits(prepared).items()]
    cut, folds = prepared.splits, all_folds_of(config)
    if folds is not None:
        cut = FoldedRows(prepared.components.data, cut, folds).of(folds.count)
    return [
        weights,
        assembled.data.sampler.draw(0),
        best.monitor,
        best.mode,
        tokens,
        within,
        scored,
        [part.ids for _, part in cut.items()],
    ]


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    """The same without any change; another folder is none."""
    first, second = (run_of(tmp_path_factory.mktemp("root")) for _ in range(2))
    assert same(first, second)
    return first


@pytest.mark.parametrize("setting", RootSettings.__dataclass_fields__)
def test_every_setting_at_the_root_is_felt_or_refused(
    setting: str, plain: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    if setting in REFUSED:
        with pytest.raises(UserError, match=f"^{ROOT_KEYS[setting]}"):
            run_of(tmp_path, ROOT[setting])
    else:
        assert not same(plain, run_of(tmp_path, ROOT[setting]))


@pytest.mark.parametrize(("one", "other"), [("repeats=1", "repeats=2"), ("fold=1", "fold=2"), ("fold=1", "fold=null")])
def test_what_is_refused_without_folds_is_felt_beside_them(one: str, other: str, tmp_path: Path) -> None:
    for name in ("one", "other"):  # each with a cache of its own
        (tmp_path / name).mkdir()
    first, second = run_of(tmp_path / "one", "folds=2", one), run_of(tmp_path / "other", "folds=2", other)
    assert not same(first[-1], second[-1]), "other rows are held out"
