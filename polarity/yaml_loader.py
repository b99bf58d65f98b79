"""OmegaConf's YAML, scanned by libyaml where PyYAML has it: the same values, in a tenth of the time.

All that is used of the private modules of OmegaConf; pinned by ``tests/test_yaml.py``.
"""

from functools import cache
from typing import Any, cast

import yaml
from omegaconf import OmegaConf, _utils

OMEGACONF = _utils.get_yaml_loader
"""Makes OmegaConf's own loader, which refuses keys that stand twice, and reads ``1e-3`` as a number."""


@cache
def loader() -> type[yaml.SafeLoader]:
    """OmegaConf's loader over libyaml's parser, or as it is."""
    own = cast("type[yaml.SafeLoader]", OMEGACONF())
    if not yaml.__with_libyaml__:
        return own
    from yaml._yaml import CParser

    class Loader(CParser, own):  # type: ignore[misc, valid-type] # its names come before those of Python's parser
        def __init__(self, stream: Any) -> None:
            CParser.__init__(self, stream)
            yaml.constructor.SafeConstructor.__init__(self)
            yaml.resolver.Resolver.__init__(self)

    return Loader


_utils.get_yaml_loader = loader  # Hydra reads each preset by ``OmegaConf.load``, which has no setting for it


def parsed(text: str) -> Any:
    """The value that a YAML text holds, its interpolations as they stand there.

    :raises yaml.YAMLError: if it is no YAML.
    :raises OmegaConfBaseException: if OmegaConf does not take such a value.
    """
    reader = loader()(text)
    try:
        content = reader.get_single_data()
    finally:
        reader.dispose()
    if _taken(content) or not isinstance(content, dict | list):
        return content
    return OmegaConf.to_container(OmegaConf.create(content))


def _taken(content: object) -> bool:
    """Whether OmegaConf certainly takes a value as it is, which it needs long to say itself."""
    if isinstance(content, dict):
        return all(isinstance(key, str | int) for key in content) and all(map(_taken, content.values()))
    if isinstance(content, list):
        return all(map(_taken, content))
    return content is None or isinstance(content, int | float) or (isinstance(content, str) and "${" not in content)
