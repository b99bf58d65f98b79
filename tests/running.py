"""Small whole runs for tests: a generated corpus that can be learnt, a tiny encoder, and a few seconds of training."""

import csv
import json
import random
import shutil
from pathlib import Path
from typing import Any

from polarity.config.compose import compose_jobs, resolved
from polarity.run import RunDirectory
from polarity.runs.environment import read_environment
from polarity.training.run import start_run
from tests.tiny import save_tiny_encoder

TONES = {"yes": "good fine great", "no": "bad awful poor", "none": "table chair window", "1": "seven eleven number"}
TOPICS = {"war": "army tank soldier", "food": "bread soup apple"}
FILLERS = tuple("the of and to in is was for on with as by at from it that this are".split())  # noqa: SIM905 - a sentence


def write_corpus(path: Path, *, rows: int = 240, seed: int = 0, missing: float = 0.2) -> Path:
    """Write a CSV with two tasks; their words make them learnable, and some labels are missing."""
    generator = random.Random(seed)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "text", "tone", "topic", "source"])
        for number in range(rows):
            tone = generator.choices(list(TONES), weights=[5, 4, 2, 1])[0]
            topic = generator.choices(list(TOPICS), weights=[1, 4])[0]
            words = generator.choices(FILLERS, k=generator.randint(3, 14))
            words += generator.choices(TONES[tone].split(), k=2) + generator.choices(TOPICS[topic].split(), k=2)
            generator.shuffle(words)
            labels = [label if generator.random() >= missing else "" for label in (tone, topic)]
            source = generator.choice(["a", "b"])
            writer.writerow([f"row-{number}", " ".join([*words, f"w{number}"]), *labels, source])
    return path


def overrides(folder: Path, *more: str, rows: int = 240, family: str = "bert") -> list[str]:
    """The command line of a small run whose files all lie in ``folder``."""
    corpus, encoder = folder / "corpus.csv", folder / f"encoder-{family}"
    if not corpus.exists():
        write_corpus(corpus, rows=rows)
    if not encoder.exists():
        save_tiny_encoder(encoder, family)
    return [
        "data=csv",
        f"data.path={corpus}",
        "data.tasks={tone:[yes,no,none,1],topic:[war,food]}",
        "data.id=id",
        "data.leakage.near=allow",
        "data.split.near_duplicates_together=false",
        "model=local",
        "data.absent_classes=warn",
        f"model.name={encoder}",
        f"output_dir={folder / 'outputs'}",
        f"cache_dir={folder / 'cache'}",
        "trainer.accelerator=cpu",
        "trainer.max_epochs=2",
        "trainer.precision=32-true",  # the same numbers on every kind of machine
        "trainer.enable_progress_bar=false",
        "reporting.resamples=200",  # a tenth, which costs less
        "batching.max_length=32",
        "optimizer.lr=2e-3",
        "callbacks.resume.keep=true",  # states that runs are compared by
        *more,
    ]


def composed(*arguments: str, multirun: bool = False) -> dict[str, Any]:
    """The resolved configuration of a command line's first job."""
    job = compose_jobs("train", arguments, config_dir=None, multirun=multirun)[0]
    config, problems = resolved(job.config)
    assert not problems
    return config


def train(folder: Path, *more: str, without: tuple[str, ...] = (), **settings: Any) -> RunDirectory:
    """Run the whole of training in this process; returns the finished run's folder.

    :param without: how the usual overrides begin that are left out.
    """
    arguments = [text for text in overrides(folder, **settings) if not without or not text.startswith(without)]
    arguments += more
    config = composed(*arguments)
    start_run(config, arguments, keep_going=False)
    return RunDirectory.open(Path(config["output_dir"]) / "latest")


def train_by_one_post(folder: Path, *more: str) -> RunDirectory:
    """Train with all validation rows under one post, as where a single one was kept aside."""
    with write_corpus(folder / "corpus.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for split, part in (("train", rows[:180]), ("val", rows[180:])):
        with (folder / f"{split}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, [*rows[0], "post"])
            writer.writeheader()
            writer.writerows({**row, "post": "one" if split == "val" else row["id"]} for row in part)
    files = [f"data.{split}={folder / split}.csv" for split in ("train", "val")]
    return train(folder, *files, "data.group=post", *more, without=("data.path", "data.split"))


def twin(run: RunDirectory, folder: Path) -> RunDirectory:
    """A copy of a run that is none by its record, as a run is that was started once more."""
    copied = RunDirectory(shutil.copytree(run.path, folder))
    began = {**read_environment(run), "time": "2026-01-31T12:00:00+00:00"}
    copied.environment.write_text(json.dumps(began), encoding="utf-8")
    return copied


def only_run(folder: Path) -> RunDirectory:
    """The one run that was made there."""
    (path,) = (folder / "outputs").glob("2*")
    return RunDirectory.open(path)
