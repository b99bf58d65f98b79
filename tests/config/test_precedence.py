"""One rule decides what wins: group presets < experiment < debug < command line."""

from typing import Any

import pytest

from polarity.config.compose import CompositionError
from polarity.config.structure import structure_problems
from polarity.models.components import own_pooling
from tests.presets import configurations

RUN4 = ("experiment=run4", "data.path=comments.csv")


def config(*overrides: str) -> dict[str, Any]:
    (composed,) = configurations(overrides)
    assert structure_problems(composed) == []
    return composed


def test_an_experiment_wins_over_its_groups() -> None:
    assert config("model=mbert", "data.path=comments.csv", "data=campaign")["model"]["pooling"] == own_pooling("mean")
    assert config(*RUN4)["model"]["pooling"] == own_pooling("last4_mean")
    assert config()["trainer"]["max_epochs"] == 10
    assert config(*RUN4)["trainer"]["max_epochs"] == 20


def test_debug_wins_over_the_experiment() -> None:
    assert config(*RUN4, "debug=one_batch")["trainer"]["max_epochs"] == 1
    assert config(*RUN4, "debug=one_batch")["batching"]["accumulate"] == 1


@pytest.mark.parametrize("position", [0, 1, 2])
def test_the_command_line_wins_over_all_wherever_it_stands(position: int) -> None:
    overrides = [*RUN4, "debug=one_batch"]
    overrides[position:position] = ["trainer.max_epochs=7", "loss.gamma=1.5", "sampler.boosts.sentiment.neutral=9"]
    composed = config(*overrides)
    assert composed["trainer"]["max_epochs"] == 7
    assert composed["loss"]["gamma"] == 1.5
    assert composed["sampler"]["boosts"] == {"sentiment": {"neutral": 9}, "polarization": {"objective": 8.5}}


def test_a_group_on_the_command_line_wins_over_the_experiment() -> None:
    composed = config(*RUN4, "model=xlmr_base")
    assert composed["model"]["name"] == "FacebookAI/xlm-roberta-base"
    assert composed["model"]["pooling"] == own_pooling(
        "last4_mean"
    )  # the recipe is the experiment's, whatever the encoder


def test_what_an_experiment_sets_goes_with_the_component_that_it_is_for() -> None:
    composed = config(*RUN4, "regularizer=none", "sampler=natural", "sampler.rows_per_epoch=500", "loss=ce")
    assert composed["regularizer"] == {"_target_": "polarity.regularizers.none.NoRegularizer"}
    assert composed["sampler"] == {"_target_": "polarity.samplers.natural.NaturalSampler", "rows_per_epoch": 500}
    assert "gamma" not in composed["loss"]
    assert composed["loss"]["smoothing"] == {"sentiment": 0.1, "polarization": 0.08}  # cross-entropy has it, too


def test_what_an_experiment_sets_goes_where_the_chosen_component_refuses_it() -> None:
    composed = config("experiment=quickstart", "loss=ce")
    assert composed["loss"]["clip"] is None  # no class weights that it could bound
    assert config("experiment=quickstart", "loss=ce", "loss.clip=[0.5,2]")["loss"]["clip"] == [0.5, 2]
    kept = config("experiment=quickstart", "loss=ce", "loss.class_weights=balanced")
    assert kept["loss"]["clip"] == [0.5, 2.0]


@pytest.mark.parametrize("experiment", ["recommended", "recommended_frozen", "wide_deep"])
def test_what_a_debug_preset_sets_for_the_usual_model_goes_with_it(experiment: str) -> None:
    model = config(f"experiment={experiment}", "debug=overfit")["model"]
    assert not {"dropout", "encoder_dropout"} & set(model)
    (typed,) = configurations([f"experiment={experiment}", "debug=overfit", "model.dropout=0.0"])
    assert structure_problems(typed)[0].startswith("model.dropout: ")


