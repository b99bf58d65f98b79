"""Rows per second of ``polarity.predict`` against other ways to ask the same model.

python -m benchmarks.prediction_speed --rounds 5

All sides get the same texts and the same fine-tuned MiniLM, and take turns. Those of polarity read a CSV file and write
another one with all columns; the others begin with texts in memory and keep the logits. Loading is not counted.
Longer texts are sentences of VADER in a row, so many fewer of them. Writes ``benchmarks/results/prediction_speed.md``.
A quarter of an hour on two cores that have nothing else to do.
"""

import argparse
import csv
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer, pipeline

import polarity
from benchmarks.machine import machine
from polarity.config.verb import read_settings
from polarity.evaluation.inference import autocast
from polarity.exporting.onnx import GRAPH, session_of
from polarity.files import write_text
from polarity.models import MultiTaskClassifier
from polarity.models.huggingface.reader import TokenReader
from polarity.models.huggingface.tokens import TokenStore
from polarity.prediction.columns import AddedColumns
from polarity.run import RunDirectory
from polarity.runs.rebuild import run_splits
from polarity.tables.writers import DelimitedWriter
from polarity.verbs.export import export
from polarity.verbs.predict import predict

RESULTS = Path(__file__).parent / "results" / "prediction_speed.md"
BATCH, LONGEST = 64, 224
QUICK = [
    "experiment=quickstart",
    "limit.train=256",
    "limit.val=400",
    "trainer.max_epochs=1",
    f"batching.max_length={LONGEST}",
    "reporting.baselines=false",
    "test=false",
]
PARTS = {
    "the model": (MultiTaskClassifier, "forward"),
    "tokenising": (TokenReader, "inputs"),
    "batches": (TokenStore, "batch"),
    "calibration and decisions": (AddedColumns, "values"),
    "writing": (DelimitedWriter, "write"),
}
"""What the time of a prediction is divided into."""
Side = Callable[[], float]
"""Asks about all rows; returns the seconds."""


def ours(run: RunDirectory, source: Path, *more: str) -> Side:
    """``polarity.predict``, with reading and writing."""

    def ask() -> float:
        output = f"output={source.with_name('out.csv')}"
        settings = read_settings("predict", [f"run={run.path}", f"input={source}", output, "overwrite=true", *more])
        assert settings is not None
        return predict(settings).seconds

    return ask


def parts(ask: Side) -> str:
    """Where its time goes, in words."""
    spent = dict.fromkeys(PARTS, 0.0)

    def counted(part: str, plain: Callable[..., Any]) -> Callable[..., Any]:
        def call(*given: Any, **more: Any) -> Any:
            started = time.perf_counter()
            try:
                return plain(*given, **more)
            finally:
                spent[part] += time.perf_counter() - started

        return call

    with ExitStack() as stack:
        for name, (owner, method) in PARTS.items():
            stack.enter_context(patch.object(owner, method, counted(name, getattr(owner, method))))
        total = ask()
    shares = [f"{name} {seconds / total:.1%}" for name, seconds in spent.items()]
    return f"{', '.join(shares)}, reading, checking and all else {1 - sum(spent.values()) / total:.1%}"


def timed(ask: Callable[[], object]) -> Side:
    """Its seconds."""

    def side() -> float:
        started = time.perf_counter()
        ask()
        return time.perf_counter() - started

    return side


def sorted_batches(tokenizer: Any, texts: Sequence[str]) -> list[dict[str, torch.Tensor]]:
    """Padded batches of like lengths: what a careful loop does."""
    encoded = tokenizer(list(texts), truncation=True, max_length=LONGEST)
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


def sides(run: RunDirectory, exported: Any, source: Path, texts: list[str]) -> dict[str, Side]:
    """All that take turns.

    :param exported: a session of the run's graph.
    """
    precision = run.config["trainer"]["precision"]
    tokenizer = AutoTokenizer.from_pretrained(run.model)
    model = AutoModelForSequenceClassification.from_pretrained(run.model, num_labels=3).eval()
    classify = pipeline("text-classification", model=model, tokenizer=tokenizer, device="cpu")

    def piped(size: int) -> Side:
        return timed(lambda: classify(texts, truncation=True, max_length=LONGEST, batch_size=size))

    def loop(precision: str) -> None:
        with torch.inference_mode(), autocast(torch.device("cpu"), precision):
            for batch in sorted_batches(tokenizer, texts):
                model(**batch)

    def graph() -> None:
        for batch in sorted_batches(tokenizer, texts):
            exported.run(None, {item.name: batch[item.name].numpy() for item in exported.get_inputs()})

    return {
        "polarity.predict": ours(run, source),
        "polarity.predict precision=int8": ours(run, source, "precision=int8"),
        "pipeline of transformers, batch 1": piped(1),
        "pipeline of transformers, batch 32": piped(32),
        "a loop over sorted, padded batches": timed(lambda: loop("32-true")),
        **({} if precision == "32-true" else {f"the same loop in {precision}": timed(lambda: loop(precision))}),
        "a loop over the exported graph (onnxruntime, fp32)": timed(graph),
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


def compared(run: RunDirectory, exported: Any, texts: list[str], rounds: int) -> str:
    """A section of the results: all take turns, so that whatever else the machine does meets them alike."""
    tokens = AutoTokenizer.from_pretrained(run.model)(texts, truncation=True, max_length=LONGEST)["input_ids"]
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "in.csv"
        with source.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([["text"], *([text] for text in texts)])
        taking = sides(run, exported, source, texts)
        seconds: dict[str, list[float]] = {name: [] for name in taking}
        for turn in range(rounds + 1):  # the first fills the caches
            for name, side in taking.items():
                taken = side()
                if turn:
                    seconds[name].append(taken)
        divided = parts(taking["polarity.predict"])
    title = f"{len(texts):,} texts of {np.mean([len(ids) for ids in tokens]):.0f} tokens"
    return f"## {title}\n\n{table(seconds, len(texts))}\n\nThe time of polarity.predict: {divided}.\n"


def main() -> None:
    """Train, then compare with texts of each length."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=2400, help="of one sentence")
    parser.add_argument("--sentences", type=int, nargs="+", default=[1, 5], help="in a text")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--output", type=Path, default=RESULTS)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        run = polarity.train([*QUICK, f"output_dir={folder}"])
        test = run_splits(run).test
        assert test is not None
        precision = run.config["trainer"]["precision"]
        exported = polarity_export(run, Path(folder))
        sentences = list(test.text[: asked.rows])
        joined = [
            [" ".join(sentences[start : start + size]) for start in range(0, len(sentences), size)]
            for size in asked.sentences
        ]
        sections = [compared(run, exported, texts, asked.rounds) for texts in joined]
    about = ", ".join(f"{name} {value}" for name, value in machine("torch", "transformers", "onnxruntime").items())
    own = f"polarity.predict answers in {precision}, as it trained; other sides in 32 bits but where they say so."
    rounds = f"{own} {asked.rounds} rounds on {about}; load {os.getloadavg()[0]:.1f} at the end."
    write_text(asked.output, "\n".join(["# Speed of prediction\n", *sections, f"{rounds}\n"]))
    print(asked.output.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
