"""What a model has to beat: the majority class, and a linear model that trains in seconds. One baseline a file."""

from polarity.baselines.suite import BASELINES, baselines, linear, write_baselines

__all__ = ["BASELINES", "baselines", "linear", "write_baselines"]
