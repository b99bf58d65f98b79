"""Samplers: which training rows an epoch shows, and how often.

A sampler is fitted once on the labels of the training split; ``draw(epoch)`` is then a pure function of the seed and
the epoch, so that ranks agree without talking to each other and a resumed run sees what it would have seen.

>>> import numpy as np
>>> from polarity.tasks import Task
>>> sampler = NaturalSampler(rows_per_epoch=None)
>>> sampler.fit(np.array([[0], [1], [-100], [1]]), [Task("tone", ("calm", "angry"), "tone")], seed=0)
>>> sorted(sampler.draw(epoch=0).tolist())
[0, 1, 3]
"""

from polarity.samplers.base import Sampler
from polarity.samplers.joint import JointSampler
from polarity.samplers.natural import NaturalSampler

__all__ = ["JointSampler", "NaturalSampler", "Sampler"]
