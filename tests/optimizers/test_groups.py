"""Layer-wise groups of every encoder family: each parameter once, at the rate of its place."""

from collections.abc import Callable

import pytest
import torch
import transformers
from torch import nn
from transformers import AutoModel, PretrainedConfig

from polarity.errors import UserError
from polarity.models import Place
from polarity.models.huggingface.places import layers_and_places, pretrained_places
from polarity.optimizers import AdamW, group_table
from polarity.optimizers.groups import undecayed
from tests.tiny import tiny_classifier

LAYERS = 3
SIZES = {
    "hidden_size": 16,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": 2,
    "intermediate_size": 24,
    "vocab_size": 40,
    "max_position_embeddings": 24,
}
SPECIAL = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2, "cls_token_id": 1, "sep_token_id": 2}
DISTIL = {"dim": 16, "n_layers": LAYERS, "n_heads": 2, "hidden_dim": 24, "vocab_size": 40}
XLM = {"emb_dim": 16, "n_layers": LAYERS, "n_heads": 2, "vocab_size": 40}
DEBERTA = {
    "relative_attention": True,
    "position_buckets": 8,
    "norm_rel_ebd": "layer_norm",
    "pos_att_type": ["p2c", "c2p"],
    "share_att_key": True,
    "conv_kernel_size": 3,
}
CONFIGS: dict[str, Callable[[], PretrainedConfig]] = {
    "bert": lambda: transformers.BertConfig(**SIZES),
    "roberta": lambda: transformers.RobertaConfig(**SIZES),
    "xlm-roberta": lambda: transformers.XLMRobertaConfig(**SIZES),
    "xlm-roberta-xl": lambda: transformers.XLMRobertaXLConfig(**SIZES),
    "deberta-v2": lambda: transformers.DebertaV2Config(**SIZES, **DEBERTA),
    "modernbert": lambda: transformers.ModernBertConfig(**SIZES, **SPECIAL),
    "distilbert": lambda: transformers.DistilBertConfig(**DISTIL),
    "electra": lambda: transformers.ElectraConfig(**SIZES, embedding_size=8),
    "albert": lambda: transformers.AlbertConfig(**SIZES, embedding_size=8),
    "mpnet": lambda: transformers.MPNetConfig(**SIZES),
    "xlm": lambda: transformers.XLMConfig(**XLM),
    "eurobert": lambda: transformers.EuroBertConfig(**SIZES, **SPECIAL, num_key_value_heads=2),
}
every_family = pytest.mark.parametrize("family", CONFIGS)

BELOW = {
    "bert": {"embeddings"},
    "roberta": {"embeddings"},
    "xlm-roberta": {"embeddings"},
    "xlm-roberta-xl": {"embeddings"},
    "deberta-v2": {"embeddings", "encoder.rel_embeddings", "encoder.LayerNorm", "encoder.conv"},
    "modernbert": {"embeddings"},
    "distilbert": {"embeddings"},
    "electra": {"embeddings", "embeddings_project"},
    "albert": {"embeddings", "encoder.embedding_hidden_mapping_in"},
    "mpnet": {"embeddings", "encoder.relative_attention_bias"},
    "xlm": {"position_embeddings", "embeddings", "layer_norm_emb"},
    "eurobert": {"embed_tokens"},
}
ABOVE = {
    "bert": {"pooler"},
    "roberta": {"pooler"},
    "xlm-roberta": {"pooler"},
    "albert": {"pooler"},
    "mpnet": {"pooler"},
    "xlm-roberta-xl": {"encoder.LayerNorm", "pooler"},
    "modernbert": {"final_norm"},
    "eurobert": {"norm"},
}


class Encoder(nn.Module):
    """The attributes that an optimizer reads of an encoder."""

    def __init__(self, backbone: nn.Module) -> None:
        super().__init__()
        self.backbone = backbone
        self.pooling = nn.Linear(16, 1)
        self.title = type(backbone).__name__

    def places(self) -> list[Place]:
        return [*pretrained_places(self.backbone), Place("pooling", list(self.pooling.parameters()))]


class Classifier(nn.Module):
    """The attributes that an optimizer reads of a classifier."""

    def __init__(self, backbone: nn.Module) -> None:
        super().__init__()
        self.encoder = Encoder(backbone)
        self.trunk = nn.Sequential(nn.Linear(16, 16), nn.GELU(), nn.LayerNorm(16))
        self.heads = nn.ModuleDict({"tone": nn.Linear(16, 3), "topic": nn.Linear(16, 4)})


