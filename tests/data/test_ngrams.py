"""Texts of any script become vectors, and only the training texts decide of which terms."""

import re
from collections.abc import Callable

import numpy as np
import pytest
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer

from polarity.data.ngrams import TextFeatures, word_pattern
from polarity.data.rows import Rows
from tests.baselines.corpora import rows

PIECES = {"analyzer": "char_wb", "ngram_range": (2, 5)}


def of(texts: list[str], contexts: list[str] | None = None) -> Rows:
    return Rows([str(n) for n in range(len(texts))], texts, contexts, np.zeros((len(texts), 1), dtype=np.int64))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Don't stop!", ["Don", "t", "stop"]),
        ("हिन्दी भाषा", ["हिन्दी", "भाषा"]),
        ("বাংলা ভাষা", ["বাংলা", "ভাষা"]),
        ("ไทยดี", ["ไทยดี"]),
        ("cafe\u0301 naïve", ["cafe\u0301", "naïve"]),
        ("مَرْحَبًا بكم", ["مَرْحَبًا", "بكم"]),
        ("很好 面包", ["很好", "面包"]),
        ("😀 !!", []),
    ],
)
def test_words_are_whole_in_every_script(text: str, words: list[str]) -> None:
    assert re.findall(word_pattern(), text) == words


@pytest.mark.parametrize("texts", [["!"], ["😀", "😀😀"], ["a"], ["x y", "x y"], ["1 2 3"], ["。"]])
@pytest.mark.parametrize("contexts", [None, "same", "blank"])
def test_any_text_has_terms(texts: list[str], contexts: str | None) -> None:
    given = of(texts, {None: None, "same": texts, "blank": [""] * len(texts)}[contexts])
    features = TextFeatures()
    made = features.fit(given)
    assert made.shape[0] == len(texts)
    assert made.nnz > 0
    assert (made != features.transform(given)).nnz == 0


def test_fitting_gives_what_transforming_gives() -> None:
    features, given = TextFeatures(), rows(80, 0)
    made, again = features.fit(given), features.transform(given)
    assert made.dtype == np.float32
    assert abs(made - again).max() < 1e-6


def test_other_rows_do_not_change_the_vocabulary() -> None:
    features = TextFeatures()
    made = features.fit(rows(50, 0))
    assert features.transform(of(["entirely unheard-of words"])).shape[1] == made.shape[1]
    assert features.transform(of([])).shape == (0, made.shape[1])


def test_terms_of_one_text_are_left_out_where_there_are_others() -> None:
    features = TextFeatures()
    made = features.fit(of(["same words", "same words", "qux"]))
    assert made[2].nnz == 0
    assert made[0].nnz > 0


def test_a_context_is_told_from_a_text() -> None:
    features = TextFeatures()
    features.fit(of(["red blue", "blue red"], ["blue red", "red blue"]))
    one, other = features.transform(of(["red"], ["blue"])), features.transform(of(["blue"], ["red"]))
    assert (one != other).nnz > 0


def test_texts_that_repeat_are_analysed_once_and_have_the_vectors_that_each_of_them_would(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    contexts = ["red roses are red", "blue skies", "odd", "red skies"] * 5 + ["odder"]
    analysed: list[str] = []
    whole = CountVectorizer.build_analyzer

    def counting(self: CountVectorizer) -> Callable[[str], list[str]]:
        analyse = whole(self)
        return lambda text: analysed.append(text) or analyse(text)

    wanted = [
        TfidfVectorizer(sublinear_tf=True, min_df=2, dtype=np.float32, **settings).fit_transform(contexts).toarray()
        for settings in ({"token_pattern": word_pattern(), "ngram_range": (1, 2)}, PIECES)
    ]
    monkeypatch.setattr(CountVectorizer, "build_analyzer", counting)
    features, given = TextFeatures(), of([""] * 21, contexts)
    made = features.fit(given)
    assert len(analysed) == 2 * 5
    assert (made.toarray() == np.hstack(wanted)).all()
    assert (features.transform(given).toarray() == made.toarray()).all()
