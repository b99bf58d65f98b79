"""What cannot be had of weights that are shared out over devices."""

from lightning.pytorch.callbacks import WeightAveraging

from polarity.config.shown import flat
from polarity.content import Config
from polarity.importing import imported
from polarity.signature import TARGET

SHARDED = "polarity.training.sharded.FullySharded"
GRADIENTS = "polarity.training.callbacks.gradient_cosine.GradientCosine"


def is_sharded(config: Config) -> bool:
    """Whether each process has a part of the weights alone.

    :param config: whose settings are right one by one.
    """
    strategy = config["trainer"].get("strategy")
    return isinstance(strategy, dict) and strategy[TARGET] == SHARDED


def sharding_problems(config: Config) -> list[str]:
    """A problem for each callback, and for adapters, that would see parts of the weights alone.

    :param config: whose settings are right one by one.
    """
    if not is_sharded(config):
        return []
    adapters = [
        f"model.{key}: adapters need whole weights, of which with trainer=fsdp each process has a part; use trainer=ddp"
        for key, value in flat(config["model"]).items()
        if key.rpartition(".")[2] == "lora_rank" and value is not None
    ]
    return adapters + [
        f"callbacks.{name}: needs whole weights and gradients, of which with trainer=fsdp each process has a part; "
        "use trainer=ddp"
        for name, settings in config["callbacks"].items()
        if settings and _needs_whole_weights(str(settings[TARGET]))
    ]


def _needs_whole_weights(target: str) -> bool:
    """Whether a callback reads, or replaces, the weights of one process; also one of a user's own."""
    kind = imported(target)
    return target == GRADIENTS or (isinstance(kind, type) and issubclass(kind, WeightAveraging))
