"""A number is the same setting, however it is written."""

import pytest

from polarity.config.compose import compose_jobs, resolved
from polarity.config.numbers import comparable
from polarity.content import Config
from polarity.run import configuration_hash


def composed(*overrides: str) -> Config:
    (job,) = compose_jobs("train", list(overrides), config_dir=None, multirun=False)
    config, problems = resolved(job.config)
    assert not problems
    return config


@pytest.mark.parametrize(
    ("whole", "fraction"),
    [
        (["loss.gamma=2"], []),
        (["loss.gamma=0"], ["loss.gamma=0.0"]),
        (["loss.gamma={sentiment: 2, consensus: 1}"], ["loss.gamma={sentiment: 2.0, consensus: 1.0}"]),
        (
            ["sampler=joint", "sampler.boosts.sentiment.neutral=3"],
            ["sampler=joint", "sampler.boosts.sentiment.neutral=3.0"],
        ),
        (["optimizer.betas=[0,0.99]"], ["optimizer.betas=[0.0,0.99]"]),
        (["regularizer=rdrop", "regularizer.alpha=1"], ["regularizer=rdrop", "regularizer.alpha=1.0"]),
        (["model=wide_deep", "model.ngrams.lr=1"], ["model=wide_deep", "model.ngrams.lr=1.0"]),
    ],
)  # fmt: skip
def test_whole_numbers_are_the_fractions_that_are_asked_for(whole: list[str], fraction: list[str]) -> None:
    one, other = composed(*whole), composed(*fraction)
    assert configuration_hash(one) == configuration_hash(other)


def test_numbers_that_are_counts_stay_whole() -> None:
    config = composed("trainer.limit_train_batches=1")
    assert type(config["batching"]["batch_size"]) is int
    assert type(config["trainer"]["limit_train_batches"]) is int, "one batch, where 1.0 means all"
    assert type(config["seed"]) is int


def test_configurations_of_before_are_compared_by_their_values() -> None:
    old, new = (
        {"loss": {"gamma": 2, "on": True}, "trainer": {"limit": 1}},
        {"loss": {"gamma": 2.0, "on": True}, "trainer": {"limit": 1.0}},
    )
    assert comparable(old)["loss"] == comparable(new)["loss"] == {"gamma": 2.0, "on": True}
    assert type(comparable(old)["loss"]["on"]) is bool
    assert type(comparable(old)["trainer"]["limit"]) is not type(comparable(new)["trainer"]["limit"])
