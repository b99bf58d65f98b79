"""The token store against the tokenizer itself, for two families of tokenizers."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

from polarity.data.rows import Rows
from polarity.errors import UserError
from polarity.models.huggingface import tokenising
from polarity.models.huggingface.tokens import TokenStore
from tests.command import PATIENCE, python

LETTERS = "abcdefghijklmnopqrstuvwxyz"


def bert_like(**changed: object) -> PreTrainedTokenizerFast:
    """``[CLS] a [SEP] b [SEP]`` with token types."""
    words = {word: number for number, word in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", *LETTERS])}
    backend = Tokenizer(models.WordLevel(words, unk_token="[UNK]"))
    backend.normalizer = normalizers.Lowercase()
    backend.pre_tokenizer = pre_tokenizers.Whitespace()
    backend.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", words["[CLS]"]), ("[SEP]", words["[SEP]"])],
    )
    settings: dict[str, object] = {"pad_token": "[PAD]", "unk_token": "[UNK]", "model_max_length": 16}
    settings["model_input_names"] = ["input_ids", "token_type_ids", "attention_mask"]
    return PreTrainedTokenizerFast(tokenizer_object=backend, **settings | changed)


def roberta_like(**changed: object) -> PreTrainedTokenizerFast:
    """``<s> a </s></s> b </s>`` without token types, padded with 1."""
    words = {word: number for number, word in enumerate(["<s>", "<pad>", "</s>", "<unk>", *LETTERS])}
    backend = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
    backend.pre_tokenizer = pre_tokenizers.Whitespace()
    backend.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>",
        pair="<s> $A </s> </s> $B </s>",
        special_tokens=[("<s>", words["<s>"]), ("</s>", words["</s>"])],
    )
    settings: dict[str, object] = {"pad_token": "<pad>", "unk_token": "<unk>", "model_max_length": 16}
    settings["model_input_names"] = ["input_ids", "attention_mask"]
    return PreTrainedTokenizerFast(tokenizer_object=backend, **settings | changed)


Family = Callable[..., PreTrainedTokenizerFast]
families = pytest.mark.parametrize("family", [bert_like, roberta_like])


def rows(*texts: str, context: list[str] | None = None) -> Rows:
    ids = [f"row{number}" for number in range(len(texts))]
    return Rows(ids=ids, text=list(texts), context=context, labels=np.zeros((len(texts), 1), dtype=np.int64))


def by_the_tokenizer(table: Rows, tokenizer: PreTrainedTokenizerFast, max_length: int) -> dict[str, torch.Tensor]:
    texts = [table.text] if table.context is None else [table.context, table.text]
    return dict(tokenizer(*texts, truncation="only_second" if table.context else "only_first", max_length=max_length,
                          padding="longest", return_tensors="pt"))  # fmt: skip


def assert_same(batch: dict[str, torch.Tensor], expected: dict[str, torch.Tensor]) -> None:
    assert batch.keys() == expected.keys()
    for name, tensor in expected.items():
        assert batch[name].dtype == torch.int64
        assert torch.equal(batch[name], tensor), name


words = st.lists(st.sampled_from([*LETTERS[:5], "unknown"]), min_size=1, max_size=20).map(" ".join)


@families
@settings(max_examples=30, deadline=None)
@given(texts=st.lists(st.tuples(words, words), min_size=1, max_size=6), paired=st.booleans())
def test_it_gives_what_the_tokenizer_gives(
    tmp_path_factory: pytest.TempPathFactory, family: Family, texts: list[tuple[str, str]], paired: bool
) -> None:
    context = [first for first, _ in texts] if paired else None
    table = rows(*(second for _, second in texts), context=context)
    store = TokenStore.open(table, family(), 26, tmp_path_factory.mktemp("cache"))
    expected = by_the_tokenizer(table, family(), 26)
    assert_same(store.batch(np.arange(len(table))), expected)
    assert store.lengths.tolist() == expected["attention_mask"].sum(dim=1).tolist()
    assert len(store) == len(table)


@families
def test_a_batch_holds_the_rows_asked_for_padded_to_the_longest(tmp_path: Path, family: Family) -> None:
    table = rows("a b c d e", "f", "g h i", "j k")
    tokenizer = family()
    store = TokenStore.open(table, tokenizer, 10, tmp_path)
    picked = np.array([2, 1, 2])
    assert_same(store.batch(picked), by_the_tokenizer(table.select(picked), tokenizer, 10))


@families
def test_only_the_text_of_a_pair_is_cut_and_cut_rows_are_counted(tmp_path: Path, family: Family) -> None:
    tokenizer = family()
    special = tokenizer.num_special_tokens_to_add(pair=True)
    table = rows("d e f g h i", "d", "d e", context=["a b c", "a b c", "a"])
    store = TokenStore.open(table, tokenizer, 5 + special, tmp_path)
    assert store.truncated == 1
    assert store.lengths.tolist() == [5 + special, 4 + special, 3 + special]
    kept = tokenizer.decode(store.batch(np.array([0]))["input_ids"][0], skip_special_tokens=False)
    assert kept.replace(" ", "").count("abc") == 1
    assert all(letter in kept for letter in "abcde")
    assert "f" not in kept


@families
def test_single_texts_are_cut_and_counted(tmp_path: Path, family: Family) -> None:
    store = TokenStore.open(rows("a b c d e f", "a", "a b c"), family(), 5, tmp_path)
    assert store.truncated == 1
    assert store.lengths.tolist() == [5, 3, 5]


@families
@pytest.mark.parametrize("paired", [False, True])
def test_many_rows_go_through_in_chunks(
    tmp_path: Path, family: Family, paired: bool, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(tokenising, "CHUNK", 3)
    monkeypatch.setattr(tokenising, "SHOW_PROGRESS_FROM", 5)
    table = rows(*(f"a {letter}" for letter in LETTERS), context=list(LETTERS) if paired else None)
    store = TokenStore.open(table, family(), 16, tmp_path)
    assert_same(store.batch(np.arange(len(LETTERS))), by_the_tokenizer(table, family(), 16))
    assert capfd.readouterr().out == ""


def count_builds(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    builds: list[int] = []
    real = tokenising.tokenise

    def counted(table: Rows, *settings: Any) -> dict[str, np.ndarray]:
        builds.append(len(table))
        return real(table, *settings)

    monkeypatch.setattr("polarity.models.huggingface.tokens.tokenise", counted)
    return builds


def test_the_same_content_is_tokenised_once_whatever_the_ids(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    builds = count_builds(monkeypatch)
    tokenizer = bert_like()
    table = rows("a b", "c")
    TokenStore.open(table, tokenizer, 8, tmp_path)
    tokenizer(["a b c"], truncation=True, max_length=4, padding="max_length")  # leaves its settings in the tokenizer
    table.ids = ["other", "ids"]
    table.labels = np.ones((2, 3), dtype=np.int64)
    TokenStore.open(table, tokenizer, 8, tmp_path)
    TokenStore.open(table, bert_like(), 8, tmp_path)
    assert builds == [2]


@pytest.mark.parametrize(
    ("table", "tokenizer", "max_length"),
    [
        pytest.param(rows("a b", "d"), bert_like(), 8, id="text"),
        pytest.param(rows("a", "b c"), bert_like(), 8, id="same-letters"),
        pytest.param(rows("c", "a b"), bert_like(), 8, id="order"),
        pytest.param(rows("a b", "c", context=["", ""]), bert_like(), 8, id="context"),
        pytest.param(rows("a b", context=["c"]), bert_like(), 8, id="context-for-text"),
        pytest.param(rows("a b", "c"), bert_like(), 9, id="length"),
        pytest.param(rows("a b", "c"), roberta_like(), 8, id="tokenizer"),
        pytest.param(rows("a b", "c"), bert_like(truncation_side="left"), 8, id="side"),
        pytest.param(rows("a b", "c"), bert_like(model_input_names=["input_ids"]), 8, id="inputs"),
        pytest.param(rows("a b", "c"), bert_like(additional_special_tokens=["[URL]"]), 8, id="special-tokens"),
    ],
)
def test_whatever_decides_the_ids_is_in_the_key(
    tmp_path: Path, table: Rows, tokenizer: PreTrainedTokenizerFast, max_length: int
) -> None:
    TokenStore.open(rows("a b", "c"), bert_like(), 8, tmp_path)
    TokenStore.open(table, tokenizer, max_length, tmp_path)
    assert len(list(tmp_path.iterdir())) == 2


def test_another_version_of_the_tokenizers_reads_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    TokenStore.open(rows("a b", "c"), bert_like(), 8, tmp_path)
    monkeypatch.setattr("polarity.models.huggingface.tokens.version", lambda _: "99.0")
    TokenStore.open(rows("a b", "c"), bert_like(), 8, tmp_path)
    assert len(list(tmp_path.iterdir())) == 2


def test_a_tokenizer_loaded_again_finds_its_cache(tmp_path: Path) -> None:
    bert_like().save_pretrained(tmp_path / "tokenizer")
    loaded = [PreTrainedTokenizerFast.from_pretrained(tmp_path / "tokenizer") for _ in range(2)]
    for tokenizer in loaded:
        TokenStore.open(rows("a b", "c"), tokenizer, 8, tmp_path / "cache")
    assert len(list((tmp_path / "cache").iterdir())) == 1


def test_a_damaged_store_is_built_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    builds = count_builds(monkeypatch)
    table, tokenizer = rows("a b c", "d"), bert_like()
    before = TokenStore.open(table, tokenizer, 8, tmp_path).batch(np.array([0, 1]))
    (folder,) = tmp_path.iterdir()
    content = bytearray((folder / "ids.npy").read_bytes())
    content[-3] ^= 0xFF
    (folder / "ids.npy").write_bytes(content)
    assert_same(TokenStore.open(table, tokenizer, 8, tmp_path).batch(np.array([0, 1])), before)
    assert builds == [2, 2]


@families
def test_a_context_without_room_for_the_text_is_listed(tmp_path: Path, family: Family) -> None:
    tokenizer = family()
    special = tokenizer.num_special_tokens_to_add(pair=True)
    table = rows(*"xxxx", context=["a b c d", "a", "a b c d e", "a b c"])
    with pytest.raises(UserError) as error:
        TokenStore.open(table, tokenizer, 4 + special, tmp_path)
    (problem,) = error.value.problems
    assert problem.startswith("batching.max_length: in 2 of 4 rows")
    assert f"at least {6 + special}" in problem
    assert "row0, row2" in problem
    assert TokenStore.open(table, tokenizer, 6 + special, tmp_path).truncated == 0


@families
def test_a_context_is_cut_to_its_share_and_the_text_gets_the_rest(tmp_path: Path, family: Family) -> None:
    tokenizer = family()
    context = ["a b c d e f g h i j k", "a b", "a b c d e f"]
    table = rows("b c d e f g h i j k l m n", "x", "c", context=context)
    store = TokenStore.open(table, tokenizer, 12, tmp_path, 0.5)
    cut = rows(*table.text, context=["a b c d e f", *context[1:]])
    assert_same(store.batch(np.arange(3)), by_the_tokenizer(cut, tokenizer, 12))
    assert (store.contexts_cut, store.truncated) == (1, 1)
    again = TokenStore.open(table, tokenizer, 12, tmp_path, 0.25)
    assert again.contexts_cut == 2
    assert TokenStore.open(rows("a", "b", "c", context=context), tokenizer, 30, tmp_path, 0.5).contexts_cut == 0


@families
@pytest.mark.parametrize("paired", [False, True])
def test_a_length_for_special_tokens_alone_is_refused(tmp_path: Path, family: Family, paired: bool) -> None:
    tokenizer = family()
    special = tokenizer.num_special_tokens_to_add(pair=paired)
    table = rows("a b", context=[""] if paired else None)
    with pytest.raises(UserError, match=f"must be at least {special + 1}"):
        TokenStore.open(table, tokenizer, special, tmp_path)
    store = TokenStore.open(table, tokenizer, special + 1, tmp_path)
    assert store.truncated == 1


def test_pairs_without_anything_between_them_are_refused(tmp_path: Path) -> None:
    tokenizer = bert_like()
    tokenizer.backend_tokenizer.post_processor = processors.TemplateProcessing(single="$A", pair="$A $B:1")
    with pytest.raises(UserError, match=r"model.name: its tokenizer puts nothing between context and text"):
        TokenStore.open(rows("war", context=["news"]), tokenizer, 32, tmp_path)


def test_texts_that_are_not_unicode_are_listed(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"2 rows without valid Unicode.*row0, row2"):
        TokenStore.open(rows("a \ud83d", "b", "c", context=["a", "b", "\udc00"]), bert_like(), 8, tmp_path)


def test_rows_without_any_token_are_listed(tmp_path: Path) -> None:
    tokenizer = bert_like()
    tokenizer.backend_tokenizer.post_processor = processors.TemplateProcessing(single="$A", pair="$A $B")
    with pytest.raises(UserError, match="1 row without a token: ids row1"):
        TokenStore.open(rows("a", " "), tokenizer, 8, tmp_path)


def test_a_tokenizer_without_padding_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="has no padding token"):
        TokenStore.open(rows("a"), bert_like(pad_token=None), 8, tmp_path)


def test_no_warning_about_long_texts(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    table = rows("a " * 100, context=["b " * 50])
    TokenStore.open(table, bert_like(model_max_length=8), 70, tmp_path)
    assert caplog.text == ""


OPEN = """
import sys
from pathlib import Path
import numpy as np
from transformers import PreTrainedTokenizerFast
from polarity.data.rows import Rows
from polarity.models.huggingface.tokens import TokenStore

cache, tokenizer = Path(sys.argv[1]), PreTrainedTokenizerFast.from_pretrained(sys.argv[2])
texts = ["a b c " * (number % 5 + 1) for number in range(5000)]
table = Rows(ids=[str(number) for number in range(5000)], text=texts, context=None, labels=np.zeros((5000, 1)))
sys.stdin.readline()  # begin together
store = TokenStore.open(table, tokenizer, 16, cache)
print(store.lengths.sum(), int(store.batch(np.arange(5000))["input_ids"].sum()))
"""


@pytest.mark.slow
def test_two_runs_that_tokenise_at_once_end_with_the_same_store(tmp_path: Path) -> None:
    bert_like().save_pretrained(tmp_path / "tokenizer")
    words = ("-c", OPEN, str(tmp_path / "cache"), str(tmp_path / "tokenizer"))
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    running = [python(*words, folder=tmp_path, env=environment, **pipes) for _ in range(2)]
    outputs = []
    for process in running:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    for process in running:
        output, errors = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0, errors
        outputs.append(output)
    assert outputs[0] == outputs[1]
    assert len(list((tmp_path / "cache").iterdir())) == 1
