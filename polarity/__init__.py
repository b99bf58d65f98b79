"""Multi-task text classification under heavy class imbalance: experiments whose numbers can be trusted."""

import sys
from pathlib import Path

__version__ = "0.1.0"

if sys.argv[:1] == ["-m"]:  # torch cannot be imported without a working directory, and ends the process
    try:
        Path.cwd()
    except FileNotFoundError:
        print("polarity: the working directory does not exist any more; change to another one", file=sys.stderr)
        sys.exit(2)
