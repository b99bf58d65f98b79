"""Reading pretrained files: quiet about what is harmless, strict about what is not."""

import json
import re
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoModel, AutoTokenizer, PreTrainedConfig, PreTrainedModel
from transformers.utils import logging

from polarity.content import Json
from polarity.errors import UserError
from polarity.files import checksum
from polarity.models.huggingface.families import AttentionName, pooler_argument
from polarity.models.read_together import once

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


@contextmanager
def reading(what: str, source: str) -> Iterator[None]:
    """Tell in a line what is wrong with files that are missing, cut off, or not what their name says.

    :param what: is read from ``source`` within the block.
    :raises UserError: for whatever transformers raises: each damaged value has an exception of its own.
    """
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        raise UserError(f"model.name: the {what} in {source} cannot be read: {_reason(error)}") from error


LAYER = re.compile(r"(.*?\.)\d+(?=\.)")
"""The beginning of a weight's name, up to the number of its layer."""

OWN_CODE = "auto_map"
"""Key of a JSON file by which a model names code that comes with it."""

MAY_NAME_CODE = re.compile(rf"{OWN_CODE}|\\u00[5-7]")
"""Found in the text of every such file, however the key is written; vocabularies of many megabytes have neither."""


def refuse_own_code(source: str) -> None:
    """Code that comes with a model is never run, nor is anybody asked whether it shall be.

    :raises UserError: if a folder's files name any.
    """
    for path in sorted(Path(source).glob("*.json")) if Path(source).is_dir() else ():
        try:
            text = path.read_text(encoding="utf-8")
            content = json.loads(text) if MAY_NAME_CODE.search(text) else None
        except (OSError, ValueError):
            continue  # whoever needs the file tells what is wrong with it
        if isinstance(content, dict) and content.get(OWN_CODE):
            raise UserError(
                f"model.name: {path} names code that comes with the model ({OWN_CODE}), and such code is never run; "
                "use an encoder of a family that transformers has itself"
            )


TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "config.json")
"""By which a fast tokenizer is known."""


def load_config(source: str, revision: str | None) -> PreTrainedConfig:
    """The configuration of an encoder.

    :raises UserError: if it cannot be read.
    """
    refuse_own_code(source)
    with reading("configuration", source), quiet_transformers():
        config: PreTrainedConfig = AutoConfig.from_pretrained(
            source, trust_remote_code=False, **origin_of(source, revision)
        )
    return config


def load_tokenizer(source: str, revision: str | None) -> Any:
    """The tokenizer that belongs to an encoder.

    One of 250,000 pieces takes seconds to read, and hundreds of megabytes, so that parts of one model share theirs.

    :raises UserError: if it cannot be read, or cannot pad.
    """
    refuse_own_code(source)
    files = [Path(source) / name for name in TOKENIZER_FILES]
    if not files[0].is_file():
        return _read_tokenizer(source, revision)
    mark = tuple(checksum(path) if path.is_file() else "" for path in files)
    return once(mark, lambda: _read_tokenizer(source, revision))


def _read_tokenizer(source: str, revision: str | None) -> Any:
    with reading("tokenizer", source), quiet_transformers():
        tokenizer = AutoTokenizer.from_pretrained(source, trust_remote_code=False, **origin_of(source, revision))
    if len(tokenizer) < SMALLEST_VOCABULARY:
        raise UserError(f"model.name: {source} holds no vocabulary for its tokenizer, every word would be unknown")
    if tokenizer.pad_token_id is None:
        raise UserError(
            f"model.name: the tokenizer in {source} has no padding token, so rows cannot share a batch; set one "
            "(tokenizer.pad_token = tokenizer.eos_token, say) and save it with the encoder in a folder"
        )
    return tokenizer


def load_encoder(
    source: str, revision: str | None, config: PreTrainedConfig, attention: AttentionName, *, pooler: bool
) -> PreTrainedModel:
    """The pretrained encoder, in float32.

    :param pooler: whether it keeps its own pooler, where its family has one.
    :raises UserError: if the weights cannot be read or if any of them is missing; none is ever left random.
    """
    bars = not Path(source).is_dir()
    with reading("weights", source), quiet_transformers(downloads=bars):
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
    missing = sorted(info["missing_keys"])
    if missing and all(key.startswith("pooler.") for key in missing):
        raise UserError(
            f"model.pooling: the weights in {source} contain no pooler, so it would be random; cls needs none"
        )
    mismatched = sorted(f"{key} {tuple(found)}, not {tuple(wanted)}" for key, found, wanted in info["mismatched_keys"])
    if missing or mismatched:
        raise UserError(
            f"model.name: the weights in {source} do not fit its configuration: {_listed(missing, mismatched)}"
        )
    loaded: PreTrainedModel = encoder
    if left_out := _layers_left_out(loaded, info["unexpected_keys"]):
        raise UserError(
            f"model.name: in the weights in {source} there are layers of which its configuration knows nothing: "
            f"{_first(left_out)}; mend num_hidden_layers, or save the encoder with no more layers than it shall have"
        )
    return loaded


def origin_of(source: str, revision: str | None) -> Json:
    """Arguments by which transformers finds a folder, or a revision on the hub."""
    return {"local_files_only": True} if Path(source).is_dir() else {"revision": revision}


def _layers_left_out(encoder: PreTrainedModel, unexpected: Collection[str]) -> list[str]:
    """Layers of a file that have no place in the encoder, though it has the same weights under other numbers."""
    known = {LAYER.sub(r"\1", name, count=1) for name in encoder.state_dict()}
    keys = sorted(key.removeprefix(f"{encoder.base_model_prefix}.") for key in unexpected)
    found = [match for key in keys if (match := LAYER.match(key))]
    return list(dict.fromkeys(match[0] for match in found if match[1] + match.string[match.end() :] in known))


def _listed(missing: Sequence[str], mismatched: Sequence[str]) -> str:
    parts = (("missing", missing), ("of another shape", mismatched))
    return "; ".join(f"{what}: {_first(keys)}" for what, keys in parts if keys)


def _first(keys: Sequence[str]) -> str:
    more = f", ... ({len(keys)} in all)" if len(keys) > 5 else ""
    return f"{', '.join(keys[:5])}{more}"


def _reason(error: BaseException) -> str:
    if "trust_remote_code" in str(error):  # transformers advises to run it
        return "it comes with code of its own, which is never run; use a family that transformers has itself"
    if "tiktoken" in str(error) and find_spec("sentencepiece") is None:  # transformers names what it tried last
        return "it needs a package that is not installed; run: pip install sentencepiece protobuf"
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    said = " ".join(lines[: 2 if lines[0].endswith(":") else 1]) if lines else ""
    return said if " " in said else f"{type(error).__name__} {said}".strip()
