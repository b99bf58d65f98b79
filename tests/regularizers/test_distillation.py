"""Distillation against its formula."""

import pytest
import torch
from torch.distributions import Categorical, kl_divergence

from polarity.component import Progress
from polarity.regularizers import Distillation

NOW = Progress(0)


@pytest.mark.parametrize(("temperature", "weight"), [(1.0, 1.0), (3.0, 0.4)])
def test_the_formula_of_the_paper(temperature: float, weight: float) -> None:
    own, said = torch.randn(1, 5, 3), torch.randn(5, 3).log_softmax(dim=1)
    labels = torch.tensor([[0], [1], [-100], [2], [0]])
    known = labels[:, 0] >= 0
    p = torch.softmax(said, dim=1) ** (1 / temperature)
    expected = kl_divergence(Categorical(p[known]), Categorical(logits=own[0, known] / temperature)).mean()
    distillation = Distillation(teacher="outputs/run", temperature=temperature, weight=weight)
    penalty = distillation.penalty([own], labels, None, NOW, teacher=[said])
    torch.testing.assert_close(penalty[0], weight * temperature**2 * expected)
    window = distillation.penalty([own], labels, [torch.tensor(8)], NOW, teacher=[said])
    torch.testing.assert_close(window, penalty / 2, msg="divided by the labelled rows of the whole window")


def test_it_is_nothing_where_both_agree_and_unlabelled_rows_pull_nobody() -> None:
    logits = torch.randn(1, 4, 3, requires_grad=True)
    distillation, labels = Distillation(teacher="outputs/run"), torch.tensor([[0], [1], [-100], [2]])
    agreed = distillation.penalty([logits], labels, None, NOW, teacher=[logits[0].detach()])
    torch.testing.assert_close(agreed, torch.zeros(1))
    distillation.penalty([logits], labels, None, NOW, teacher=[torch.randn(4, 3)]).sum().backward()
    assert logits.grad is not None
    assert logits.grad[0].any(dim=1).tolist() == [True, True, False, True]
