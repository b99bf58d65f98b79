"""``python -m polarity``: which verbs there are."""

import ast
import sys
from importlib.metadata import version
from pathlib import Path

from polarity import __version__
from polarity.paths import conf_dir


def verbs() -> dict[str, str]:
    """What each verb does, as the first line of its module says; nothing is imported for that."""
    sources = {path.stem: Path(__file__).with_name(f"{path.stem}.py") for path in sorted(conf_dir().glob("*.yaml"))}
    lines = {name: str(ast.get_docstring(ast.parse(path.read_text("utf-8")))) for name, path in sources.items()}
    return {name: text.splitlines()[0].partition(": ")[2].rstrip(".") for name, text in lines.items()}


if __name__ == "__main__":
    asked = sys.argv[1:]
    if asked in (["--version"], ["-V"]):
        print(f"polarity {__version__} (torch {version('torch')}, lightning {version('lightning')})")
    else:
        print(f"polarity {__version__}: python -m polarity.VERB SETTING=VALUE ...; --help explains the settings\n")
        print("\n".join(f"  {name:<9} {what}" for name, what in verbs().items()))
        sys.exit(0 if asked in ([], ["--help"], ["-h"]) else 2)
