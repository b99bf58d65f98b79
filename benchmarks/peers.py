"""The same training written for the Trainer of transformers, as its users write it. Imports nothing of polarity."""

import tempfile
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import (
    AutoModel,
    AutoTokenizer,
    DataCollatorWithPadding,
    PrinterCallback,
    Trainer,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
    get_linear_schedule_with_warmup,
)

from benchmarks import work as settings
from benchmarks.turns import Clock
from benchmarks.work import Work


class Classifier(nn.Module):
    """Encoder, mean over tokens of its last four layers' mean, a shared trunk, a two-layer head for each task."""

    def __init__(self, encoder: str, classes: Sequence[int], *, checkpointing: bool) -> None:
        super().__init__()
        self.encoder = AutoModel.from_pretrained(encoder, local_files_only=True)
        if checkpointing:
            self.encoder.activation_checkpointing_enable()
        hidden, width = self.encoder.config.hidden_size, settings.HEAD_WIDTH
        self.dropout = nn.Dropout(settings.ENCODER_DROPOUT)
        self.trunk = nn.Sequential(
            nn.Linear(hidden, width), nn.GELU(), nn.LayerNorm(width), nn.Dropout(settings.DROPOUT)
        )
        self.heads = nn.ModuleList(
            nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.Dropout(settings.DROPOUT), nn.Linear(width, count))
            for count in classes
        )

    def forward(self, **inputs: Tensor) -> list[Tensor]:
        states = self.encoder(**inputs, output_hidden_states=True).hidden_states
        tokens = torch.stack(states[-4:]).mean(dim=0)
        mask = inputs["attention_mask"].unsqueeze(-1).to(tokens.dtype)
        pooled = self.trunk(self.dropout((tokens * mask).sum(dim=1) / mask.sum(dim=1)))
        return [head(pooled) for head in self.heads]


def parameter_groups(model: Classifier) -> list[dict[str, Any]]:
    """Rate by depth, and no weight decay for biases and LayerNorm."""
    layers = model.encoder.config.num_hidden_layers
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        if name.startswith("encoder.embeddings."):
            scale = settings.LAYER_DECAY**layers
        elif name.startswith("encoder.encoder.layer."):
            scale = settings.LAYER_DECAY ** (layers - 1 - int(name.split(".")[3]))
        else:
            scale = 1.0 if name.startswith("encoder.") else settings.HEAD_RATE
        decay = 0.0 if name.endswith("bias") or "LayerNorm" in name else settings.WEIGHT_DECAY
        groups.setdefault((scale, decay), []).append(parameter)
    return [
        {"params": parameters, "lr": settings.LEARNING_RATE * scale, "weight_decay": decay}
        for (scale, decay), parameters in groups.items()
    ]


def focal(logits: Tensor, labels: Tensor, weight: Tensor) -> Tensor:
    """Focal loss with class weights and label smoothing, over the labelled rows."""
    kept = labels != -100
    if not kept.any():
        return logits.sum() * 0
    log_p, labels = logits[kept].float().log_softmax(dim=-1), labels[kept]
    target = F.one_hot(labels, len(weight)) * (1 - settings.SMOOTHING) + settings.SMOOTHING / len(weight)
    losses = -(weight * target * (1 - log_p.exp()) ** settings.GAMMA * log_p).sum(dim=-1)
    return losses.sum() / weight[labels].sum()


def divergence(first: Tensor, second: Tensor) -> Tensor:
    """Symmetric Kullback-Leibler divergence of two dropout passes, mean over rows."""
    p, q = first.float().log_softmax(dim=-1), second.float().log_softmax(dim=-1)
    both = F.kl_div(p, q, log_target=True, reduction="batchmean") + F.kl_div(
        q, p, log_target=True, reduction="batchmean"
    )
    return both / 2


