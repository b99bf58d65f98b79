"""Passwords, tokens and keys among the settings: known by their names, and never written down."""

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from polarity.signature import TARGET

MASK = "***"

_ALWAYS = {
    *("password", "passwd", "pwd", "passphrase", "secret", "credential", "apikey"),
    *("passwords", "passwds", "pwds", "passphrases", "secrets", "credentials", "apikeys"),
}
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

NAMED_BY_USERS = (
    *("data.tasks", "data.features", "sampler.boosts", "clipping.heads", "optimizer.head_lr_multipliers"),
    *("loss.gamma", "loss.smoothing", "loss.multipliers", "loss.task_weights"),
    *("decision.target", "decision.source", "abstain_below"),
)
"""Mappings whose keys are names that users choose: a task, a class or a column may be called "key"."""
_FREE = re.compile(rf"(?:{'|'.join(map(re.escape, NAMED_BY_USERS))})(?![\w-])")
_COLLECTIONS = ("callbacks.", "logger.")
"""Sections of components that have names by users, which say nothing of what stands below them."""
_NOTHING = {"null", "none", "true", "false"}
"""Values that are no secrets, whatever they stand behind."""

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_URL = re.compile(r"(?P<scheme>[a-zA-Z][\w+.-]*://)[^/@\s'\":]*:(?P<password>(?!\d+/)[^\s'\"]+)@")
_PAIR = re.compile(
    r"(?P<key>[\w.-]+)(?P<sign>['\"]?\s*[:=]\s*)"
    r"(?:(?P<opens>\{)|(?P<value>\"(?:\\.|[^\"\\])*\"|'(?:\\.|''|[^'\\])*'|\$\{[^}]*\}|\[[^][{}:=]*\]|[^\s,{}\[\]]+))"
    r"|(?P<other>[{}\n])"
)
"""A name and its value, or what opens or closes the mapping that it stands in."""
_VARIABLE = re.compile(r"\$\{oc\.env:(?P<name>\w+)\}")

SHORTEST = 8
"""Characters of a secret that is looked for in all that is written; a shorter one could be a part of any word."""
SHORTEST_WORD = 16
"""The same of one without digits and signs: a shorter one could be a word that everything else needs."""
_PLAIN_WORD = re.compile(r"[^\W\d]+(?:-[^\W\d]+)*")

_known: set[str] = set()


def is_secret(place: str) -> bool:
    """Whether a setting at this dotted place holds a secret: by its own name, or by one that it stands below.

    >>> [is_secret(name) for name in ("api_key", "hub.token", "max_tokens", "tokenizer", "key_column", "pad_token")]
    [True, True, False, False, False, False]
    >>> [is_secret(place) for place in ("logger.mine.credentials.user", "sampler.boosts.kind.key", "logger.key.name")]
    [True, False, False]
    """
    if _is_exact(place):
        return False
    *above, name = place.split(".")
    return any(map(_names_a_secret, [*(above[2:] if place.startswith(_COLLECTIONS) else above), name]))


def _is_exact(place: str) -> bool:
    """Whether what stands there is never a secret: a class of a component, or what has its key by the user."""
    return _FREE.match(place) is not None or place.rpartition(".")[2] == TARGET


def _names_a_secret(name: str) -> bool:
    words = [word.lower() for word in _WORD.findall(name)]
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
    for place, value in _leaves(node, path):
        if isinstance(value, (str, int, float)) and not _is_exact(place):
            text = str(value)
            variable = _VARIABLE.fullmatch(text)
            _remember(*(found["password"] for found in _URL.finditer(text)))
            if is_secret(place):
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
        shortest = SHORTEST_WORD if _PLAIN_WORD.fullmatch(value) else SHORTEST
        if len(value) >= shortest and not os.path.lexists(value):
            _known.update(
                {value, repr(value)[1:-1], json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]}
            )


def masked(node: Any, path: str = "") -> Any:
    """A copy of a configuration with ``***`` in the place of secrets; environment variables stay, by their names."""
    if isinstance(node, Mapping):
        return {key: masked(value, f"{path}.{key}" if path else str(key)) for key, value in node.items()}
    if isinstance(node, list):
        return [masked(value, path) for value in node]
    if isinstance(node, bool) or node is None or _is_exact(path):
        return node
    if isinstance(node, str):
        return MASK if node and is_secret(path) and not is_variable(node) else masked_text(node, urls=True)
    return MASK if isinstance(node, (int, float)) and is_secret(path) else node


def masked_text(text: str, *, urls: bool = False) -> str:
    """Free text without secrets: those of URLs and, in an override or a message, those behind a name of one.

    :param urls: whether only those of URLs are looked for.
    """
    text = _URL.sub(rf"\g<scheme>{MASK}@", without_known(text))
    return text if urls or _FREE.match(text.lstrip("+~")) else _without_named(text)


def _without_named(text: str) -> str:
    """A text without what stands behind the name of a secret, or in a mapping behind one that ends on the same line."""
    above: list[str] = []

    def hidden(found: re.Match[str]) -> str:
        if found["opens"] or found["other"] == "{":
            above.append(found["key"] or "")
        elif found["other"] == "}":
            del above[-1:]
        elif found["other"]:
            above.clear()
        elif is_secret(".".join(filter(None, [*above, found["key"]]))) and not _is_told(found["value"]):
            return f"{found['key']}{found['sign']}{MASK}"
        return found[0]

    return _PAIR.sub(hidden, text)


def _is_told(value: str) -> bool:
    """Whether a value is no secret although it stands behind the name of one."""
    return value.lower() in _NOTHING or is_variable(value.strip("'\""))


def masked_command(arguments: Sequence[str]) -> list[str]:
    """A command line without secrets."""
    return [_masked_override(text) for text in arguments]


def _masked_override(text: str) -> str:
    """All that follows the key of a secret is the secret, spaces and commas too."""
    key, sign, value = text.partition("=")
    whole = sign and is_secret(key.lstrip("+~")) and not _is_told(value)
    return f"{key}={MASK}" if whole and not value.startswith(("{", "[")) else masked_text(text)


def secret_places(node: Any) -> list[str]:
    """Dotted keys of the values of a configuration that are masked, wholly or in part, where it is written."""
    return [path for path, value in _leaves(node, "") if masked(value, path) != value]


def masked_places(node: Any) -> list[str]:
    """Dotted keys of the values that were masked when a configuration was written."""
    return [
        path
        for path, value in _leaves(node, "")
        if isinstance(value, str) and (value == MASK or f"//{MASK}@" in value) and not _is_exact(path)
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
