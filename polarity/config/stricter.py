"""Settings of Lightning's classes with fewer values than their annotations say."""

from typing import Annotated, Any, Literal

from pydantic import Field

from polarity.config.schema import DEVICES, DURATION
from polarity.settings import NonNegative, NonNegativeInt, OpenFraction, PositiveInt

STRICTER: dict[str, dict[str, Any]] = {
    "EarlyStopping": {"patience": PositiveInt, "min_delta": NonNegative},
    "Trainer": {
        "log_every_n_steps": PositiveInt | None,
        "max_time": Annotated[str, Field(pattern=DURATION)] | dict[str, NonNegative] | None,
        "num_nodes": PositiveInt,
        "max_steps": Literal[-1] | PositiveInt,
        "min_steps": PositiveInt | None,
        "min_epochs": PositiveInt | None,
        "deterministic": bool | Literal["warn"],
        "devices": Annotated[int, Field(ge=-1)] | Annotated[str, Field(pattern=DEVICES)] | list[NonNegativeInt],
        "precision": Literal["auto", "32-true", "16-mixed", "bf16-mixed"],
    },
    "LearningRateMonitor": {"logging_interval": Literal["step", "epoch"]},
    "EMAWeightAveraging": {
        "decay": OpenFraction,
        "use_buffers": Literal[False],
        "update_every_n_steps": PositiveInt,
    },
    "CSVLogger": {"flush_logs_every_n_steps": PositiveInt},
}
