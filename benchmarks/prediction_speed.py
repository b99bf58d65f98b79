"""Rows per second of ``polarity.predict`` against other ways to ask the same model.

python -m benchmarks.prediction_speed --rounds 5

All sides get the same texts and the same fine-tuned MiniLM, and take turns. Those of polarity read a CSV file and write
another one with all columns; the others begin with texts in memory and keep the logits. Loading is not counted.
Writes ``benchmarks/results/prediction_speed.md``. A few minutes on two cores that have nothing else to do.
"""

import argparse
import csv
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer, pipeline

import polarity
from benchmarks.machine import machine
from polarity.config.verb import read_settings
from polarity.exporting.onnx import GRAPH, session_of
from polarity.files import write_text
from polarity.run import RunDirectory
from polarity.runs.rebuild import run_splits
from polarity.verbs.export import export
from polarity.verbs.predict import predict

RESULTS = Path(__file__).parent / "results" / "prediction_speed.md"
BATCH = 64
QUICK = [
    "experiment=quickstart",
    "limit.train=256",
    "limit.val=400",
    "trainer.max_epochs=1",
    "reporting.baselines=false",
]
Side = Callable[[], float]
"""Asks about all rows; returns the seconds."""


def ours(run: RunDirectory, source: Path, *more: str) -> Side:
    """``polarity.predict``, with reading and writing."""

    def ask() -> float:
        output = f"output={source.with_name('out.csv')}"
        settings = read_settings("predict", [f"run={run.path}", f"input={source}", output, *more])
        assert settings is not None
        return predict(settings).seconds

    return ask


def timed(ask: Callable[[], object]) -> Side:
    """Its seconds."""

    def side() -> float:
        started = time.perf_counter()
        ask()
        return time.perf_counter() - started

    return side


def sorted_batches(tokenizer: Any, texts: Sequence[str]) -> list[dict[str, torch.Tensor]]:
    """Padded batches of like lengths: what a careful loop does."""
    encoded = tokenizer(list(texts), truncation=True, max_length=128)
    order = np.argsort([len(ids) for ids in encoded["input_ids"]])
    parts = [order[start : start + BATCH] for start in range(0, len(order), BATCH)]
    return [
        dict(
            tokenizer.pad(
                {name: [values[row] for row in part] for name, values in encoded.items()}, return_tensors="pt"
            )
        )
        for part in parts
    ]


def sides(run: RunDirectory, source: Path, texts: list[str]) -> dict[str, Side]:
    """All that take turns."""
    tokenizer = AutoTokenizer.from_pretrained(run.model)
    model = AutoModelForSequenceClassification.from_pretrained(run.model, num_labels=3).eval()
    classify = pipeline("text-classification", model=model, tokenizer=tokenizer, device="cpu")
    exported = polarity_export(run, source.parent)

    def loop() -> None:
        with torch.inference_mode():
            for batch in sorted_batches(tokenizer, texts):
                model(**batch)

    def graph() -> None:
        for batch in sorted_batches(tokenizer, texts):
            exported.run(None, {item.name: batch[item.name].numpy() for item in exported.get_inputs()})

    return {
        "polarity.predict": ours(run, source),
        "polarity.predict precision=int8": ours(run, source, "precision=int8"),
        "pipeline of transformers, batch 1": timed(lambda: classify(texts, truncation=True, batch_size=1)),
        "pipeline of transformers, batch 32": timed(lambda: classify(texts, truncation=True, batch_size=32)),
        "a loop over sorted, padded batches": timed(loop),
        "the same loop over the exported graph (onnxruntime, fp32)": timed(graph),
    }


def polarity_export(run: RunDirectory, folder: Path) -> Any:
    """A session of the run's exported graph."""
    settings = read_settings("export", [f"run={run.path}", "format=onnx", f"output={folder / 'onnx'}"])
    assert settings is not None
    return session_of(export(settings) / GRAPH)


def table(seconds: dict[str, list[float]], rows: int) -> str:
    """Medians, and how much faster polarity is, turn by turn."""
    lines = ["| side | rows/s | predict is faster by (range) | with int8 by (range) |", "|---|---|---|---|"]
    first, second = (np.array(seconds[name]) for name in list(seconds)[:2])
    for name, own in seconds.items():
        ratios = [np.array(own) / ours for ours in (first, second)]
        cells = [f"{np.median(ratio):.2f} x ({ratio.min():.2f} to {ratio.max():.2f})" for ratio in ratios]
        lines.append(f"| {name} | {rows / np.median(own):,.0f} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    """Take turns, so that whatever else the machine does meets all of them alike."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1200)
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        run = polarity.train([*QUICK, f"output_dir={folder}"])
        test = run_splits(run).test
        assert test is not None
        texts, source = list(test.text[: asked.rows]), Path(folder) / "in.csv"
        with source.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([["text"], *([text] for text in texts)])
        taking = sides(run, source, texts)
        seconds: dict[str, list[float]] = {name: [] for name in taking}
        for turn in range(asked.rounds + 1):  # the first fills the caches
            for name, side in taking.items():
                source.with_name("out.csv").unlink(missing_ok=True)
                taken = side()
                if turn:
                    seconds[name].append(taken)
    about = ", ".join(f"{name} {value}" for name, value in machine("torch", "transformers", "onnxruntime").items())
    rounds = f"{asked.rounds} rounds over {len(texts):,} rows on {about}; load {os.getloadavg()[0]:.1f} at the end."
    write_text(RESULTS, f"# Speed of prediction\n\n{table(seconds, len(texts))}\n\n{rounds}\n")
    print(RESULTS.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
