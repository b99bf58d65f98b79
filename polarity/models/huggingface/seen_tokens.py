"""A table of tokens that trains only what training can teach something: the tokens of the training texts."""

from collections.abc import Callable, Mapping
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import PreTrainedModel

from polarity.models.huggingface.tokens import TokenStore
from polarity.wording import out_of


class SeenTokens(nn.Embedding):
    """The vectors of some tokens, which are trained, and those of all others, which stay as they are.

    A token that no training text has gets no gradient, ever: in a table that is trained whole, weight decay alone would
    change it, and each step would move the whole table, its gradient and its moments through memory for that.
    State dicts hold the whole table, as if nothing were different.

    :param whole: the table.
    :param tokens: those that are trained, ascending. In training mode there must be no others.
    """

    def __init__(self, whole: nn.Embedding, tokens: Tensor) -> None:
        table = whole.weight.detach()
        super().__init__(len(tokens), whole.embedding_dim, _weight=table[tokens])
        self.whole, self.tokens = table, tokens  # no buffers: these would be sent to all devices again at each step
        self.rows = torch.full((len(table),), -1).index_copy(0, tokens, torch.arange(len(tokens)))
        padding = -1 if whole.padding_idx is None else int(self.rows[whole.padding_idx])
        self.padding_idx = padding if padding >= 0 else None

    @property
    def sentence(self) -> str:
        """What is trained of it, in words."""
        trained = out_of(len(self.tokens), len(self.whole), "token", "is", "are")
        return f"{trained} read in training, padding among them, and learnt; all others keep their vectors"

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - the signature of torch
        """Vectors ``[..., width]`` of tokens ``[...]``."""
        rows = self.rows[input]
        if self.training:
            return super().forward(rows)
        return torch.where((rows < 0)[..., None], F.embedding(input, self.whole), super().forward(rows.clamp(min=0)))

    def _apply(self, fn: Callable[[Tensor], Tensor], *args: Any, **kwargs: Any) -> Self:
        self.whole, self.tokens, self.rows = fn(self.whole), fn(self.tokens), fn(self.rows)
        applied: Self = super()._apply(fn, *args, **kwargs)  # type: ignore[no-untyped-call]
        return applied

    def _save_to_state_dict(self, destination: dict[str, Any], prefix: str, keep_vars: bool) -> None:  # noqa: FBT001
        destination[f"{prefix}weight"] = self.whole.index_copy(0, self.tokens, self.weight.detach())

    def _load_from_state_dict(self, state_dict: Mapping[str, Any], prefix: str, *args: Any) -> None:
        state, key = dict(state_dict), f"{prefix}weight"
        if key in state and state[key].shape == self.whole.shape:
            self.whole = state[key].detach().to(self.whole, copy=True)
            state[key] = self.whole[self.tokens]
        super()._load_from_state_dict(state, prefix, *args)


def train_seen_tokens(encoder: PreTrainedModel, inputs: TokenStore) -> None:
    """Put :class:`SeenTokens` in place of an encoder's table of tokens, if that is an ordinary one and is trained.

    :param inputs: of the training rows.
    """
    table: Any = encoder.get_input_embeddings()
    if type(table) is not nn.Embedding or not table.weight.requires_grad:
        return
    shared = sum(one is table.weight for _, one in encoder.named_parameters(remove_duplicate=False)) > 1
    seen = torch.from_numpy(inputs.seen(len(table.weight)))
    if not (shared or seen.all()):
        encoder.set_input_embeddings(SeenTokens(table, seen.nonzero().squeeze(1)))
