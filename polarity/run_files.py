"""Where everything lies in a run's folder. This is the only module that knows."""

from pathlib import Path

STATUS = "status.json"
ASKED = "sweep.yaml"
"""In the folder of a sweep, beside those of its jobs."""
FOLD = "fold-"
"""Begins the name of a fold's folder."""


class RunFiles:
    """Paths of one run.

    :param path: its folder.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)

    def fold(self, number: int) -> Path:
        """Folder of the run of a fold, in that of its cross-validation."""
        return self.path / f"{FOLD}{number}"

    @property
    def whole(self) -> Path:
        """The folder of the cross-validation that the run is a fold of; else its own."""
        return self.path.parent if is_run(self.path.parent) else self.path

    @property
    def asked(self) -> Path:
        """What was asked of the sweep that the run is a job of; other runs have no such file beside them."""
        return self.path.parent / ASKED

    @property
    def checkpoints(self) -> Path:
        """Folder of the best checkpoints and the point to resume from."""
        return self.path / "checkpoints"

    @property
    def resume_point(self) -> Path:
        """The checkpoint that a stopped run goes on from."""
        return self.checkpoints / "last.ckpt"

    @property
    def previous_point(self) -> Path:
        """The resume point before that one, in case it is damaged."""
        return self.checkpoints / "previous.ckpt"

    @property
    def model(self) -> Path:
        """The exported model: weights, tokenizer, tasks."""
        return self.path / "model"

    @property
    def combination(self) -> Path:
        """How an ensemble's members are put together; other runs have no such file."""
        return self.model / "ensemble.json"

    @property
    def is_ensemble(self) -> bool:
        """Whether several models answer together, or one that is not a run's."""
        return self.combination.is_file()

    @property
    def members(self) -> Path:
        """Folder of an ensemble's members, each as it was when it was taken in."""
        return self.path / "members"

    @property
    def member_runs(self) -> list[Path]:
        """Those of them that are runs; a linear model is none."""
        return [path for path in sorted(self.members.iterdir()) if is_run(path)] if self.members.is_dir() else []

    @property
    def epochs(self) -> Path:
        """Decisions of every validation during training, a file each."""
        return self.path / "predictions" / "epochs"

    def predictions(self, split: str) -> Path:
        """Row id, label, logits and probabilities per task of one split."""
        return self.path / "predictions" / f"{split}.parquet"

    @property
    def manifest(self) -> Path:
        """Checksums of everything that the run's numbers and decisions come from; its last file."""
        return self.path / "manifest.json"

    @property
    def metrics(self) -> Path:
        """Scores of the best checkpoint on each split."""
        return self.path / "metrics.json"

    @property
    def history(self) -> Path:
        """One row an epoch: every score, loss and class."""
        return self.path / "history.csv"

    @property
    def pretraining(self) -> Path:
        """What pretraining on the texts came to; a run without it has no such file."""
        return self.path / "pretraining.json"

    @property
    def environment(self) -> Path:
        """Versions, hardware, git state, data fingerprints."""
        return self.path / "environment.json"

    @property
    def details(self) -> Path:
        """Folder of tables: per class, per class given another task's class, exposure."""
        return self.path / "details"

    @property
    def figures(self) -> Path:
        """Folder of figures."""
        return self.path / "figures"

    @property
    def report(self) -> Path:
        """The run's report: one page that needs no other file."""
        return self.path / "report.html"

    @property
    def mistakes(self) -> Path:
        """Validation rows that were most confidently wrong, with their texts unless these are private."""
        return self.details / "mistakes.csv"

    def baseline(self, name: str, split: str) -> Path:
        """Predictions of a baseline on the same rows, in the schema of :meth:`predictions`."""
        return self.path / "baselines" / name / f"{split}.parquet"

    @property
    def evaluations(self) -> Path:
        """Folder of all later evaluations of this run."""
        return self.path / "evaluations"

    def evaluation(self, name: str) -> Path:
        """Folder of a later evaluation of this run: on a split, or on further data."""
        return self.evaluations / name

    def export(self, format_name: str) -> Path:
        """Folder of the exported model, if no other is named."""
        return self.path / "export" / format_name

    @property
    def log(self) -> Path:
        """What the console showed."""
        return self.path / "train.log"


PAIRS = "pairs"
"""Key of ``environment.json``: whether the rows were text pairs, which data of one's own need not say in settings."""
MARKS = (STATUS, "config.yaml")
"""What makes a folder a run's."""
REMAINS = ("overrides.yaml", "environment.json")
"""What nobody but a run writes, both; predictions, scores and models may be made by hand."""


def is_run(folder: Path) -> bool:
    """Whether training made this folder."""
    return all((folder / name).is_file() for name in MARKS)


def what_a_run_lacks(folder: Path) -> str | None:
    """What has been taken from a folder that was a run's once; None if it is one, or never was."""
    if is_run(folder) or not all((folder / name).exists() for name in REMAINS):
        return None
    gone = " and ".join(name for name in MARKS if not (folder / name).is_file())
    return f"is no run's folder any more: {gone} is gone, which a run writes"
