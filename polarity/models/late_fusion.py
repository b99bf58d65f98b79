"""A trained encoder, and beside it a linear probe on what the encoder gave before training and on n-grams."""

import copy
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Self, cast

import numpy as np
import torch
from torch import Tensor, nn

from polarity.component import Context
from polarity.content import Json
from polarity.data.reading import Inputs, Reader
from polarity.models.encoder import ENCODER, Encoder, EncoderSettings, encoder_of
from polarity.models.joined import JoinedEncoder, JoinedInputs, JoinedReader, JoinedSettings, WideDeep
from polarity.models.linear_features import LinearFeatures
from polarity.models.ngrams.settings import Ngrams
from polarity.models.probes import Probes
from polarity.settings import OpenFraction, PositiveInt
from polarity.tasks import Task

TRAINED, PROBE = "encoder", "probe"


class FusedEncoder(JoinedEncoder):
    """The vector of an encoder that is trained, then what a linear probe reads, none of which is.

    :param parts: "encoder" and "probe".
    :param share: of the probe in what is answered.
    :param one_table: whether both read by the same table of tokens, which is not trained: most of the weights of a
        multilingual encoder, which are then in memory and in every file once.
    """

    def __init__(self, parts: Mapping[str, Encoder], share: float, *, one_table: bool = False) -> None:
        super().__init__(parts)
        self.share = share
        self.encoders[PROBE].requires_grad_(False)  # noqa: FBT003 - the signature of torch
        if one_table:
            own, its = _tables(parts)
            assert own is not None
            assert its is not None
            its.weight = own.weight
        self.register_load_state_dict_pre_hook(_separate)  # type: ignore[no-untyped-call]

    @property
    def one_table(self) -> bool:
        """Whether both parts read by the same table of tokens."""
        own, its = _tables(self.encoders)
        return own is not None and its is not None and own.weight is its.weight

    @property
    def title(self) -> str:
        """That of what is trained; the probe reads it and n-grams."""
        return _title(self.encoders[TRAINED].title)

    def train(self, mode: bool = True) -> Self:  # noqa: FBT001, FBT002 - the signature of torch
        """As usual; what the probe reads has no dropout, which would draw from the numbers of what is trained."""
        super().train(mode)
        self.encoders[PROBE].eval()
        return self

    def probes(self, tasks: Sequence[Task]) -> Probes:
        return Probes(tasks, self.encoders[PROBE].width, self.share)

    def linear_features(
        self, inputs: Mapping[str, Inputs], compute: Callable[[Encoder, Inputs], np.ndarray]
    ) -> LinearFeatures:
        """Those of the probe."""
        read = {split: cast("JoinedInputs", own).parts[PROBE] for split, own in inputs.items()}
        return self.encoders[PROBE].linear_features(read, compute)

    def architecture(self) -> Json:
        own = super().architecture()
        return {ENCODER: {**own[ENCODER], "share": self.share, **({"one_table": True} if self.one_table else {})}}

    @classmethod
    def from_architecture(cls, architecture: Mapping[str, Any], trust: Collection[str] = ()) -> Self:
        parts = {name: encoder_of(part, trust) for name, part in architecture[ENCODER]["parts"].items()}
        return cls(parts, architecture[ENCODER]["share"], one_table=architecture[ENCODER].get("one_table", False))


class LateFusion(JoinedSettings):
    """An encoder, trained as it would be alone, and a linear probe whose log-probabilities are averaged with its own.

    The probe is the linear model that ``head.init=linear_probe`` begins with: logistic regression on the vectors of the
    encoder before training (the mean of its last four layers) and on n-grams. It is fitted before training and stays
    as it is; in training the loss is that of the encoder and its heads alone. The two are wrong about different rows:
    one knows what pretraining and a few thousand rows tell, the other what fine-tuning does (output-space ensembles in
    Wortsman et al., Robust fine-tuning of zero-shot models, CVPR 2022, arXiv 2109.01903).

    :param encoder: any preset of the group that reads tokens, ``model.encoder=minilm``.
    :param share: of the probe in the mean.
    :param width: numbers in the vector of an n-gram of the probe; None for 32, or for as many as the probe needs.
    """

    def __init__(
        self, *, encoder: EncoderSettings, share: OpenFraction = 0.5, width: PositiveInt | None = None
    ) -> None:
        self.encoder, self.share, self.width = encoder, share, width
        self.probe: EncoderSettings = WideDeep(encoder=encoder.frozen(), ngrams=Ngrams(width=width, dropout=0.0))

    @property
    def parts(self) -> dict[str, EncoderSettings]:
        """Both by name."""
        return {TRAINED: self.encoder, PROBE: self.probe}

    @property
    def title(self) -> str:
        """That of what is trained; the probe reads it and n-grams."""
        return _title(self.encoder.title)

    @property
    def dropout_rates(self) -> list[float] | None:
        """Of what is trained."""
        return self.encoder.dropout_rates

    def problems(self, tasks: Sequence[Task]) -> list[str]:
        own = [f"{TRAINED}.{problem}" for problem in self.encoder.problems(tasks)]
        if own or not (of_probe := self.probe.problems(tasks)):
            return own
        why = of_probe[0].partition(": ")[2].partition(";")[0]  # the probe has no settings to change
        return [f"{TRAINED}: no linear probe can read it ({why}); use another one, or model=wide_deep"]

    def conflicts(self, context: Context) -> list[str]:
        return [f"{TRAINED}.{problem}" for problem in self.encoder.conflicts(context)]

    @property
    def probed(self) -> bool:
        """Always."""
        return True

    def each(self, change: Callable[[EncoderSettings], EncoderSettings]) -> Self:
        """The same of changed parts."""
        changed = copy.copy(self)
        changed.encoder, changed.probe = change(self.encoder), change(self.probe)
        return changed

    def holding(self, outputs: int) -> Self:
        """The same with such a probe; the heads beside it begin at random."""
        changed = copy.copy(self)
        changed.probe = self.probe.holding(outputs)
        return changed

    def build(self, reader: Reader) -> FusedEncoder:
        """Both; what is drawn for the probe leaves no trace in the weights of the heads."""
        assert isinstance(reader, JoinedReader)
        trained = self._each(lambda name, part: part.build(reader.parts[name]), TRAINED)
        with torch.random.fork_rng(devices=[]):
            parts = {**trained, **self._each(lambda name, part: part.build(reader.parts[name]), PROBE)}
        own, its = _tables(parts)
        if own is None or its is None or own.weight.requires_grad:
            return FusedEncoder(parts, self.share)
        return FusedEncoder(parts, self.share, one_table=torch.equal(own.weight, its.weight))


def _tables(parts: Mapping[str, Encoder]) -> tuple[nn.Embedding | None, nn.Embedding | None]:
    """Of what is trained, and of the encoder that the probe reads."""
    return parts[TRAINED].token_table, parts[PROBE].token_table


def _separate(fused: FusedEncoder, state: Mapping[str, Tensor], prefix: str, *_: object) -> None:
    """Where another run has trained its table, the probe of that run goes on with its own."""
    own, its = _tables(fused.encoders)
    if own is None or its is None or own.weight is not its.weight:
        return
    names = {module: f"{prefix}{name}.weight" for name, module in fused.named_modules()}
    one, other = (state.get(names[table]) for table in (own, its))
    if one is not None and other is not None and one is not other and not torch.equal(one, other):
        its.weight = nn.Parameter(its.weight.detach().clone(), requires_grad=False)


def _title(trained: str) -> str:
    return f"{trained} with a linear probe beside it"
