"""AdamW: every setting by its effect on a step."""

import inspect
from typing import Any

import pytest
import torch
import yaml
from torch import nn

from polarity.component import Context
from polarity.errors import UserError
from polarity.models import Place
from polarity.models.huggingface.places import pretrained_places
from polarity.optimizers import AdamW
from polarity.paths import conf_dir
from polarity.tasks import Task

TASKS = (Task("tone", ("a", "b"), "tone"), Task("topic", ("1", "2"), "topic"))


class Encoder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(5, 4)
        self.layers = nn.ModuleList(nn.Linear(4, 4) for _ in range(2))
        self.final_norm = nn.LayerNorm(4)

    def places(self) -> list[Place]:
        return pretrained_places(self)


class Classifier(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.encoder = Encoder()
        self.heads = nn.ModuleDict({task.name: nn.Linear(4, 2) for task in TASKS})


def after_steps(settings: dict[str, Any]) -> list[float]:
    """All parameters after two steps along fixed gradients."""
    torch.manual_seed(0)
    model = Classifier()
    optimizer = AdamW(**{"lr": 0.01, "weight_decay": 0.1, "layer_decay": 0.5, **settings}).build(model)
    for scale in (1.0, -0.1):
        for parameter in model.parameters():
            parameter.grad = scale * torch.linspace(-1, 1, parameter.numel()).view_as(parameter)
        optimizer.step()
    return torch.cat([parameter.detach().flatten() for parameter in model.parameters()]).tolist()


CHANGES: dict[str, Any] = {
    "lr": 0.02,
    "weight_decay": 0.2,
    "betas": [0.8, 0.99],
    "eps": 0.1,
    "layer_decay": 0.9,
    "head_lr_multiplier": 1.0,
    "head_lr_multipliers": {"topic": 4.0},
    "no_decay": ["bias"],
}


def test_every_setting_has_an_effect_and_is_printed() -> None:
    assert set(CHANGES) | {"fused"} == set(inspect.signature(AdamW).parameters)
    for name, value in CHANGES.items():
        assert after_steps({name: value}) != after_steps({}), name
        assert f"{name}={value!r}" in repr(AdamW(**{name: value}))


@pytest.mark.parametrize("betas", [[0.5, 0.95], [0.9, 0.6], [0, 0.9]])
def test_settings_mean_what_they_mean_to_torch(betas: list[float]) -> None:
    """By value: settings wired to the wrong place would be felt as well."""
    settings = {"lr": 0.01, "weight_decay": 0.1, "betas": betas, "eps": 1e-3}
    torch.manual_seed(0)
    model = Classifier()
    plain = torch.optim.AdamW(model.parameters(), **{**settings, "betas": tuple(map(float, betas))})
    for scale in (1.0, -0.1):
        for parameter in model.parameters():
            parameter.grad = scale * torch.linspace(-1, 1, parameter.numel()).view_as(parameter)
        plain.step()
    expected = torch.cat([parameter.detach().flatten() for parameter in model.parameters()]).tolist()
    one_rate = {"layer_decay": 1.0, "head_lr_multiplier": 1.0, "no_decay": []}
    assert after_steps({**settings, **one_rate}) == pytest.approx(expected, rel=1e-5, abs=1e-7)


def test_fused_kernels_are_chosen_where_there_are_some() -> None:
    chosen = {wish: AdamW(fused=wish).build(Classifier()).param_groups[0]["fused"] for wish in (None, True, False)}
    assert chosen == {None: True, True: True, False: False}
    assert AdamW().build(Classifier().to("meta")).param_groups[0]["fused"] is False
    assert after_steps({"fused": True}) == pytest.approx(after_steps({"fused": False}), rel=1e-5, abs=1e-7)


def test_exempt_kinds_without_weight_decay_are_refused() -> None:
    with pytest.raises(UserError, match=r"^no_decay: has no effect with weight_decay=0"):
        AdamW(weight_decay=0.0)
    assert after_steps({"weight_decay": 0.0, "no_decay": []}) != after_steps({})


def test_rates_of_heads_that_do_not_exist_are_problems() -> None:
    problems = AdamW(head_lr_multipliers={"tones": 2.0}).problems(TASKS)
    assert len(problems) == 1
    assert problems[0].startswith("head_lr_multipliers.tones: ")
    assert "'tone'" in problems[0]
    assert AdamW().problems(TASKS) == []


def test_the_defaults_are_those_of_the_preset() -> None:
    preset = yaml.safe_load((conf_dir() / "optimizer" / "adamw.yaml").read_text(encoding="utf-8"))
    del preset["_target_"]
    assert vars(AdamW()) == vars(AdamW(**preset))


@pytest.mark.parametrize(
    ("fused", "precision", "refused"),
    [(None, "16-mixed", True), (True, "16-mixed", True), (False, "16-mixed", False), (True, "bf16-mixed", False)],
)
def test_fused_kernels_do_not_go_with_a_gradient_scaler(fused: bool | None, precision: str, refused: bool) -> None:
    conflicts = AdamW(fused=fused).conflicts(Context(precision=precision))
    assert [conflict.partition(":")[0] for conflict in conflicts] == ["fused"] * refused


def test_one_parameter_on_a_device_without_fused_kernels_is_enough() -> None:
    model = Classifier()
    assert AdamW().build(model).defaults["fused"] is True
    model.heads["tone"].to("meta")
    assert AdamW().build(model).defaults["fused"] is False
