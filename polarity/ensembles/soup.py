"""Soups: models whose weights are the mean of several models' weights."""

import json
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from polarity.data.rows import Rows
from polarity.ensembles.blend import Method
from polarity.ensembles.candidates import Candidate, Logits, MemberRows
from polarity.files import checksum, read_object
from polarity.models.components import OWN
from polarity.models.huggingface.families import ATTENTION_DROPOUTS, HIDDEN_DROPOUTS
from polarity.models.saving import CARD, CONFIG, WEIGHTS, forms_of_weights
from polarity.posthoc import FILE
from polarity.quoting import overrides_of
from polarity.run import RunDirectory
from polarity.runs.rebuild import Rebuilt
from polarity.signature import TARGET

OF_TRAINING = {
    *("weights_sha256", "transformers_version"),
    *("attention", "unpadded"),  # ways to the same numbers
    *("dropout", "trunk_dropout", *HIDDEN_DROPOUTS, *ATTENTION_DROPOUTS),
    *("init", "lr", "weight_decay"),
}
"""Names in the description of a model of what may differ between models whose weights mean the same."""

Standing = Callable[[Sequence[int]], float]
"""The validation score of the soup of some members."""


class Soup(Method):
    """Settings of a way to choose the members whose weights are averaged.

    Wortsman et al., Model Soups: Averaging Weights of Multiple Fine-Tuned Models Improves Accuracy without Increasing
    Inference Time, ICML 2022 (arXiv 2203.05482). Members have to be of one architecture, with one tokenizer.
    """

    @abstractmethod
    def choose(self, members: int, standing: Standing) -> list[int]:
        """Numbers of the chosen members.

        :param standing: overall macro-F1 of a soup by argmax, on the rows that may be used.
        """


@dataclass
class Kitchen:
    """What soups of the members say about the validation rows; each is made once.

    :param number: of the member that the bowl is.
    :param bowl: the member by whose configuration every soup reads and answers; its weights are replaced.
    :param weights: of each member.
    """

    number: int
    bowl: Rebuilt
    weights: Sequence[Mapping[str, Tensor]]
    rows: Rows
    known: dict[tuple[int, ...], list[np.ndarray]] = field(default_factory=dict)

    def logits(self, chosen: Sequence[int]) -> list[np.ndarray]:
        """Of the soup of these members."""
        key = tuple(sorted(chosen))
        if key not in self.known:
            self.known[key] = self.of_rows(key, self.rows)
        return self.known[key]

    def of_rows(self, chosen: Sequence[int], rows: Rows) -> list[np.ndarray]:
        """What the soup of these members says about any rows."""
        self.bowl.model.load_state_dict(self.mean(chosen))
        return [np.asarray(item.logits) for item in self.bowl.predict(rows).tasks]

    def mean(self, chosen: Sequence[int]) -> dict[str, Tensor]:
        """The mean of these members' weights; what is no number with a fraction is that of the first."""
        first, *others = [self.weights[number] for number in chosen]
        return {
            name: torch.stack([value.double(), *(other[name].double() for other in others)]).mean(0).to(value.dtype)
            if value.is_floating_point()
            else value
            for name, value in first.items()
        }


@dataclass(frozen=True)
class Souped(Candidate):
    """A soup as something to judge."""

    name: str
    members: MemberRows
    soup: Soup
    kitchen: Kitchen

    def choose(self, inside: np.ndarray) -> list[int]:
        """The members that are chosen by the rows ``inside``."""

        def standing(chosen: Sequence[int]) -> float:
            return self.members.standing(self.kitchen.logits(chosen), inside)

        return self.soup.choose(len(self.members.logits), standing)

    def logits(self, inside: np.ndarray) -> Logits:
        return self.kitchen.logits(self.choose(inside))


def soup_problems(runs: Sequence[RunDirectory]) -> list[str]:
    """A problem for each run whose weights cannot be averaged with those of the first, or not be used as they are."""
    first, ours = _anatomy(runs[0]), _read_by(runs[0])
    problems = []
    for run in runs[1:]:
        differs = sorted(name for name, what in {**first, **_anatomy(run)}.items() if first.get(name) != what)
        missing = sorted(first.keys() - _anatomy(run).keys())
        if differs or missing:
            problems.append(
                f"runs: {run.path} is of another architecture or tokenizer than {runs[0].path} (the first difference "
                f"is model/{[*differs, *missing][0]}), so their weights have no mean; use method=average"
            )
        theirs = _read_by(run)
        if others := [name for name in ours if theirs[name] != ours[name]]:
            there, here = (" ".join(overrides_of({name: own[name] for name in others})) for own in (theirs, ours))
            problems.append(
                f"runs: {run.path} reads and answers by {there}, {runs[0].path} by {here}, and their soup could do so "
                "in one way only; use method=average"
            )
    return problems


def _read_by(run: RunDirectory) -> dict[str, object]:
    """The settings of a run that its model reads and answers by, beside what stands in the model's folder."""
    own = run.settings
    return {
        "batching.max_length": own.max_length,
        "batching.max_context": own.max_context,
        "trainer.precision": own.precision,
    }


def _anatomy(run: RunDirectory) -> dict[str, str]:
    """What two models have to share: everything beside the values of the weights, their training and the rule."""
    files = [path for path in run.model.rglob("*") if path.is_file()]
    named = {path.relative_to(run.model).as_posix(): path for path in files}
    found = {name: checksum(path) for name, path in named.items() if name not in (CARD, CONFIG, WEIGHTS, FILE)}
    described = {name: _meaning(read_object(named[name])) for name in (CARD, CONFIG)}
    content = {**described, WEIGHTS: forms_of_weights(run.model)}
    return {**found, **{name: json.dumps(what, sort_keys=True) for name, what in content.items()}}


def _meaning(described: object) -> object:
    """The description of a model without what only its training depends on; nothing is known of others' classes."""
    if not isinstance(described, Mapping) or not str(described.get(TARGET, OWN)).startswith(OWN):
        return described
    return {name: _meaning(value) for name, value in described.items() if name not in OF_TRAINING}
