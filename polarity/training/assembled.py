"""What a run consists of once everything is loaded, and how long each stage took."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path

import lightning

from polarity.config.averages import refuse_idle_from_the_start
from polarity.config.preflight import Prepared
from polarity.config.sharding import is_sharded
from polarity.content import Json
from polarity.data.module import TextDataModule
from polarity.data.reading import Reader
from polarity.models.classifier import MultiTaskClassifier
from polarity.models.encoder import ENCODER, EncoderSettings
from polarity.models.mark import mark_of_reading
from polarity.privacy import keeping_texts
from polarity.progress import progress
from polarity.runs.environment import READING, RUNS
from polarity.runs.manifest import mark_of_run
from polarity.secrets import masked, without_known
from polarity.training.branching import branch
from polarity.training.module import MultiTaskModule
from polarity.training.restoring import restore
from polarity.training.sharded_module import ShardedModule
from polarity.training.teacher import SETTING, soft_labels

_MARKED_ROWS = 64


@dataclass
class Stages:
    """Wall time of each stage of a run, in seconds."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def time(self, name: str, *, shown: bool = True) -> Iterator[None]:
        """Add the time of the block to stage ``name``, and show that it goes on unless it does so itself."""
        started = time.monotonic()
        try:
            with progress(name) if shown else nullcontext():
                yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.monotonic() - started


@dataclass
class Assembled:
    """Everything that a run needs, with the model's weights loaded and the texts read.

    :param branched: whether it begins with the weights of another run, those of all heads included.
    :param others: checksums of the runs that it learns from, by the settings that name them.
    """

    prepared: Prepared
    module: MultiTaskModule
    data: TextDataModule
    reader: Reader
    stages: Stages
    branched: bool = False
    others: Json = field(default_factory=dict)

    @property
    def probes(self) -> bool:
        """Whether heads begin as a linear probe, or one stands beside them."""
        return self.prepared.components.head.init == "linear_probe" or self.module.model.probes is not None

    @property
    def identity(self) -> Json:
        """What has to be the same when a stopped run goes on: the encoder, other runs, and how texts are read.

        Of the last a mark of what the reader makes of the first training texts: another tokenizer's would be another.
        """
        described = json.dumps(self.module.model.encoder.architecture()[ENCODER])
        encoder = masked(json.loads(without_known(described)))  # as a file would hold it
        reading = mark_of_reading(self.data.inputs["train"], _MARKED_ROWS)
        return {ENCODER: encoder, READING: reading, RUNS: self.others}


def assemble(prepared: Prepared, stages: Stages, *, point: Path | None = None) -> Assembled:
    """Read the texts, load the encoder and put the module together; nothing is written but the token cache.

    :param point: the checkpoint that training goes on from; then no other weights are needed.
    """
    parts, tasks, splits = prepared.components, prepared.splits.tasks, prepared.splits
    stages.seconds["data"] = prepared.data_seconds
    teacher, others = None, dict[str, str]()
    if (folder := parts.regularizer.teacher) is not None:
        with stages.time("teacher"):
            teacher, notes = soft_labels(prepared, folder)
            prepared = _with_notes(prepared, notes)
            others[SETTING] = mark_of_run(folder)
    lightning.seed_everything(prepared.root.seed, workers=True, verbose=False)
    batching, source = parts.batching, _with_room(prepared)
    cache, branched = keeping_texts(prepared.root.cache), False
    with stages.time("tokens"):
        reader = source.make_reader(splits.train)
        inputs = {
            name: reader.inputs(rows, batching.max_length, batching.max_context, cache) for name, rows in splits.items()
        }
    with stages.time("model"):
        model = MultiTaskClassifier(tasks=tasks, encoder=source.build(reader), head=parts.head)
        model.encoder.check(reader, inputs["train"])
        if point is not None:
            restore(model, point)
        elif prepared.root.origin is not None:
            notes, branched = branch(model, reader, prepared)
            prepared = _with_notes(prepared, notes)
            others["from"] = mark_of_run(str(prepared.root.origin))
    parts.loss.bind(tasks, splits.train.class_counts(tasks))
    parts.sampler.fit(splits.train.labels, tasks, prepared.root.seed)
    refuse_idle_from_the_start(prepared.config, batching.steps(parts.sampler.rows_drawn))
    kind = ShardedModule if is_sharded(prepared.config) else MultiTaskModule
    module = kind(
        model=model,
        tasks=tasks,
        loss=parts.loss,
        regularizer=parts.regularizer,
        optimizer=parts.optimizer,
        scheduler=parts.scheduler,
        clipping=parts.clipping,
    )
    data = TextDataModule(
        splits=splits,
        inputs=inputs,
        sampler=parts.sampler,
        seed=prepared.root.seed,
        teacher=teacher,
        **batching.loader_settings(),
    )
    return Assembled(prepared, module, data, reader, stages, branched, others)


def _with_room(prepared: Prepared) -> EncoderSettings:
    """The encoder's settings, with room for the linear model where one is taken over."""
    parts, outputs = prepared.components, sum(len(task.classes) for task in prepared.splits.tasks)
    begins = parts.head.init == "linear_probe" or parts.model.probed
    return parts.model.holding(outputs) if begins else parts.model


def _with_notes(prepared: Prepared, notes: list[str]) -> Prepared:
    """A copy, since the jobs of a sweep share their rows."""
    return replace(prepared, splits=replace(prepared.splits, notes=[*prepared.splits.notes, *notes]))
