"""Tiny encoders of every family with random weights, and a tokenizer to go with them; nothing is downloaded."""

import string
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import CONFIG_MAPPING, AutoModel, BertTokenizer, PreTrainedConfig

from polarity.models import Head, MultiTaskClassifier, PretrainedEncoder
from polarity.models.components import own_pooling, rebuilt
from polarity.models.huggingface.encoder import HuggingFaceEncoder
from polarity.models.huggingface.families import random_encoder
from polarity.models.huggingface.loading import quiet_transformers
from polarity.models.huggingface.reader import TokenReader
from polarity.models.pooling import Pooling
from polarity.paths import conf_dir
from polarity.tasks import Task

FAMILIES = ("bert", "roberta", "xlm-roberta", "deberta-v2", "modernbert", "distilbert")
POOLINGS = sorted(path.stem for path in (conf_dir() / "pooling").glob("*.yaml"))
FAMILIES_WITH_POOLER = ("bert", "roberta", "xlm-roberta")
POOLED = [
    (family, name) for family in FAMILIES for name in POOLINGS if name != "pooler" or family in FAMILIES_WITH_POOLER
]
TASKS = (Task("tone", ("none", "yes", "no"), "tone"), Task("topic", ("1", "2", "3", "4"), "topic"))
SPECIAL = ("[UNK]", "[PAD]", "[CLS]", "[SEP]", "[MASK]")  # padding is not 0, so that nobody takes it for granted
COMMON = (
    "the of and to in is was for on with as by at from it that this are or an be have not were which "
    "good bad great awful fine poor news vote party people country love hate war peace army bread soup "
    "table chair window number seven eleven apple tank soldier"
)
WORDS = COMMON.split()
POSITIONS = 64


def tiny_tokenizer(words: Iterable[str] = WORDS) -> BertTokenizer:
    """A lower-casing WordPiece tokenizer: these words, and single characters for all others.

    Of a family of its own, as those of real encoders are: such classes make anew what they do not read from the file.
    """
    characters = [*string.ascii_lowercase, *string.digits, *string.punctuation]
    pieces = [*SPECIAL, *characters, *(f"##{character}" for character in characters), *words]
    vocabulary = {piece: number for number, piece in enumerate(dict.fromkeys(pieces))}
    read = ["input_ids", "token_type_ids", "attention_mask"]
    return BertTokenizer(vocab=vocabulary, model_max_length=POSITIONS, model_input_names=read)


def tiny_reader() -> TokenReader:
    """What reads texts with it."""
    return TokenReader(tiny_tokenizer())


def tiny_config(family: str, *, layers: int = 4, width: int = 16, **settings: Any) -> PreTrainedConfig:
    """Configuration of a small encoder of this family; RoBERTa's has the two positions more that it cannot use."""
    tokenizer = tiny_tokenizer()
    common = {
        "vocab_size": len(tokenizer),
        "pad_token_id": tokenizer.pad_token_id,
        "bos_token_id": tokenizer.cls_token_id,
        "eos_token_id": tokenizer.sep_token_id,
        "max_position_embeddings": POSITIONS + 2 if "roberta" in family else POSITIONS,
        "hidden_size": width,
        "num_hidden_layers": layers,
        "num_attention_heads": 2,
        "intermediate_size": 2 * width,
    }
    special: dict[str, dict[str, Any]] = {
        "roberta": {"type_vocab_size": 1},
        "xlm-roberta": {"type_vocab_size": 1},
        "deberta-v2": {  # as the third version has it
            "relative_attention": True,
            "position_buckets": 8,
            "norm_rel_ebd": "layer_norm",
            "share_att_key": True,
            "pos_att_type": ["p2c", "c2p"],
            "position_biased_input": False,
        },
        "modernbert": {"local_attention": 8, "cls_token_id": 2, "sep_token_id": 3},
        "distilbert": {"hidden_dim": 2 * width},
    }
    if family == "distilbert":
        del common["intermediate_size"]
    return CONFIG_MAPPING[family](**{**common, **special.get(family, {}), **settings})


def save_tiny_encoder(folder: str | Path, family: str = "bert", *, seed: int = 0, **settings: Any) -> Path:
    """Write an encoder and its tokenizer as a Hugging Face folder; settings as in :func:`tiny_config`."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        encoder = AutoModel.from_config(tiny_config(family, **settings))
    with quiet_transformers():
        encoder.save_pretrained(folder)
    tiny_tokenizer().save_pretrained(folder)
    return Path(folder)


def pooling_of(name: str, width: int | None = None) -> Pooling:
    """The pooling of a preset, bound to a width if one is given."""
    pooling = rebuilt(own_pooling(name), Pooling)
    if width is not None:
        pooling.bind(width)
    return pooling


def tiny_classifier(
    family: str = "bert",
    *,
    tasks: Sequence[Task] = TASKS,
    pooling: Any = "mean",
    dropout: float = 0.1,
    attention: Any = "eager",
    head: Head | None = None,
    **settings: Any,
) -> MultiTaskClassifier:
    """A classifier on an encoder with random weights from torch's generator; settings as in :func:`tiny_config`."""
    made = pooling_of(pooling) if isinstance(pooling, str) else pooling
    backbone = random_encoder(tiny_config(family, **settings), attention, pooler=made.needs_pooler)
    encoder = HuggingFaceEncoder(backbone, made, dropout)
    return MultiTaskClassifier(tasks=tasks, encoder=encoder, head=head or Head())


def model_of(
    settings: PretrainedEncoder, tasks: Sequence[Task] = TASKS, head: Head | None = None
) -> MultiTaskClassifier:
    """The model that training with these settings starts with."""
    return MultiTaskClassifier(tasks=tasks, encoder=settings.build(), head=head or Head())


def tiny_batch(
    *texts: str, pairs: Sequence[str] | None = None, padded_to: int | None = None
) -> dict[str, torch.Tensor]:
    """Encoder inputs of these texts, padded on the right to the longest or to ``padded_to`` tokens."""
    texts = texts or ("Good news for the people.", "war", "They hate the awful soup, and the table, and the chair!")
    batch = tiny_tokenizer()(
        *([list(pairs), list(texts)] if pairs else [list(texts)]),
        padding="max_length" if padded_to else True,
        max_length=padded_to,
        return_tensors="pt",
    )
    return dict(batch)
