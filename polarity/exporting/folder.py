"""Folders of exported models: where they may go, and what they say of themselves."""

from pathlib import Path
from typing import Any

from polarity.content import Json
from polarity.files import unwritable
from polarity.models.huggingface.encoder import HuggingFaceEncoder
from polarity.models.huggingface.reader import TokenReader
from polarity.runs.rebuild import Rebuilt

ABOUT = "inference.json"
"""What an exported folder is: its format, lengths and classes; so it tells an export from any other folder."""


def folder_problems(folder: Path, *, overwrite: bool) -> list[str]:
    """Whether an export may go there."""
    if problems := unwritable("output", folder):
        return problems
    if not folder.exists() or not any(folder.iterdir()):
        return []
    if not (folder / ABOUT).is_file():
        return [f"output: {folder} holds other files than an export, which would be lost; choose another folder"]
    return [] if overwrite else [f"output: {folder} exists; choose another folder, or give overwrite=true"]


def parts_of(rebuilt: Rebuilt) -> tuple[HuggingFaceEncoder, Any]:
    """Encoder and tokenizer of a run whose encoder is one of transformers; others refuse their export."""
    encoder, reader = rebuilt.model.encoder, rebuilt.reader
    assert isinstance(encoder, HuggingFaceEncoder)
    assert isinstance(reader, TokenReader)
    return encoder, reader.tokenizer


def about(
    format_name: str,
    tasks: dict[str, list[str]],
    tokenizer: Any,
    max_length: int,
    max_context: int | None = None,
    *,
    pairs: bool,
) -> Json:
    """The content of ``inference.json``; both lengths in tokens."""
    return {
        "format": format_name,
        "tasks": tasks,
        "max_length": max_length,
        "max_context": max_context if pairs else None,
        "pairs": pairs,
        "pad_id": int(tokenizer.pad_token_id),
        "pad_token": str(tokenizer.pad_token),
        "pad_type_id": int(tokenizer.pad_token_type_id),
        "truncation_side": str(tokenizer.truncation_side),
        "split_special_tokens": bool(getattr(tokenizer, "split_special_tokens", False)),
    }
