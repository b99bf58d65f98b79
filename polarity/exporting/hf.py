"""A folder for plain transformers and safetensors."""

import shutil
from pathlib import Path

from polarity.exporting import modeling
from polarity.models.saving import read_card
from polarity.runs.rebuild import Rebuilt

CODE = "modeling.py"


def write_hf(rebuilt: Rebuilt, folder: Path) -> None:
    """Copy the run's model, and beside it the code that puts pooling, trunk, heads and decision rule together.

    ``AutoModel`` and ``AutoTokenizer`` read the encoder from the same folder; this project reads it back as well.
    """
    for file in sorted(rebuilt.run.model.iterdir()):
        shutil.copyfile(file, folder / file.name)
    rebuilt.decider.save(folder, read_card(folder)["weights_sha256"])
    shutil.copyfile(modeling.__file__, folder / CODE)
