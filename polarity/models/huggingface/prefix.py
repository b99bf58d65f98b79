"""Words that an encoder was pretrained to find before every text."""

from typing import Any

from tokenizers.normalizers import Prepend, Sequence


def with_prefix(tokenizer: Any, prefix: str) -> Any:
    """The tokenizer, which from now on puts the prefix before every text, each of a pair, before it does all else.

    As a part of its normalisation it is saved in ``tokenizer.json``, and read by whatever reads that.

    :param tokenizer: a fast one.
    """
    if prefix:
        backend = tokenizer.backend_tokenizer
        own = [backend.normalizer] if backend.normalizer is not None else []
        backend.normalizer = Sequence([Prepend(prefix), *own])
    return tokenizer
