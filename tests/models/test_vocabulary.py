"""Texts that a tokenizer does not know are told before training, with their scripts and a model that fits."""

from polarity.models.huggingface.vocabulary import coverage, script, vocabulary_warnings
from tests.tiny import WORDS, tiny_tokenizer

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


def test_words_cut_to_their_letters_are_reported_although_nothing_is_unknown() -> None:
    (warning,) = vocabulary_warnings(["incomprehensible sentimentality"] * 6, tiny_tokenizer(), None)
    assert "cuts words into many pieces (LATIN 14.5 a word" in warning


def test_counts_by_script() -> None:
    assert [script(text) for text in (KNOWN[0], AMHARIC[0], CHINESE[0], "123 !")] == ["LATIN", "ETHIOPIC", "CJK", ""]
    result = coverage(AMHARIC, tiny_tokenizer())["ETHIOPIC"]
    assert (result.texts, result.tokens, result.unknown, result.words) == (8, 24, 24, 24)
