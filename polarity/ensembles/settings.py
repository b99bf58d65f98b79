"""What ``python -m polarity.ensemble`` is told."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field

from polarity.calibration.base import Calibration
from polarity.component import Component
from polarity.config.trust import Trust
from polarity.content import Json
from polarity.decisions.base import Decision
from polarity.ensembles.auto import Auto
from polarity.ensembles.blend import Method
from polarity.ensembles.soup import Soup
from polarity.evaluation.devices import Accelerator
from polarity.quoting import overrides_of
from polarity.reporting import Resamples
from polarity.settings import Positive
from polarity.signature import TARGET

Runs = Annotated[list[str], Field(min_length=1)]


LINEAR = "linear"
"""What the linear baseline is called as a member."""


@dataclass(frozen=True)
class EnsembleSettings:
    """The settings of ``conf/ensemble.yaml``, where each is explained."""

    runs: str | Runs
    baseline: bool
    method: Method
    gate: bool | Positive
    calibration: Calibration
    decision: Decision
    test: bool
    output_dir: str
    resamples: Resamples | None
    texts: bool | None
    accelerator: Accelerator
    trust: Trust

    @property
    def named(self) -> list[str]:
        """The runs as a list."""
        return [self.runs] if isinstance(self.runs, str) else self.runs

    @property
    def ways(self) -> list[str]:
        """Names of the ways that are tried; no member may have one of them."""
        return [one.name for one in (self.method.blends if isinstance(self.method, Auto) else [self.method])]

    @property
    def problems(self) -> list[str]:
        """Settings that contradict each other."""
        problems = []
        if self.gate is True:
            problems.append("gate: has to be a number of standard errors, or false")
        if self.baseline and isinstance(self.method, Soup):
            problems.append(
                "baseline: a linear model has no weights in common with runs, so no soup can be made with it"
            )
        return problems

    def as_overrides(self, folders: Sequence[Path]) -> list[str]:
        """What decides which ensemble is made of the runs in these folders, as the ensemble's ``overrides.yaml``."""
        method = {f"method.{key}": value for key, value in self.method.settings.items()}
        chosen = {"baseline": self.baseline, "method": self.method.name, **method}
        return overrides_of({"runs": folders, **chosen, "gate": self.gate, "test": self.test})

    def recorded(self, members: list[Json]) -> Json:
        """As they stand in the ensemble's ``config.yaml``.

        :param members: what is told of each.
        """
        gate = False if self.gate is False else float(self.gate)
        return {
            "calibration": as_section(self.calibration),
            "decision": as_section(self.decision),
            "ensemble": {"method": as_section(self.method), "gate": gate, "members": members},
        }


def as_section(component: Component) -> Json:
    """The section of a configuration that makes an equal component."""
    kind = type(component)
    return {TARGET: f"{kind.__module__}.{kind.__qualname__}", **component.settings}
