"""UTF-8 that is read as something else is a text as well, and nobody notices; so it is refused."""

import io
import re

import pytest

from polarity.errors import UserError
from polarity.tables.dialect import Dialect
from polarity.tables.lines import Lines

TEXTS = {
    "cp1252": "perché è così; naïve, “quoted”, 5 €",
    "latin-1": "perché è così; naïve",
    "cp1251": "это очень хорошо, и ещё раз",
    "koi8-r": "это очень хорошо, и ещё раз",
    "iso8859-7": "καλημέρα σας, τι κάνετε",
    "cp1255": "שלום לכולם, מה שלומכם",
    "cp1256": "السلام عليكم ورحمة الله",
    "tis-620": "สวัสดีครับ ยินดีต้อนรับ",
    "gb18030": "今天天气很好。我们去公园",
    "shift_jis": "今日はとても良い天気です",
    "utf-16": "perché 今天天气很好",
    "utf-16-le": "perché 今天天气很好",
    "utf-32": "perché è così",
}
ONE_BYTE = [name for name in TEXTS if name not in ("gb18030", "shift_jis")]


def opened(content: bytes, encoding: str) -> Lines:
    return Lines("a.csv", io.BytesIO(content), Dialect(encoding, ",", '"', header=True, setting="data."), "")


def lines(content: bytes, encoding: str) -> list[str]:
    return list(opened(content, encoding))


@pytest.mark.parametrize("encoding", TEXTS)
@pytest.mark.parametrize("repeated", [1, 3000])
def test_each_encoding_reads_its_own(encoding: str, repeated: int) -> None:
    written = f"{TEXTS[encoding]}\n" * repeated
    assert "".join(lines(written.encode(encoding), encoding)) == written


@pytest.mark.parametrize("encoding", ONE_BYTE)
@pytest.mark.parametrize("repeated", [1, 3000])  # of which the beginning that is looked at ends within a character
def test_utf8_is_read_as_nothing_else(encoding: str, repeated: int) -> None:
    content = f"{TEXTS[encoding]}\n".encode() * repeated
    with pytest.raises(UserError, match=rf"^a.csv: is UTF-8, but data.encoding={encoding}; give data.encoding=utf-8$"):
        lines(content, encoding)


@pytest.mark.parametrize("encoding", [name for name in ONE_BYTE if not name.startswith("utf")])
def test_utf8_is_noticed_wherever_its_first_accent_stands(encoding: str) -> None:
    plain = b"plain\n" * 50_000
    with pytest.raises(UserError, match=rf"^a.csv: is UTF-8, but data.encoding={encoding}; give data.encoding=utf-8$"):
        lines(plain + f"{TEXTS[encoding]}\n".encode() + plain, encoding)


@pytest.mark.parametrize("before", [0, 50_000])
def test_a_line_that_is_utf8_by_chance_is_read_beside_one_that_is_none(before: int) -> None:
    content = "plain\n" * before + "CAFÉ»\n" + "plain\n" * before + "«CAFÉ»\n"
    for written in (content, content + "perché è"):  # no line behind the last one
        assert "".join(lines(written.encode("cp1252"), "cp1252")) == written


@pytest.mark.parametrize(("count", "found"), [(1, "1 of 3 non-ASCII lines is"), (3, "3 of 5 non-ASCII lines are")])
def test_what_is_partly_utf8_is_told_and_refused_where_most_of_it_is(count: int, found: str) -> None:
    western = "naïve\n".encode("cp1252")
    read = opened(western + b"plain\n" + "perché è\n".encode() * count + western, "cp1252")
    said = f"{found} UTF-8 (line 3 is the first), of which data.encoding=cp1252 makes other letters"
    if count == 1:
        assert len(list(read)) == 4
        assert read.notes() == [f"a.csv: {said}; save all of the file as UTF-8 (a few may look so by chance)"]
    else:
        with pytest.raises(UserError, match=f"^a.csv: {re.escape(said)}; save all of the file as UTF-8$"):
            list(read)


def test_only_letters_that_are_read_as_others_are_told() -> None:
    for encoding, text in TEXTS.items():
        read = opened(f"{text}\n".encode(encoding), encoding)
        list(read)
        assert read.notes() == []
    partly = opened("perché\n".encode() + "naïve\n".encode("cp1252"), "utf-8")
    assert len(list(partly)) == 2, "rows of the second are refused one by one"
    assert partly.notes() == []


def test_the_last_letter_of_a_file_is_no_beginning_of_another() -> None:
    assert lines(b"caf\xe9", "cp1252") == ["café"]


def test_what_both_read_alike_is_no_matter() -> None:
    assert lines(b"plain\n", "cp1252") == ["plain\n"]
    assert lines(b"", "cp1252") == []