class RDropTrainer(Trainer):
    """Two forward passes of each batch, as the authors of R-Drop published it."""

    class_weights: list[Tensor]
    rows = 0
    """Rows since the last step; each counts once, although it passes twice."""

    def compute_loss(self, model: nn.Module, inputs: dict[str, Tensor], *args: Any, **kwargs: Any) -> Tensor:
        """Mean focal loss of both passes, plus their divergence, summed over tasks."""
        labels = inputs.pop("labels")
        self.rows += len(labels)
        first, second = model(**inputs), model(**inputs)
        total = labels.new_zeros((), dtype=torch.float32)
        for task, weight in enumerate(self.class_weights):
            losses = [focal(logits[task], labels[:, task], weight) for logits in (first, second)]
            kept = labels[:, task] != -100
            total = total + (losses[0] + losses[1]) / 2
            if kept.any():
                total = total + settings.RDROP * divergence(first[task][kept], second[task][kept])
        return total


class Clocked(TrainerCallback):
    """Tells the clock about each optimizer step and stops when the time is up."""

    trainer: RDropTrainer

    def __init__(self, clock: Clock) -> None:
        self.clock = clock

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> TrainerControl:
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        rows, self.trainer.rows = self.trainer.rows, 0
        if self.clock.stepped(rows):
            control.should_training_stop = True
        return control


def train(work: Work, clock: Clock, *, padding: str, grouped: bool, checkpointing: bool) -> None:
    """Train until the time is up.

    :param padding: ``max_length`` (every text to 224 tokens) or ``longest`` (to the longest text of the batch).
    :param grouped: batches of texts of similar length.
    """
    tokenizer = AutoTokenizer.from_pretrained(work.encoder, local_files_only=True)
    encoded = tokenizer(work.texts, truncation=True, max_length=settings.MAX_LENGTH)
    rows = [
        {**{name: encoded[name][row] for name in encoded}, "labels": work.labels[row].tolist()}
        for row in work.draw.tolist()
    ]
    clocked = Clocked(clock)
    model = Classifier(work.encoder, [len(weight) for weight in work.weights], checkpointing=checkpointing)
    optimizer = torch.optim.AdamW(parameter_groups(model), fused=True)
    steps = settings.EPOCHS * len(rows) // (settings.BATCH * settings.ACCUMULATE)
    schedule = get_linear_schedule_with_warmup(optimizer, int(settings.WARMUP * steps), steps)
    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            output_dir=folder,
            num_train_epochs=settings.EPOCHS,
            per_device_train_batch_size=settings.BATCH,
            gradient_accumulation_steps=settings.ACCUMULATE,
            max_grad_norm=settings.CLIP,
            train_sampling_strategy="group_by_length" if grouped else "random",
            bf16=work.precision == "bf16-mixed",
            use_cpu=not torch.cuda.is_available(),  # bf16 on a CPU has to be asked for
            seed=work.seed,
            remove_unused_columns=False,
            disable_tqdm=True,
            report_to="none",
            logging_strategy="no",
            save_strategy="no",
            dataloader_pin_memory=torch.cuda.is_available(),
        )
        trainer = RDropTrainer(
            model=model,
            args=arguments,
            train_dataset=rows,
            data_collator=DataCollatorWithPadding(tokenizer, padding=padding, max_length=settings.MAX_LENGTH),
            optimizers=(optimizer, schedule),
            callbacks=[clocked],
        )
        clocked.trainer = trainer
        trainer.class_weights = [torch.tensor(w, dtype=torch.float32, device=arguments.device) for w in work.weights]
        trainer.remove_callback(PrinterCallback)
        trainer.train()


def notebook(work: Work, clock: Clock) -> None:
    """As notebooks do it: every text padded to 224 tokens, gradient checkpointing."""
    train(work, clock, padding="max_length", grouped=False, checkpointing=True)


def dynamic(work: Work, clock: Clock) -> None:
    """Padded to the longest text of a random batch."""
    train(work, clock, padding="longest", grouped=False, checkpointing=False)


def grouped(work: Work, clock: Clock) -> None:
    """Padded to the longest text of a batch of similar lengths."""
    train(work, clock, padding="longest", grouped=True, checkpointing=False)


PEERS = {"notebook": notebook, "dynamic": dynamic, "grouped": grouped}
