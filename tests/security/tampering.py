"""What somebody may do to a run's folder before they pass it on."""

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from polarity.run import RunDirectory

VERBS = {
    "evaluate": ("accelerator=cpu",),
    "predict": ("input=new.csv", "output=told.csv", "accelerator=cpu"),
    "export": ("format=hf", "output=exported"),
}
"""Verbs that bring a finished run back to life, and what else they have to be told."""


def edit_config(run: RunDirectory, edit: Callable[[dict[str, Any]], object]) -> None:
    """Change ``config.yaml`` as somebody with an editor would."""
    path = run.path / "config.yaml"
    config = yaml.safe_load(path.read_text(encoding="utf-8"))
    edit(config)
    path.write_text(yaml.safe_dump(config, allow_unicode=True, sort_keys=False), encoding="utf-8")


class Mark:
    """Leaves a mark where it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return (Path.touch, (self.path,))


def evil_pickle(path: Path, mark: Path) -> Path:
    """A file that runs code in whoever unpickles it."""
    path.write_bytes(pickle.dumps(Mark(mark)))
    return path


def gadgets(folder: Path, mark: Path, *, write: bool = True) -> dict[str, dict[str, Any]]:
    """Sections that run code when they are built, each in another way; all would touch ``mark``."""
    pickled = str(folder / "evil.pt")
    if write:
        evil_pickle(folder / "evil.pt", mark)
        (folder / "evil_module.py").write_text(f"open({str(mark)!r}, 'w').close()\n")
    touch = f"touch {mark}"
    return {
        "system": {"_target_": "os.system", "command": touch},
        "torch": {"_target_": "torch.load", "f": pickled, "weights_only": False},
        "joblib": {"_target_": "joblib.load", "filename": pickled},
        "module": {"_target_": "evil_module.Corpus"},
        "own module": {"_target_": "polarity.files.os.system", "command": touch},
        "own function": {"_target_": "polarity.config.build.build", "path": "x", "node": {}},
        "own class of another kind": {"_target_": "polarity.losses.focal.FocalLoss"},
        "hydra": {"_target_": "hydra.utils.get_method", "path": "evil_module.Corpus"},
        "nested": {
            "_target_": "polarity.data.files.FileCorpus",
            "path": "x.csv",
            "leakage": {"_target_": "os.system", "command": touch},
        },
        "deeply nested": {
            "_target_": "polarity.data.files.FileCorpus",
            "path": "x.csv",
            "metadata": [[{"a": {"_target_": "os.system", "command": touch}}]],
        },
        "arguments": {"_target_": "subprocess.call", "_args_": [["touch", str(mark)]]},
        "partial": {"_target_": "os.system", "_partial_": True, "command": touch},
        "no text": {"_target_": ["os.system"], "command": touch},
    }
