"""Types of settings. The typed constructor of a component is the schema of its configuration section."""

from typing import Annotated

from pydantic import Field

NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Fraction = Annotated[float, Field(ge=0, le=1)]
ProperFraction = Annotated[float, Field(ge=0, lt=1)]
OpenFraction = Annotated[float, Field(gt=0, lt=1)]
PositiveFraction = Annotated[float, Field(gt=0, le=1)]
Name = Annotated[str, Field(min_length=1)]
PositiveInt = Annotated[int, Field(ge=1)]
NonNegativeInt = Annotated[int, Field(ge=0)]
Seed = Annotated[int, Field(ge=0, le=2**32 - 1)]
"""The range of numpy's and torch's generators together."""

Factor = Annotated[float, Field(ge=0, le=1e6)]
"""What multiplies a weight; several of them, of several tasks, stay far from the ends of float32."""

PerTask = NonNegative | dict[str, NonNegative]
"""One number for all tasks, or ``{task: number}``."""

PerClass = dict[str, dict[str, Factor]]
"""``{task: {class: number}}``; what is not named keeps its default."""