def classifier(family: str) -> Classifier:
    return Classifier(AutoModel.from_config(CONFIGS[family]()))


def lr_by_name(model: Classifier, **settings: object) -> dict[str, float]:
    return {row.name: row.lr for row in group_table(AdamW(**{"lr": 1.0, **settings}).build(model))}


@every_family
def test_every_parameter_is_in_exactly_one_group(family: str) -> None:
    model = classifier(family)
    for settings in ({}, {"no_decay": []}, {"no_decay": ["bias", "norm", "embedding"]}, {"layer_decay": 1.0}):
        optimizer = AdamW(**settings).build(model)
        grouped = [id(parameter) for group in optimizer.param_groups for parameter in group["params"]]
        assert sorted(grouped) == sorted(id(parameter) for parameter in model.parameters())
        names = [group["name"] for group in optimizer.param_groups]
        assert len(set(names)) == len(names)
        table = group_table(optimizer)
        assert [row.name for row in table] == names
        assert sum(row.parameters for row in table) == sum(parameter.numel() for parameter in model.parameters())


@every_family
def test_golden_rates_of_the_campaign(family: str) -> None:
    rates = lr_by_name(classifier(family), lr=2.5e-5, layer_decay=0.9, head_lr_multiplier=3.0, no_decay=[])
    depth = 1 if family == "albert" else LAYERS  # ALBERT shares one layer
    expected = {"embeddings": 2.5e-5 * 0.9**depth}
    expected |= {f"layer.{number}": 2.5e-5 * 0.9 ** (depth - 1 - number) for number in range(depth)}
    expected |= {"pooler": 2.5e-5} if family in ABOVE else {}
    expected |= dict.fromkeys(("pooling", "trunk", "head.tone", "head.topic"), 7.5e-5)
    assert rates == pytest.approx(expected)
    assert list(rates) == list(expected)


@every_family
def test_what_is_below_and_above_the_layers(family: str) -> None:
    encoder = classifier(family).encoder.backbone
    _, places = layers_and_places(encoder)
    for side, modules in (("embeddings", BELOW[family]), ("pooler", ABOVE.get(family, set()))):
        expected = {id(parameter) for name in modules for parameter in encoder.get_submodule(name).parameters()}
        assert {id(parameter) for parameter, place in places.items() if place == side} == expected


@every_family
def test_layers_are_numbered_from_the_bottom(family: str) -> None:
    encoder = classifier(family).encoder.backbone
    _, places = layers_and_places(encoder)
    for name, parameter in encoder.named_parameters():
        if places[parameter].startswith("layer."):
            assert f".{places[parameter].removeprefix('layer.')}." in f".{name}"


@every_family
def test_biases_and_norms_do_not_decay(family: str) -> None:
    model = classifier(family)
    decay = {
        parameter: group["weight_decay"]
        for group in AdamW(weight_decay=0.03, no_decay=["bias", "norm"]).build(model).param_groups
        for parameter in group["params"]
    }
    for module in model.modules():
        norm = "Norm" in type(module).__name__ and not list(module.children())
        for name, parameter in module.named_parameters(recurse=False):
            exempt = norm or name == "bias"
            assert decay[parameter] == (0 if exempt else 0.03), f"{type(module).__name__}.{name}"
            assert exempt or parameter.dim() > 1  # no vector is left over


