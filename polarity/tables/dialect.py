"""The settings of text files, and what a header says against them."""

import codecs
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from polarity.errors import nearest
from polarity.privacy import HIDDEN, texts_are_shown

_TAB = ("tab", "\\t")
"""Ways to write a tab on a command line."""


@dataclass(frozen=True)
class Dialect:
    """How text files are to be read.

    :param delimiter: between cells, ``tab`` for a tab; None: by extension.
    :param quote: around cells; empty or None: a quote is an ordinary character.
    :param header: whether the first line names the columns; else they are called ``1``, ``2``, ...
    :param setting: begins the names of these settings in messages.
    """

    encoding: str = "utf-8"
    delimiter: str | None = None
    quote: str | None = '"'
    header: bool = True
    setting: str = "data."

    def __post_init__(self) -> None:
        if self.delimiter in _TAB:
            object.__setattr__(self, "delimiter", "\t")
        if not self.quote:
            object.__setattr__(self, "quote", None)

    @property
    def without_quotes(self) -> str:
        """Advice for a table whose quotes may be ordinary characters."""
        return f"if quotes are plain characters here, give '{self.setting}quote=\"\"'"  # null: as the run, in the verbs


_PREAMBLE = re.compile(r"\"?sep=(.)\"?\r?\n?", re.IGNORECASE)
_LONG_NAME = 60


def preamble(line: str) -> str | None:
    """The delimiter that a spreadsheet names in a line of its own before the header (``sep=;``), or None."""
    found = _PREAMBLE.fullmatch(line)
    return None if found is None else found[1]


def numbered(cells: Sequence[object]) -> list[str]:
    """Names of the columns of a file without a header."""
    return [str(number) for number in range(1, len(cells) + 1)]


def headless(columns: Collection[str]) -> bool:
    """Whether what was read as a header looks like a row: a number, or a long text, or something without a letter."""
    return any(len(name) > _LONG_NAME or (name and not any(map(str.isalpha, name))) for name in columns)


def column_hint(name: str, columns: Collection[str], setting: str | None) -> str:
    """End of the message that there is no column of this name: the nearest one, all of them, and what else may help.

    The first line may be a row in the place of a header, so it is shown of data whose texts may be.

    :param setting: begins the names of settings that say how the file is read; None: there are none.
    """
    shown = nearest(name, columns, what="columns") if texts_are_shown() else f"; its first line is {HIDDEN.strip('()')}"
    return shown + headless_hint(columns, setting)


def headless_hint(columns: Collection[str], setting: str | None) -> str:
    """End of the message about a missing column.

    :param setting: begins the name of the setting that says whether there is a header; None: there always is one.
    """
    if setting is None or not headless(columns):
        return ""
    advice = f"give {setting}header=false and name columns by number: 1, 2, ..."
    return f"; if the first line is a row and no header, {advice}"


def delimiter_hint(columns: Sequence[str], setting: str | None) -> str:
    """How to read a header of one single column that another character seems to divide; empty for any other header.

    :param setting: begins the name of the setting of the delimiter; None: there is none.
    """
    other = next((mark for mark in ";\t|," if mark in columns[0]), None) if len(columns) == 1 else None
    if other is None or setting is None:
        return ""
    named, value = ("tab", "tab") if other == "\t" else (other, f'"{other}"')
    more, blank, prefix = setting.rpartition(" ")
    return f"; if {named!r} separates the cells, give {more}{blank}'{prefix}delimiter={value}'"


def dialect_problems(dialect: Dialect) -> list[str]:
    """What is wrong with the settings of text files."""
    problems = []
    for name, character in (("delimiter", dialect.delimiter), ("quote", dialect.quote)):
        if character is not None and (len(character) != 1 or character in "\r\n"):
            problems.append(f"{name}: must be one character, got {character!r}")
    if dialect.quote is not None and dialect.quote == dialect.delimiter:
        problems.append(f"quote: is the same character as the delimiter, {dialect.quote!r}")
    try:
        text = codecs.lookup(dialect.encoding)._is_text_encoding  # noqa: SLF001 - there is no public way to ask
    except (LookupError, ValueError):
        text = False
    if not text:
        usual = ["utf-8", "utf-16", "cp1252", "latin-1", "cp1250", "cp1251", "gb18030", "shift_jis", "euc_kr", "big5"]
        hint = nearest(dialect.encoding, usual, what="for instance")
        problems.append(f"encoding: no encoding is called {dialect.encoding!r}{hint}")
    return problems