@pytest.mark.parametrize(
    ("experiment", "model", "gone"),
    [
        ("recommended", "minilm", "encoder"),
        ("recommended", "ngrams", "encoder"),
        ("wide_deep", "late_fusion", "ngrams"),
        ("recommended_frozen", "late_fusion", "ngrams"),
    ],
)
def test_what_an_experiment_sets_in_a_part_goes_with_the_part(experiment: str, model: str, gone: str) -> None:
    assert gone not in config(f"experiment={experiment}", f"model={model}")["model"]


def test_a_part_that_is_typed_for_another_model_is_refused() -> None:
    (composed,) = configurations(["experiment=recommended", "model=minilm", "model.encoder.freeze=none"])
    assert structure_problems(composed)[0].startswith("model.encoder: PretrainedEncoder has no such setting")


@pytest.mark.parametrize("chosen", ["default", "ema"])
def test_what_an_experiment_sets_for_a_callback_goes_with_it(chosen: str) -> None:
    assert "swa" not in config("experiment=wide_deep", f"callbacks={chosen}")["callbacks"]
    assert config("experiment=wide_deep")["callbacks"]["swa"]["share"] == 1.0
    (typed,) = configurations(["experiment=wide_deep", f"callbacks={chosen}", "callbacks.swa.share=0.5"])
    assert structure_problems(typed)[0].startswith("callbacks.swa: must be a section with a _target_")


ROWS = ("train", "val", "test")


@pytest.mark.parametrize(
    ("overrides", "rows"),
    [
        ((), [3000, 800, None]),
        (("limit=none",), [None, None, None]),
        (("limit=small",), [512, 256, 256]),
        (("limit=none", "limit.val=7"), [None, 7, None]),
        (("debug=limit",), [512, 256, 256]),
        (("debug=profile",), [512, 256, 256]),
        (("debug=profile", "limit=none"), [None, None, None]),
    ],
)
def test_a_limit_wins_over_the_rows_of_the_experiment(overrides: tuple[str, ...], rows: list[int | None]) -> None:
    limit = config("experiment=quickstart", *overrides)["limit"]
    assert [limit[split] for split in ROWS] == rows


def test_heads_that_are_typed_have_nothing_of_those_of_the_experiment() -> None:
    assert config(*RUN4, "head=linear")["head"] == config("head=linear")["head"]
    assert config(*RUN4, "head=mlp", "head.dropout=0.2")["head"] == config("head=mlp", "head.dropout=0.2")["head"]
    assert config(*RUN4, "head.dropout=0.2")["head"]["layers"] == config("head=campaign")["head"]["layers"]


def test_each_job_of_a_sweep_has_the_settings_of_its_component() -> None:
    boosts = [job["sampler"].get("boosts") for job in configurations(["-m", *RUN4, "sampler=joint,natural"])]
    assert boosts == [{"sentiment": {"neutral": 3.5}, "polarization": {"objective": 8.5}}, None]


@pytest.mark.parametrize("wrong", ["regularizer.alpha=0.6", "++regularizer.alpha=0.3"])
def test_what_is_typed_for_another_component_is_refused(wrong: str) -> None:
    (composed,) = configurations([*RUN4, "regularizer=none", wrong])
    assert structure_problems(composed)[0].startswith("regularizer.alpha: NoRegularizer has no such setting")


def test_a_pooling_is_chosen_by_its_group_or_by_its_place() -> None:
    for text in ("pooling=cls", "model.pooling=cls"):
        assert config("experiment=run4", "data.path=comments.csv", text)["model"]["pooling"] == own_pooling("cls")
        (sweep, other) = configurations(["-m", f"{text},max"])
        assert [one["model"]["pooling"] for one in (sweep, other)] == [own_pooling("cls"), own_pooling("max")]
    for text in ("pooling=clss", "model.pooling=clss"):
        with pytest.raises(CompositionError, match=r"pooling=clss: no such preset; did you mean 'cls'"):
            config(text)
    (unknown,) = configurations(["pooling.p=3"])
    assert structure_problems(unknown)[0].startswith("model.pooling.p: MeanPooling has no such setting")
    (named,) = configurations(["model.pooling={_target_: polarity.losses.ce.CrossEntropyLoss}"])
    assert "model.pooling._target_: polarity.losses.ce.CrossEntropyLoss is no Pooling" in structure_problems(named)[0]
