"""Reading pretrained files: quiet about what is harmless, strict about what is not."""

import json
import pickle
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from transformers import AutoConfig, AutoModel, AutoTokenizer, PreTrainedConfig, PreTrainedModel
from transformers.utils import logging

from polarity.content import Json
from polarity.errors import UserError
from polarity.models.huggingface.families import AttentionName, pooler_argument

UNREADABLE = (OSError, ValueError, TypeError, KeyError, RuntimeError, EOFError, SafetensorError, pickle.UnpicklingError)
"""What transformers raises for files that are missing, cut off or not what their name says."""

SMALLEST_VOCABULARY = 20
"""Without its files, transformers makes a tokenizer of special tokens alone, and says nothing."""


@contextmanager
def quiet_transformers(*, downloads: bool = False) -> Iterator[None]:
    """Silence the reports and progress bars of transformers; downloads keep their bars if asked for."""
    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    if not downloads:
        logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()


OWN_CODE = "auto_map"
"""Key of a JSON file by which a model names code that comes with it."""


def refuse_own_code(source: str) -> None:
    """Code that comes with a model is never run, nor is anybody asked whether it shall be.

    :raises UserError: if a folder's files name any.
    """
    for path in sorted(Path(source).glob("*.json")) if Path(source).is_dir() else ():
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue  # whoever needs the file tells what is wrong with it
        if isinstance(content, dict) and content.get(OWN_CODE):
            raise UserError(
                f"model.name: {path} names code that comes with the model ({OWN_CODE}), and such code is never run; "
                "use an encoder of a family that transformers has itself"
            )


def load_config(source: str, revision: str | None) -> PreTrainedConfig:
    """The configuration of an encoder.

    :raises UserError: if it cannot be read.
    """
    refuse_own_code(source)
    try:
        with quiet_transformers():
            config: PreTrainedConfig = AutoConfig.from_pretrained(
                source, trust_remote_code=False, **origin_of(source, revision)
            )
    except UNREADABLE as error:
        raise UserError(f"model.name: the configuration in {source} cannot be read: {_first_line(error)}") from error
    return config


def load_tokenizer(source: str, revision: str | None) -> Any:
    """The tokenizer that belongs to an encoder.

    :raises UserError: if it cannot be read, or cannot pad.
    """
    refuse_own_code(source)
    try:
        with quiet_transformers():
            tokenizer = AutoTokenizer.from_pretrained(source, trust_remote_code=False, **origin_of(source, revision))
    except (*UNREADABLE, ImportError) as error:
        reason = _first_line(error)
        if "tiktoken" in str(error) and find_spec("sentencepiece") is None:  # transformers names what it tried last
            reason = "it needs a package that is not installed; run: pip install sentencepiece protobuf"
        raise UserError(f"model.name: the tokenizer in {source} cannot be read: {reason}") from error
    if len(tokenizer) < SMALLEST_VOCABULARY:
        raise UserError(f"model.name: {source} holds no vocabulary for its tokenizer, every word would be unknown")
    if tokenizer.pad_token_id is None:
        raise UserError(f"model.name: the tokenizer in {source} has no padding token, so rows cannot share a batch")
    return tokenizer


def load_encoder(
    source: str, revision: str | None, config: PreTrainedConfig, attention: AttentionName, *, pooler: bool
) -> PreTrainedModel:
    """The pretrained encoder, in float32.

    :param pooler: whether it keeps its own pooler, where its family has one.
    :raises UserError: if the weights cannot be read or if any of them is missing; none is ever left random.
    """
    try:
        with quiet_transformers(downloads=not Path(source).is_dir()):
            encoder, info = AutoModel.from_pretrained(
                source,
                trust_remote_code=False,
                config=config,
                dtype=torch.float32,
                attn_implementation=attention,
                output_loading_info=True,
                ignore_mismatched_sizes=True,  # reported here, with the missing ones
                **origin_of(source, revision),
                **pooler_argument(config, pooler=pooler),
            )
    except UNREADABLE as error:
        raise UserError(f"model.name: the weights in {source} cannot be read: {_first_line(error)}") from error
    missing = sorted(info["missing_keys"])
    if missing and all(key.startswith("pooler.") for key in missing):
        raise UserError(
            f"model.pooling: the weights in {source} contain no pooler, so it would be random; use pooling=cls"
        )
    mismatched = sorted(f"{key} {tuple(found)}, not {tuple(wanted)}" for key, found, wanted in info["mismatched_keys"])
    if missing or mismatched:
        raise UserError(
            f"model.name: the weights in {source} do not fit its configuration: {_listed(missing, mismatched)}"
        )
    loaded: PreTrainedModel = encoder
    return loaded


def origin_of(source: str, revision: str | None) -> Json:
    """Arguments by which transformers finds a folder, or a revision on the hub."""
    return {"local_files_only": True} if Path(source).is_dir() else {"revision": revision}


def _listed(missing: Collection[str], mismatched: Collection[str]) -> str:
    parts = []
    for what, keys in (("missing", list(missing)), ("of another shape", list(mismatched))):
        if keys:
            more = f", ... ({len(keys)} in all)" if len(keys) > 5 else ""
            parts.append(f"{what}: {', '.join(keys[:5])}{more}")
    return "; ".join(parts)


def _first_line(error: BaseException) -> str:
    if "trust_remote_code" in str(error):  # transformers advises to run it
        return "it comes with code of its own, which is never run; use a family that transformers has itself"
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
