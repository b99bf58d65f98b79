"""What the batching settings do to the batches of two epochs, to evaluation and to the loaders."""

from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from tempfile import mkdtemp

from polarity.component import Context
from polarity.data.module import TextDataModule
from polarity.errors import UserError
from polarity.models.huggingface.tokens import TokenStore
from polarity.samplers import NaturalSampler
from tests.effects.corpus import TASKS, splits
from tests.effects.outcome import Effect, Section, built
from tests.effects.settings import Special
from tests.tiny import tiny_tokenizer

SPECIAL: Special = {
    ("Batching", "mega_batches"): [None, 2, 3],
    ("Batching", "micro_batch_size"): [1, 3, 5],  # null is decided later
    ("Batching", "max_length"): [32, 300],
    ("Batching", "max_context"): [None, 0.1, 0.4],
    ("Batching", "eval_batch_size"): [20, 150],
}
ONLY_PLACES = {
    ("Batching", "eval_batch_size"): "scores do not depend on it",
    ("Batching", "num_workers"): "who assembles the batches",
    ("Batching", "pin_memory"): "which memory batches are kept in",
}


@lru_cache
def cache() -> Path:
    """Kept for all settings, since most have the same tokens."""
    return Path(mkdtemp())


def batches(section: Section) -> Effect:
    component = built("batching", section)
    if problems := component.conflicts(Context(positions=512, devices=1)):
        raise UserError(problems)
    texts, tokenizer = splits(300, 200, longest=400), tiny_tokenizer()
    lengths, share = component.max_length, component.max_context
    stores = {name: TokenStore.open(rows, tokenizer, lengths, cache(), share) for name, rows in texts.items()}
    contexts = [" ".join(["news"] * (lengths * 9 // 10))] * len(texts.val)
    pairs = replace(texts.val, text=["good"] * len(texts.val), context=contexts)
    paired = TokenStore.open(pairs, tokenizer, lengths, cache(), share)
    sampler = NaturalSampler(rows_per_epoch=None)
    sampler.fit(texts.train.labels, TASKS, seed=0)
    data = TextDataModule(splits=texts, inputs=stores, sampler=sampler, seed=0, **component.loader_settings())
    loader, evaluation = data.train_dataloader(), data.val_dataloader()
    assert data.train_batches is not None
    plan = [data.train_batches.plan(epoch) for epoch in range(2)]
    windows = [part.window for part in data.train_batches]
    numbers = [plan, windows, *(store.lengths for store in (*stores.values(), paired))]
    sizes = [len(planned.rows) for planned in evaluation.sampler]
    return Effect(numbers, places=[sizes, loader.num_workers, loader.pin_memory])
