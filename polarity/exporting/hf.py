"""A folder for plain transformers and safetensors."""

import shutil
from pathlib import Path

from polarity.exporting.folder import parts_of
from polarity.exporting.source import CODE, modeling_source
from polarity.files import write_json, write_text
from polarity.models.components import described
from polarity.models.saving import CARD, read_card
from polarity.runs.rebuild import Rebuilt


def write_hf(rebuilt: Rebuilt, folder: Path) -> None:
    """Copy the run's model, and beside it the code that puts pooling, trunk, heads and decision rule together.

    ``AutoModel`` and ``AutoTokenizer`` read the encoder from the same folder; this project reads it back as well.
    """
    pooling = parts_of(rebuilt)[0].pooling
    write_text(folder / CODE, modeling_source(type(pooling)))
    for file in sorted(rebuilt.run.model.iterdir()):
        shutil.copyfile(file, folder / file.name)
    card = read_card(folder)
    write_json(folder / CARD, {**card, "pooling": described(pooling)})  # earlier versions wrote a name
    rebuilt.decider.save(folder, card["weights_sha256"])
