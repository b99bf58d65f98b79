"""Does a tokenizer know the texts? What it does not know is one and the same token for the model, whatever it says."""

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from polarity.models.huggingface.english import MUCH, english_only, foreign_share
from polarity.wording import percent

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

LOOKED_AT = 2_000
"""Texts that are looked at, evenly taken: enough to see one per cent of them."""

MUCH_UNKNOWN = 0.05
"""Share of unknown tokens from which it is worth a warning: fitting models have well below 1 % in any language."""

MANY_PIECES = 5.0
"""Pieces per word from which a word is hardly more than its letters or bytes: fitting models need 1.2 to 2.5."""

MBERT = {"LATIN", "CYRILLIC", "CJK", "HIRAGANA", "KATAKANA", "HANGUL", "ARABIC", "HEBREW", "GREEK", "DEVANAGARI"}
MBERT |= {"BENGALI", "GURMUKHI", "GUJARATI", "TAMIL", "TELUGU", "KANNADA", "MALAYALAM", "ARMENIAN", "GEORGIAN", ""}
"""Scripts of the languages that model=mbert was trained on; Ethiopic, Khmer, Thai and others are not among them."""

FEWEST = 5
"""Texts of a script below which nothing is said about it alone."""

FITTING = "choose model=e5_small (needs no hub), xlmr_base or mmbert, which know many scripts"

SIGNS = "signs and emoji"

_WORD = re.compile(r"\w+")
_OF_EMOJI = re.compile("[\ufe00-\ufe0f\u20e3]")
"""Marks by Unicode that belong to no letter: forms of emoji, and the frame of a key."""
_UNSPACED = {"CJK", "HIRAGANA", "KATAKANA", "THAI", "LAO", "KHMER", "MYANMAR", "TIBETAN"}
"""Scripts that set no blank between words, so that pieces per word tell nothing."""


@dataclass
class Coverage:
    """What a tokenizer makes of a script: tokens without special ones, the unknown of them, and words.

    Texts are those that have most of their letters in it. Unknown for its signs is what has no letter, or would be read
    without signs (``great`` of ``great😀``).
    """

    texts: int = 0
    tokens: int = 0
    unknown: int = 0
    signs: int = 0
    words: int = 0

    @property
    def unknown_share(self) -> float:
        """Of all tokens, those that are unknown for their letters."""
        return self.unknown / max(1, self.tokens)

    @property
    def pieces(self) -> float:
        """Tokens per word."""
        return self.tokens / max(1, self.words)


def script(text: str) -> str:
    """The script of most letters, as Unicode names it (``LATIN``, ``CYRILLIC``); empty without letters."""
    letters = Counter(map(_script_of, filter(str.isalpha, text[:200])))
    return letters.most_common(1)[0][0] if letters else ""


@lru_cache(maxsize=10_000)
def _script_of(letter: str) -> str:
    return unicodedata.name(letter, "").split(" ")[0]


def coverage(texts: Sequence[str], tokenizer: "PreTrainedTokenizerBase") -> dict[str, Coverage]:
    """What the tokenizer makes of the texts, by script: that of a token, or of its text where it has no letter."""
    chosen = some(texts)
    tokenizer.backend_tokenizer.no_truncation()
    encoded = tokenizer(chosen, add_special_tokens=False, return_offsets_mapping=True, verbose=False)
    rows = list(zip(chosen, encoded["input_ids"], encoded["offset_mapping"], strict=True))
    unknown = {
        text[start:end]
        for text, ids, places in rows
        for token, (start, end) in zip(ids, places, strict=True)
        if token == tokenizer.unk_token_id
    }
    for_signs = _unknown_for_their_signs(unknown, tokenizer)
    found, script_of = defaultdict[str, Coverage](Coverage), cache(script)
    for text, ids, places in rows:
        most = script(text)
        found[most].texts += 1
        for token, (start, end) in zip(ids, places, strict=True):
            piece = text[start:end]
            of_script = found[script_of(piece) or most]
            of_script.tokens += 1
            if token == tokenizer.unk_token_id:
                of_script.unknown += piece not in for_signs
                of_script.signs += piece in for_signs
        for word in _WORD.findall(text):
            found[script_of(word) or most].words += 1
    return dict(found)


