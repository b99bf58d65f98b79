"""``python -m polarity``: which verbs there are."""

import sys
from importlib.metadata import version

from polarity import __version__

VERBS = {
    "train": "train a model; with -m, every combination of settings",
    "inspect": "what data hold, before anything is trained",
    "baseline": "the scores that a model has to beat",
    "evaluate": "a finished run's scores again, on its own split or on new rows",
    "compare": "what differs between runs, and whether their scores do",
    "predict": "labels and probabilities for the rows of a file",
    "report": "everything about a run on one page",
    "export": "a folder for other programs",
}

if __name__ == "__main__":
    asked = sys.argv[1:]
    if asked in (["--version"], ["-V"]):
        print(f"polarity {__version__} (torch {version('torch')}, lightning {version('lightning')})")
    else:
        print(f"polarity {__version__}: python -m polarity.VERB SETTING=VALUE ...; --help explains the settings\n")
        print("\n".join(f"  {name:<9} {what}" for name, what in VERBS.items()))
        sys.exit(0 if asked in ([], ["--help"], ["-h"]) else 2)
