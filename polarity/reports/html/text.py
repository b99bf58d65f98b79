"""Texts of any data as a page can hold them."""

import re

_FORBIDDEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")


def replace_forbidden(text: str) -> str:
    """The text with a mark for each character that neither HTML nor UTF-8 can hold, such as controls and surrogates."""
    return _FORBIDDEN.sub("\ufffd", text)