def _unknown_for_their_signs(pieces: Collection[str], tokenizer: "PreTrainedTokenizerBase") -> set[str]:
    """Those without a letter, and those that are known without their signs."""
    lettered = [piece for piece in pieces if script(piece)]
    words = ["".join(" " if _is_sign(character) else character for character in piece) for piece in lettered]
    read = tokenizer(words, add_special_tokens=False, verbose=False)["input_ids"] if words else []
    known = {piece for piece, ids in zip(lettered, read, strict=True) if tokenizer.unk_token_id not in ids}
    return {*pieces}.difference(lettered) | known


def _is_sign(character: str) -> bool:
    """Neither letter nor number, nor what stands above or below one."""
    return unicodedata.category(character)[0] not in "LMN" or _OF_EMOJI.match(character) is not None


def fitting(scripts: Iterable[str]) -> str:
    """Presets of models that know these scripts, or ``SIGNS``, most of which mbert does not know either."""
    return FITTING + ("; mbert as well" if set(scripts) <= MBERT else "")


def vocabulary_warnings(texts: Sequence[str], tokenizer: "PreTrainedTokenizerBase", model: str | None) -> list[str]:
    """A warning for each thing that makes this tokenizer unfit for the texts, with the scripts it is about."""
    if not texts:
        return []
    found, named = coverage(texts, tokenizer), f"the tokenizer of {model or 'this model'}"
    warnings = _unknown(found, named)
    broken = {
        name: one
        for name, one in found.items()
        if name and name not in _UNSPACED and one.pieces >= MANY_PIECES and _enough(one, found)
    }
    if broken:
        scripts = ", ".join(f"{name} {one.pieces:.1f}" for name, one in broken.items())
        warnings.append(
            f"{named} cuts words into many pieces ({scripts} a word), hardly more than letters or bytes;"
            f" {fitting(_of_texts(found))}"
        )
    if not warnings and english_only(tokenizer) and (share := foreign_share(some(texts), tokenizer)) >= MUCH:
        warnings.append(
            f"{share:.0%} of the texts with five words and more are hardly English (none of its commonest words, and"
            f" words in many pieces), and {named} was made for English alone; {fitting(_of_texts(found))}"
        )
    return warnings


def _unknown(found: dict[str, Coverage], named: str) -> list[str]:
    """A warning if much is unknown, of all that was found or of a script."""
    tokens = max(1, sum(one.tokens for one in found.values()))
    blind = {
        name: one.unknown_share
        for name, one in found.items()
        if one.unknown_share >= MUCH_UNKNOWN and (_enough(one, found) or one.unknown / tokens >= MUCH_UNKNOWN)
    }
    of_signs = sum(one.signs for one in found.values()) / tokens
    share = of_signs + sum(one.unknown for one in found.values()) / tokens
    if share < MUCH_UNKNOWN and not blind:
        return []
    marked = {SIGNS: of_signs} if of_signs >= MUCH_UNKNOWN else {}
    listed = ", ".join(f"{name or 'no letters'} {percent(part)}" for name, part in (blind | marked).items())
    told = f"{percent(share)} of the tokens are unknown to {named}{f' ({listed})' if listed else ''}"
    return [f"{told}, and whatever is unknown is the same to it; {fitting([*_of_texts(found), *blind, *marked])}"]


def some(texts: Sequence[str]) -> list[str]:
    """Evenly taken ones."""
    return list(texts[:: max(1, len(texts) // LOOKED_AT)])


def _enough(one: Coverage, found: dict[str, Coverage]) -> bool:
    return one.texts >= FEWEST or one.texts == sum(other.texts for other in found.values())


def _of_texts(found: dict[str, Coverage]) -> list[str]:
    """The scripts in which texts are written; of others there are single words."""
    return [name for name, one in found.items() if one.texts]
