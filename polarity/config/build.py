"""Objects from checked sections; an error of a constructor becomes a problem of its section."""

import re
from collections.abc import Mapping
from typing import Any

from hydra.errors import InstantiationException
from hydra.utils import instantiate
from omegaconf.errors import MissingMandatoryValue

from polarity.config.folds import folds_of
from polarity.content import Config
from polarity.data.corpus import Corpus
from polarity.data.folds import FoldedRows
from polarity.data.kept_rows import kept_rows
from polarity.data.rows import Splits
from polarity.errors import UserError
from polarity.paths import cache_dir
from polarity.privacy import show_texts, texts_are_shown
from polarity.secrets import learn


def build(path: str, node: Config, **given: Any) -> Any:
    """The component of a section.

    :param given: further arguments, passed by the program.
    :raises UserError: with the constructor's problems, as ``path.key: ...``.
    """
    learn(node, path)
    try:
        return instantiate(node, **given, _convert_="all")
    except MissingMandatoryValue as error:
        raise UserError(
            f"{path}: a value is '???', which stands for one that is missing; give it another name"
        ) from error
    except InstantiationException as error:
        cause = _cause(error)
        inner = re.search(r"^full_key: (\S+)$", str(error), re.MULTILINE)  # where inside the section it happened
        place = f"{path}.{inner[1]}" if inner else path
        if isinstance(cause, UserError):
            raise UserError(f"{place}.{problem}" for problem in cause.problems) from None
        raise UserError(f"{place}: {str(cause).strip()}") from cause


def build_all(path: str, nodes: Config, problems: list[str]) -> Config:
    """The components of a section of named components, without those that are null."""
    built = {}
    for name, node in nodes.items():
        if node is not None:
            try:
                built[name] = build(f"{path}.{name}", node)
            except UserError as error:
                problems += error.problems
    return built


def load_corpus(config: Mapping[str, Any]) -> tuple[Corpus, Splits]:
    """The corpus of a configuration's section ``data``, and its rows as far as ``limit`` keeps them.

    :raises UserError: with what is wrong with them.
    """
    corpus: Corpus = build("data", config["data"])
    show_texts(config.get("reporting", {}).get("texts", True))
    sources = corpus.sources() if texts_are_shown() else []  # private texts are copied nowhere
    splits = kept_rows(config["data"], sources, cache_dir(config.get("cache_dir")), corpus.load)
    return corpus, build("limit", config["limit"]).apply(splits)


def load_splits(config: Mapping[str, Any]) -> Splits:
    """The rows of a configuration's sections ``data`` and ``limit``, and of its fold if it is that of one.

    :raises UserError: with what is wrong with them.
    """
    corpus, splits = load_corpus(config)
    folds, fold = folds_of(config), config.get("fold")
    return splits if folds is None or fold is None else FoldedRows(corpus, splits, folds).of(fold)


def _cause(error: BaseException) -> BaseException:
    while error.__cause__ is not None and not isinstance(error, UserError):
        error = error.__cause__
    return error
