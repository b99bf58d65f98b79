"""R-Drop against its formula and the campaign's ramp."""

import inspect

import pytest
import torch
from torch.distributions import Categorical, kl_divergence

from polarity.component import Progress
from polarity.errors import UserError
from polarity.regularizers import RDrop


def test_golden_warm_up_and_ramp() -> None:
    rdrop = RDrop(alpha=0.6, warmup_epochs=2, ramp_epochs=2)
    assert [rdrop.copies(Progress(epoch)) for epoch in range(5)] == [1, 1, 2, 2, 2]
    assert [rdrop.ramp(epoch) for epoch in range(5)] == [0, 0, 0.5, 1, 1]


def test_the_formula_of_the_paper() -> None:
    first, second = torch.randn(2, 5, 3)
    labels = torch.tensor([[0], [1], [-100], [2], [0]])
    p, q = (Categorical(logits=logits[labels[:, 0] >= 0]) for logits in (first, second))
    expected = 0.7 * 0.5 * (0.5 * (kl_divergence(p, q) + kl_divergence(q, p))).mean()
    penalty = RDrop(alpha=0.7, warmup_epochs=0, ramp_epochs=2).penalty(
        [torch.stack([first, second])], labels, None, Progress(0)
    )
    torch.testing.assert_close(penalty[0], expected)


def test_both_copies_are_pulled() -> None:
    logits = torch.randn(2, 4, 3, requires_grad=True)
    RDrop().penalty([logits], torch.zeros(4, 1, dtype=torch.int64), None, Progress(9)).sum().backward()
    assert logits.grad is not None
    assert logits.grad.flatten(1).any(dim=1).all()


def test_every_setting_has_an_effect_and_is_printed() -> None:
    def outcome(**settings: float) -> list[float]:
        rdrop = RDrop(**{"alpha": 0.6, "warmup_epochs": 2, "ramp_epochs": 3, **settings})
        both = torch.tensor([[[1.0, 0.0]], [[0.0, 1.0]]])
        labels = torch.zeros(1, 1, dtype=torch.int64)
        return [float(rdrop.penalty([both[: rdrop.copies(now)]], labels, None, now)) for now in map(Progress, range(6))]

    changes = {"alpha": 0.7, "warmup_epochs": 0, "ramp_epochs": 1}
    assert set(changes) == set(inspect.signature(RDrop).parameters)
    for name, value in changes.items():
        assert outcome(**{name: value}) != outcome()
    assert repr(RDrop(**changes)) == "RDrop(alpha=0.7, warmup_epochs=0, ramp_epochs=1)"


def test_alpha_zero_is_refused_with_the_setting_that_is_meant() -> None:
    with pytest.raises(UserError, match=r"^alpha: .*regularizer=none"):
        RDrop(alpha=0.0)
