"""Whether a page of the documentation names every key of ``metrics.json``."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parents[1] / "docs"


def undocumented(page: str, *contents: Mapping[str, Any], names: tuple[str, ...] = ("val", "test")) -> set[str]:
    """Keys of these objects that the page's line about the file does not name.

    :param names: keys that are not the same in every file: of splits and of files.
    """
    (line,) = [line for line in (DOCS / page).read_text("utf-8").splitlines() if line.startswith("| `metrics.json` |")]
    return {key for content in contents for key in content} - {*re.findall(r"\w+", line), *names}
