"""The tokens that a corpus has, for an encoder that learns to guess them: a multilingual table has many more."""

import numpy as np
import torch
from torch import Tensor, nn
from transformers import PreTrainedModel


class CorpusVocabulary:
    """Has a model read and guess among these tokens alone, as long as it is trained.

    The softmax over a token's alternatives then is one over those that the corpus has, and the vectors of all others
    stay as they are. A model whose tables are no ordinary ones is left as it is.

    :param model: with a head for masked tokens; it is changed in place.
    :param seen: whether each token occurs, bool ``[tokens]``.
    """

    def __init__(self, model: PreTrainedModel, seen: np.ndarray) -> None:
        table, head = model.get_input_embeddings(), model.get_output_embeddings()
        self._table: nn.Embedding | None = None
        if type(table) is not nn.Embedding or type(head) is not nn.Linear or len(table.weight) != len(head.weight):
            return
        # All up to the padding stay in their places: some families count positions by the number of the padding.
        seen[: (table.padding_idx or 0) + 1] = True
        self._tokens = torch.from_numpy(np.flatnonzero(seen))
        self._rows = torch.arange(len(seen)) % len(self._tokens)  # a token drawn at random may be one of the others
        self._rows[self._tokens] = torch.arange(len(self._tokens))
        self._whole = table.weight.detach()
        self._table = nn.Embedding(
            len(self._tokens), table.embedding_dim, table.padding_idx, _weight=self._whole[self._tokens]
        )
        guesses = nn.Linear(head.in_features, len(self._tokens), bias=head.bias is not None)
        with torch.no_grad():
            guesses.weight.copy_(head.weight[self._tokens])
            if head.bias is not None:
                guesses.bias.copy_(head.bias[self._tokens])
        if head.weight is table.weight:
            guesses.weight = self._table.weight
        model.set_input_embeddings(self._table)
        model.set_output_embeddings(guesses)

    def rows(self, tokens: Tensor) -> Tensor:
        """What the model calls these tokens."""
        return tokens if self._table is None else self._rows[tokens]

    def state(self, encoder: nn.Module) -> dict[str, Tensor]:
        """The weights of the model's encoder, with its whole table."""
        state: dict[str, Tensor] = encoder.state_dict()
        for name, module in encoder.named_modules():
            if module is self._table and self._table is not None:
                trained = self._table.weight.detach().to(self._whole.device)
                state[f"{name}.weight"] = self._whole.index_copy(0, self._tokens.to(trained.device), trained)
        return state
