"""The classifier: one forward for all tasks, every family, nothing lost on the way through its architecture."""

import copy
import json

import pytest
import torch
from torch import Tensor

from polarity.models import Head, MultiTaskClassifier
from polarity.tasks import Task
from tests.tiny import FAMILIES, POOLED, TASKS, tiny_batch, tiny_classifier, tiny_config

every_family = pytest.mark.parametrize("family", FAMILIES)
HEAD = Head(layers=3, width=8, dropout=0.1, residual=True, trunk_width=8, trunk_dropout=0.1)
AWKWARD = ("type", "keys", "items", "forward", "training", "1", "none", "to", "a-b", "class")


def close(first: list[Tensor], second: list[Tensor]) -> bool:
    return all(torch.equal(*pair) for pair in zip(first, second, strict=True))


def numbers(model: MultiTaskClassifier) -> dict[str, Tensor]:
    return {name: parameter.detach().clone() for name, parameter in model.named_parameters()}


@every_family
def test_logits_are_in_the_order_of_the_tasks(family: str) -> None:
    model, batch = tiny_classifier(family, head=HEAD).eval(), tiny_batch()
    logits = model(**batch)
    assert [tuple(values.shape) for values in logits] == [(3, 3), (3, 4)]
    assert all(values.isfinite().all() for values in logits)
    features = model.features(**batch)
    assert close(logits, [model.heads[task.name](features) for task in TASKS])


@every_family
@pytest.mark.parametrize("pooling", ["cls", "mean", "max", "last4_mean", "attention"])
def test_every_parameter_learns(family: str, pooling: str) -> None:
    # a parameter without a gradient would stop training on several devices
    model = tiny_classifier(family, pooling=pooling, head=HEAD)
    sum(logits.square().sum() for logits in model(**tiny_batch())).backward()
    without = [name for name, parameter in model.named_parameters() if parameter.grad is None]
    assert without == []


@every_family
def test_parameters_are_shared_or_of_one_head(family: str) -> None:
    model = tiny_classifier(family, pooling="attention", head=HEAD)
    parts = [model.shared_parameters(), *(list(model.heads[task.name].parameters()) for task in TASKS)]
    together = [parameter for part in parts for parameter in part]
    assert len(together) == len(set(together))
    assert set(together) == set(model.parameters())


def test_a_head_gets_gradients_from_its_own_task_only() -> None:
    model = tiny_classifier(head=HEAD)
    model(**tiny_batch())[0].sum().backward()
    assert all(parameter.grad is not None for parameter in model.heads["tone"].parameters())
    assert all(parameter.grad is None for parameter in model.heads["topic"].parameters())


def test_awkward_task_names() -> None:
    tasks = [Task(name, ("x", "y"), name) for name in AWKWARD]
    model = tiny_classifier(tasks=tasks).eval()
    assert list(model.heads) == list(AWKWARD) == [name for name, _ in model.heads.items()]
    assert len(model(**tiny_batch())) == len(AWKWARD)
    assert model.train().training
    model.eval()
    assert all(list(model.heads[name].parameters()) for name in AWKWARD)
    twin = MultiTaskClassifier.from_architecture(json.loads(json.dumps(model.architecture()))).eval()
    twin.load_state_dict(model.state_dict())
    assert close(twin(**tiny_batch()), model(**tiny_batch()))


@pytest.mark.parametrize(("family", "pooling"), POOLED)
def test_architecture_makes_the_same_model(family: str, pooling: str) -> None:
    model = tiny_classifier(family, pooling=pooling, head=HEAD).eval()
    architecture = model.architecture()
    assert json.loads(json.dumps(architecture)) == architecture
    twin = MultiTaskClassifier.from_architecture(architecture)
    assert twin.architecture() == architecture
    assert twin.training
    assert not {id(weight) for weight in twin.parameters()} & {id(weight) for weight in model.parameters()}
    twin.load_state_dict(model.state_dict(), strict=True)
    assert close(twin.eval()(**tiny_batch()), model(**tiny_batch()))
    assert twin.tasks == model.tasks


@every_family
def test_architecture_remembers_dropout_and_attention(family: str) -> None:
    attention = "eager" if family == "deberta-v2" else "sdpa"
    model = tiny_classifier(family, dropout=0.37, attention=attention)
    twin = MultiTaskClassifier.from_architecture(model.architecture())
    assert twin.encoder.dropout.p == 0.37
    assert twin.encoder.backbone.config._attn_implementation == attention
    torch.manual_seed(3)
    first = model(**tiny_batch())
    twin.load_state_dict(model.state_dict())
    torch.manual_seed(3)
    assert close(first, twin(**tiny_batch()))  # the same dropout masks at the same places


def test_architecture_of_an_old_modernbert_keeps_its_rotations() -> None:
    # mmBERT's configuration has these two names, which transformers has replaced
    model = tiny_classifier("modernbert", global_rope_theta=160000.0, local_rope_theta=70000.0)
    twin = MultiTaskClassifier.from_architecture(model.architecture())
    assert twin.encoder.backbone.config.rope_parameters == model.encoder.backbone.config.rope_parameters
    assert "70000.0" in json.dumps(model.architecture()["encoder"])


