"""Overrides as people write them, in the words of Hydra's grammar, which has few characters for values and keys.

``data.path=a(1).csv`` becomes ``data.path="a(1).csv"``, and a key that the grammar has no word for, as in
``sampler.boosts.opinion={"ใช่": 2.0}``, one that it has; :func:`restored` gives the name back.
"""

import os
import re

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException

from polarity.quoting import as_word, in_quotes

_MARK = re.compile(r"__name_((?:[0-9a-f]{2})+)")
_QUOTED = r""""(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'"""
_PIECE = re.compile(
    rf"(?P<quoted>{_QUOTED})(?P<is_key>\s*:)?|(?P<bare>[^\s{{}}\[\],:\"'][^{{}}\[\],:\"']*)(?P<bare_key>:)?"
)
_PLAIN = re.compile(r"[A-Za-z0-9_./+\-$%*@?|\\ ]*")
_SEGMENT = re.compile(r"[A-Za-z0-9_@:/+~-]+")


def readable(text: str, *, multirun: bool) -> str:
    """An override that means the same and can be read; unchanged if there is none.

    :param multirun: whether commas separate the values of a sweep.
    """
    key, given, value = text.partition("=")
    if not given:
        return text
    if can_be_read(text):
        is_file = not multirun and value[:1] not in "[{" and "," in value and os.path.exists(value)  # noqa: PTH110 - false also for what no path can be
        return f"{key}={in_quotes(value)}" if is_file else text
    named = ".".join(part if _SEGMENT.fullmatch(part) else _marked(part) for part in key.split("."))
    candidates = [value, _container(value), _files(value)] if value[:1] in "[{" else [value]
    if value[:1] not in tuple("[{\"'") and not (multirun and "," in value):
        candidates.append(in_quotes(value))
    return next((one for other in candidates if can_be_read(one := f"{named}={other}")), text)


def restored(text: str) -> str:
    """The text with the names that :func:`readable` has put into the words of the grammar."""
    return _MARK.sub(lambda found: bytes.fromhex(found[1]).decode("utf-8", "surrogatepass"), text)


def can_be_read(text: str) -> bool:
    """Whether Hydra's grammar has such an override."""
    try:
        OverridesParser.create().parse_override(text)
    except HydraException:
        return False
    return True


def _marked(name: str) -> str:
    return f"__name_{name.encode('utf-8', 'surrogatepass').hex()}"


def _container(value: str) -> str:
    """A list or mapping whose keys are words of the grammar, and whose bare names beyond ASCII stand in quotes."""

    def piece(found: re.Match[str]) -> str:
        if found["quoted"] is not None:
            name = re.sub(r"\\([\"'\\])", r"\1", found["quoted"][1:-1])
            key = name if as_word(name) == name else _marked(name)  # in quotes, true and 1e3 are names
            return key + found["is_key"] if found["is_key"] else found["quoted"]
        bare = found["bare"].strip()
        if found["bare_key"]:
            return _key(bare) + ":"
        return found["bare"] if _PLAIN.fullmatch(bare) else in_quotes(bare)

    return _PIECE.sub(piece, value)


def _files(value: str) -> str:
    """A list of files or folders that are there, whatever their names are made of."""
    names = [name.strip() for name in value[1:-1].split(",")]
    there = value[:1] == "[" and value[-1:] == "]" and all(map(os.path.exists, names))
    return f"[{','.join(map(in_quotes, names))}]" if there else value


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _marked(name)
