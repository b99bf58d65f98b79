"""Words that an encoder was pretrained to find before every text."""

import copy
from typing import Any

from tokenizers.normalizers import Prepend, Sequence
from transformers import TokenizersBackend


def with_prefix(tokenizer: Any, prefix: str) -> Any:
    """A tokenizer that puts the prefix before every text, each of a pair, before it does all else.

    As a part of its normalisation it is saved in ``tokenizer.json``. The tokenizers of most families make theirs anew
    when they are read (transformers 5), and would forget it, so that this one is of no family.

    :param tokenizer: a fast one, which stays as it is.
    """
    if not prefix:
        return tokenizer
    backend = copy.deepcopy(tokenizer.backend_tokenizer)
    own = [backend.normalizer] if backend.normalizer is not None else []
    backend.normalizer = Sequence([Prepend(prefix), *own])
    kept = ("model_max_length", "model_input_names", "padding_side", "truncation_side")
    settings = {name: getattr(tokenizer, name) for name in kept}
    return TokenizersBackend(tokenizer_object=backend, **tokenizer.special_tokens_map, **settings)
