"""Passwords, tokens and keys among the settings: known by their names, and never written down."""

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

MASK = "***"

_ALWAYS = {"password", "passwd", "pwd", "passphrase", "secret", "secrets", "credential", "credentials", "apikey"}
_KEYS = {
    "api", "access", "private", "secret", "auth", "account", "signing", "encryption", "ssh", "master", "client",
    "service", "server", "user", "admin", "app", "my", "license", "session", "subscription", "consumer", "hub",
    "hf", "huggingface", "openai", "anthropic", "cohere", "mistral", "wandb", "comet", "neptune", "clearml",
    "mlflow", "azure", "aws", "google",
}  # fmt: skip
"""What stands before "key", or "tokens", where a secret is meant."""
_WHICH = {"prod", "production", "dev", "test", "staging", "live", "old", "new"}
"""Which of several it is, as a number may say as well."""
_VOCABULARY = {"pad", "unk", "cls", "sep", "mask", "bos", "eos", "special"}
"""What stands before "token" where a token of a vocabulary is meant."""

_FREE = ("data.tasks",)
"""Mappings whose keys are names that users choose: a task may be called "secret"."""

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_URL = re.compile(r"(?P<scheme>[a-zA-Z][\w+.-]*://)[^/@\s'\":]*:(?P<password>(?!\d+/)[^\s'\"]+)@")
_PAIR = re.compile(r"(?P<key>[\w.-]+)(?P<sign>['\"]?\s*[:=]\s*)(?P<value>\"[^\"]*\"|'[^']*'|\$\{[^}]*\}|[^\s,{}\[\]]+)")
_VARIABLE = re.compile(r"\$\{oc\.env:(?P<name>\w+)\}")

SHORTEST = 8
"""Characters of a secret that is looked for in all that is written; a shorter one could be a part of any word."""

_known: set[str] = set()


def is_secret(name: str) -> bool:
    """Whether a setting of this name holds a secret.

    >>> [is_secret(name) for name in ("api_key", "hub.token", "max_tokens", "tokenizer", "key_column", "pad_token")]
    [True, True, False, False, False, False]
    """
    words = [word.lower() for word in _WORD.findall(name.rpartition(".")[2])]
    while len(words) > 1 and (words[-1].isdecimal() or words[-1] in _WHICH):
        del words[-1]
    if not words:
        return False
    before = words[-2] if len(words) > 1 else None
    if words[-1] == "token":
        return before not in _VOCABULARY
    if words[-1] == "key":
        return before is None or before in _KEYS
    if words[-1] in ("keys", "tokens"):
        return before in _KEYS
    return bool(_ALWAYS & set(words))


def is_variable(value: object) -> bool:
    """Whether a value is ``${oc.env:NAME}``: the name of a secret in the place of the secret."""
    return isinstance(value, str) and _VARIABLE.fullmatch(value) is not None


def learn(node: Any, path: str = "") -> None:
    """Remember the secrets of a configuration, so that :func:`without_known` finds them wherever they turn up.

    :param node: with environment variables by their names, the values of which are remembered.
    :param path: dotted key of ``node``.
    """
    if isinstance(node, Mapping):
        for key, value in node.items():
            learn(value, f"{path}.{key}" if path else str(key))
    elif isinstance(node, list):
        for value in node:
            learn(value, path)
    elif isinstance(node, (str, int)) and not path.startswith(_FREE):
        text = str(node)
        variable = _VARIABLE.fullmatch(text)
        _remember(*(found["password"] for found in _URL.finditer(text)))
        if is_secret(path):
            _remember(os.environ.get(variable["name"], "") if variable else text)


def learn_environment() -> None:
    """Remember the secrets that other programs take from the environment, such as ``HF_TOKEN``."""
    learn(dict(os.environ))


def without_known(text: str) -> str:
    """A text, of whatever kind, with ``***`` in the place of the secrets that this process has learnt."""
    for secret in sorted(_known, key=len, reverse=True):
        text = text.replace(secret, MASK)
    return text


def _remember(*values: str) -> None:
    """PWD is no password: what names a file of this machine is no secret either.

    Errors and JSON repeat them with escapes.
    """
    for value in values:
        if len(value) >= SHORTEST and not os.path.lexists(value):
            _known.update(
                {value, repr(value)[1:-1], json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]}
            )


def masked(node: Any, path: str = "") -> Any:
    """A copy of a configuration with ``***`` in the place of secrets; environment variables stay, by their names."""
    if isinstance(node, Mapping):
        return {key: masked(value, f"{path}.{key}" if path else str(key)) for key, value in node.items()}
    if isinstance(node, list):
        return [masked(value, path) for value in node]
    if isinstance(node, bool) or node is None or path.startswith(_FREE):
        return node
    if isinstance(node, str):
        return MASK if node and is_secret(path) and not is_variable(node) else masked_text(node, urls=True)
    return MASK if isinstance(node, int) and is_secret(path) else node


def masked_text(text: str, *, urls: bool = False) -> str:
    """Free text without secrets: those of URLs and, in an override or a message, those behind a name of one.

    :param urls: whether only those of URLs are looked for.
    """
    text = _URL.sub(rf"\g<scheme>{MASK}@", without_known(text))
    return text if urls or text.startswith(_FREE) else _PAIR.sub(_hidden, text)


def masked_command(arguments: Sequence[str]) -> list[str]:
    """A command line without secrets."""
    return [masked_text(text) for text in arguments]


def secret_places(node: Any) -> list[str]:
    """Dotted keys of the values of a configuration that are masked, wholly or in part, where it is written."""
    return [path for path, value in _leaves(node, "") if masked(value, path) != value]


def masked_places(node: Any) -> list[str]:
    """Dotted keys of the values that were masked when a configuration was written."""
    return [
        path for path, value in _leaves(node, "") if isinstance(value, str) and (value == MASK or f"//{MASK}@" in value)
    ]


def _leaves(node: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Every value with its dotted key, which those of a list share."""
    if isinstance(node, Mapping):
        for key, value in node.items():
            yield from _leaves(value, f"{path}.{key}" if path else str(key))
    elif isinstance(node, list):
        for value in node:
            yield from _leaves(value, path)
    else:
        yield path, node


def _hidden(found: re.Match[str]) -> str:
    secret = is_secret(found["key"]) and not is_variable(found["value"])
    return f"{found['key']}{found['sign']}{MASK}" if secret else found[0]