def test_architecture_says_nothing_of_the_machine() -> None:
    model = tiny_classifier()
    model.encoder.backbone.config._name_or_path = "/home/somebody/encoder"
    assert "somebody" not in json.dumps(model.architecture())


@every_family
def test_segments_are_read_where_the_encoder_has_them(family: str) -> None:
    model = tiny_classifier(family, type_vocab_size=2).eval() if family == "bert" else tiny_classifier(family).eval()
    batch = tiny_batch("the war", pairs=["good news"])
    assert batch["token_type_ids"].max() == 1
    without = {name: values for name, values in batch.items() if name != "token_type_ids"}
    assert close(model(**batch), model(**without)) == (family != "bert")


@every_family
def test_a_pair_of_texts_is_read_whole(family: str) -> None:
    model = tiny_classifier(family).eval()
    assert not close(model(**tiny_batch("war", pairs=["good"])), model(**tiny_batch("war", pairs=["bad"])))


@every_family
def test_bf16_autocast(family: str) -> None:
    model, batch = tiny_classifier(family, pooling="last4_mean", head=HEAD).eval(), tiny_batch()
    exact = model(**batch)
    with torch.autocast("cpu", torch.bfloat16):
        logits = model(**batch)
    assert all(values.dtype == torch.bfloat16 for values in logits)
    for values, wanted in zip(logits, exact, strict=True):
        torch.testing.assert_close(values.float(), wanted, atol=0.05, rtol=0.05)


@every_family
def test_a_model_in_bf16_throughout(family: str) -> None:
    logits = tiny_classifier(family, pooling="last4_mean", head=HEAD).to(torch.bfloat16)(**tiny_batch())
    assert all(values.dtype == torch.bfloat16 for values in logits)


@every_family
def test_dropout_is_on_in_training_and_off_in_evaluation(family: str) -> None:
    model, batch = tiny_classifier(family), tiny_batch()
    assert model.training
    assert model.encoder.training
    assert not close(model(**batch), model(**batch))
    assert close(model.eval()(**batch), model(**batch))


def saved_bytes(model: MultiTaskClassifier) -> int:
    """Bytes of activations that the forward keeps for the backward."""
    parameters = {parameter.untyped_storage().data_ptr() for parameter in model.parameters()}
    kept: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in parameters:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        logits = model(**tiny_batch())
    sum(values.sum() for values in logits).backward()
    return sum(kept.values())


@every_family
@pytest.mark.parametrize("pooling", ["mean", "last4_mean"])
def test_gradient_checkpointing_saves_memory_and_changes_nothing(family: str, pooling: str) -> None:
    plain = tiny_classifier(family, pooling=pooling)
    checkpointed = MultiTaskClassifier.from_architecture(plain.architecture())
    checkpointed.load_state_dict(plain.state_dict())
    checkpointed.encoder.backbone.activation_checkpointing_enable({"use_reentrant": False})
    results = []
    for model in (plain, checkpointed):
        torch.manual_seed(5)  # the second pass through a layer draws the same dropout masks
        kept = saved_bytes(model)
        results.append((kept, {name: parameter.grad for name, parameter in model.named_parameters()}))
    assert results[1][0] < 0.6 * results[0][0]
    for name, gradient in results[0][1].items():
        torch.testing.assert_close(results[1][1][name], gradient, msg=name)


def test_heads_of_another_seed_are_others() -> None:
    def drawn(seed: int) -> Tensor:
        torch.manual_seed(seed)
        return tiny_classifier().heads["tone"].out.weight

    assert torch.equal(drawn(1), drawn(1))
    assert not torch.equal(drawn(1), drawn(2))


def test_a_copy_is_equal_and_apart() -> None:
    model = tiny_classifier(pooling="attention", head=HEAD).eval()
    twin = copy.deepcopy(model)
    assert close(twin(**tiny_batch()), model(**tiny_batch()))
    assert not set(twin.parameters()) & set(model.parameters())


def test_encoders_keep_their_own_configuration() -> None:
    config = tiny_config("bert")
    before = config.to_dict()
    tiny_classifier()
    assert config.to_dict() == before


@pytest.mark.parametrize("prefix", ["", "model."])
@pytest.mark.parametrize("family", FAMILIES)
def test_weights_of_a_checkpoint_of_before_are_read(family: str, prefix: str) -> None:
    model, twin = tiny_classifier(family, pooling="attention"), tiny_classifier(family, pooling="attention")
    earlier = {
        prefix + key.replace("encoder.backbone.", "encoder.", 1).replace("encoder.pooling.", "pooling.", 1): value
        for key, value in model.state_dict().items()
    }
    assert any(key.startswith(f"{prefix}pooling.") for key in earlier)
    whole = torch.nn.ModuleDict({"model": twin}) if prefix else twin
    whole.load_state_dict(earlier, strict=True)
    assert all(torch.equal(value, twin.state_dict()[key]) for key, value in model.state_dict().items())
