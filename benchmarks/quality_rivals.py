"""What others make of the same rows: plain fine-tuning by the Trainer of transformers, and AutoGluon."""

import json
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    DataCollatorWithPadding,
    Trainer,
    TrainingArguments,
)

from polarity.config.precision import precision_of
from polarity.data.rows import Rows, Splits
from polarity.tasks import IGNORE_INDEX, Task

MAX_LENGTH = 128


def by_trainer(splits: Splits, encoder: str, seed: int, **settings: Any) -> list[np.ndarray]:
    """Test decisions of a model for each task, fine-tuned as the documentation of transformers shows it.

    The defaults of ``Trainer``: 3 epochs, 8 rows a step, AdamW at 5e-5 that falls to 0, plain cross-entropy, the whole
    encoder, the last weights. Rows are padded to the longest of their batch.

    :param encoder: a folder with weights and tokenizer.
    :param settings: of ``TrainingArguments``, in place of defaults.
    """
    return [_of_task(splits, number, encoder, seed, settings) for number in range(len(splits.tasks))]


def _of_task(splits: Splits, number: int, encoder: str, seed: int, settings: dict[str, Any]) -> np.ndarray:
    tokenizer = AutoTokenizer.from_pretrained(encoder, local_files_only=True)
    task, device = splits.tasks[number], torch.device("cuda" if torch.cuda.is_available() else "cpu")

    def read(rows: Rows, *, labelled: bool) -> list[dict[str, Any]]:
        read = tokenizer(list(rows.text), truncation=True, max_length=MAX_LENGTH)["input_ids"]
        pairs = zip(read, rows.labels[:, number].tolist(), strict=True)
        return [{"input_ids": ids, "labels": label} for ids, label in pairs if not labelled or label != IGNORE_INDEX]

    assert splits.test is not None
    with tempfile.TemporaryDirectory() as folder:
        given = TrainingArguments(
            output_dir=folder,
            seed=seed,
            use_cpu=device.type == "cpu",
            bf16=precision_of(device)[0] == "bf16-mixed",
            save_strategy="no",
            logging_strategy="no",
            report_to=[],
            disable_tqdm=True,
            **settings,
        )
        torch.manual_seed(seed)  # the head is made before the Trainer sets its seed
        model = AutoModelForSequenceClassification.from_pretrained(
            encoder, num_labels=len(task.classes), local_files_only=True
        )
        trainer = Trainer(
            model=model,
            args=given,
            train_dataset=read(splits.train, labelled=True),
            data_collator=DataCollatorWithPadding(tokenizer),
        )
        trainer.train()
        said: Any = trainer.predict(read(splits.test, labelled=False)).predictions  # type: ignore[arg-type]  # a list
    decided: np.ndarray = np.asarray(said).argmax(axis=1)
    return decided


def by_autogluon(splits: Splits, python: Path, seconds: int) -> list[np.ndarray]:
    """Test decisions of AutoGluon's models of tables, which read texts as n-grams; a model for each task.

    :param python: of an environment that has ``autogluon.tabular``, which asks for versions of its own.
    :param seconds: most time for a task.
    """
    assert splits.test is not None
    with tempfile.TemporaryDirectory() as folder:
        given = {
            "seconds": seconds,
            "tasks": [
                {"train": _labelled(splits.train, task, number), "val": _labelled(splits.val, task, number)}
                for number, task in enumerate(splits.tasks)
            ],
            "test": list(splits.test.text),
        }
        asked, answer = Path(folder) / "asked.json", Path(folder) / "answer.json"
        asked.write_text(json.dumps(given), encoding="utf-8")
        script = Path(__file__).with_name("autogluon_tabular.py")
        subprocess.run([str(python), str(script), str(asked), str(answer)], check=True, cwd=folder)  # noqa: S603 - of the caller's own
        said = json.loads(answer.read_text(encoding="utf-8"))
    return [
        np.array([task.classes.index(name) for name in names]) for task, names in zip(splits.tasks, said, strict=True)
    ]


def _labelled(rows: Rows, task: Task, number: int) -> list[tuple[str, str]]:
    pairs = zip(rows.text, rows.labels[:, number].tolist(), strict=True)
    return [(text, task.classes[label]) for text, label in pairs if label != IGNORE_INDEX]