def test_a_norm_layer_is_known_by_its_type_whatever_it_is_called() -> None:
    class ScaleNorm(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.g = nn.Parameter(torch.ones(16))

    model = classifier("bert")
    model.trunk = nn.Sequential(ScaleNorm(), nn.RMSNorm(16), nn.LayerNorm(16), nn.Linear(16, 16))
    table = {row.name: row for row in group_table(AdamW(no_decay=["norm"]).build(model))}
    assert table["trunk.no_decay"].parameters == 16 + 16 + 32
    assert table["trunk"].parameters == 16 * 16 + 16


def test_embeddings_can_be_kept_from_decay() -> None:
    model = classifier("bert")
    table = {row.name: row for row in group_table(AdamW(no_decay=["embedding"]).build(model))}
    tables = [module for module in model.modules() if isinstance(module, nn.Embedding)]
    assert table["embeddings.no_decay"].parameters == sum(module.weight.numel() for module in tables)
    assert table["embeddings.no_decay"].weight_decay == 0


def test_rates_of_single_heads_take_the_place_of_the_common_one() -> None:
    rates = lr_by_name(classifier("bert"), head_lr_multiplier=3.0, head_lr_multipliers={"topic": 5.0}, no_decay=[])
    assert [rates[name] for name in ("pooling", "trunk", "head.tone", "head.topic")] == [3, 3, 3, 5]


def test_frozen_parameters_are_in_no_group_and_change_no_rate() -> None:
    model = classifier("distilbert")
    all_rates = lr_by_name(model)
    model.encoder.backbone.embeddings.requires_grad_(False)
    model.encoder.backbone.transformer.layer[0].requires_grad_(False)
    rates = lr_by_name(model)
    frozen = {name for name in all_rates if name.split(".no_decay")[0] in ("embeddings", "layer.0")}
    assert rates == {name: rate for name, rate in all_rates.items() if name not in frozen}


def test_tied_parameters_are_trained_once() -> None:
    model = classifier("bert")
    model.heads["topic"].weight = nn.Parameter(torch.zeros(3, 16))
    model.heads["tone"].weight = model.heads["topic"].weight
    optimizer = AdamW().build(model)
    grouped = [id(parameter) for group in optimizer.param_groups for parameter in group["params"]]
    assert len(grouped) == len(set(grouped)) == len(list(model.parameters()))


def test_further_parts_of_a_classifier_learn_at_the_rate_of_heads() -> None:
    model = classifier("bert")
    model.task_tokens = nn.Parameter(torch.zeros(2, 16))
    assert lr_by_name(model)["task_tokens"] == 3


def test_an_encoder_without_a_stack_of_layers_has_one_rate_or_is_refused() -> None:
    model = Classifier(nn.Sequential(nn.Embedding(9, 16), nn.Linear(16, 16)))
    with pytest.raises(UserError, match=r"optimizer\.layer_decay: .*Sequential"):
        AdamW(layer_decay=0.9).build(model)
    assert lr_by_name(model, layer_decay=1.0)["embeddings"] == 1


def test_the_table_shows_the_peak_while_a_schedule_warms_up() -> None:
    optimizer = AdamW().build(classifier("bert"))
    before = group_table(optimizer)
    torch.optim.lr_scheduler.LambdaLR(optimizer, lambda _: 0.0)
    assert group_table(optimizer) == before


class ManySmallOnes(nn.Module):
    """A stack of two large layers beside a longer list of small modules."""

    def __init__(self) -> None:
        super().__init__()
        self.embeddings = nn.Embedding(5, 8)
        self.adapters = nn.ModuleList(nn.Linear(1, 1) for _ in range(7))
        self.layers = nn.ModuleList(nn.Linear(8, 8) for _ in range(2))


def test_the_layers_are_the_largest_list_and_not_the_longest() -> None:
    encoder = ManySmallOnes()
    depth, places = layers_and_places(encoder)
    assert depth == 2
    assert {places[parameter] for parameter in encoder.layers.parameters()} == {"layer.0", "layer.1"}
    assert {places[parameter] for parameter in encoder.adapters.parameters()} == {"embeddings"}


class Names(nn.Module):
    """Parameters whose names hold "bias" as a word, and one whose name only holds its letters."""

    def __init__(self) -> None:
        super().__init__()
        for name in ("bias", "bias_k", "in_proj_bias", "unbiased", "biases_of_rows"):
            setattr(self, name, nn.Parameter(torch.zeros(2)))


def test_a_bias_is_told_by_a_whole_word_of_its_name() -> None:
    module = Names()
    exempt = {name for name, parameter in module.named_parameters() if parameter in undecayed(module, ["bias"])}
    assert exempt == {"bias", "bias_k", "in_proj_bias"}


def test_each_place_has_its_decayed_group_first_which_is_the_order_that_checkpoints_have() -> None:
    names = [row.name for row in group_table(AdamW().build(tiny_classifier()))]
    exempt = [number for number, name in enumerate(names) if name.endswith(".no_decay")]
    assert [names[number - 1] for number in exempt] == [names[number].removesuffix(".no_decay") for number in exempt]
    assert len(exempt) == len(names) / 2


def test_what_stands_within_a_norm_is_not_one() -> None:
    norm = nn.LayerNorm(4)
    norm.gate = nn.Linear(4, 4)
    assert undecayed(nn.Sequential(norm), ["norm"]) == {norm.weight, norm.bias}
