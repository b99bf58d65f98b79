"""The exported classifier in plain torch, transformers and safetensors: nothing else has to be installed.

    from modeling import load

    model = load(".")
    print(model.classify(["First text.", "Second text."]))

The file stands in each exported folder, with the code of pooling, trunk and heads in the place of their imports. Beside
it lie ``model.safetensors``, ``config.json``, the tokenizer, ``polarity.json`` (what pooling, trunk and heads are),
``decision.json`` (calibration and decision rule) and ``inference.json`` (lengths and classes).
"""

import inspect
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import CONFIG_MAPPING, AutoModel, AutoTokenizer

from polarity.data.cells import is_blank
from polarity.models.heads import TaskHead
from polarity.models.pooling.base import Pooling
from polarity.models.standard import Standard
from polarity.models.trunk import Trunk
from polarity.tables.chunk import encodable


class Decision(nn.Module):
    """Calibrated probabilities and the decision of one task.

    :param content: the task's part of ``decision.json``.
    :param dtype: of the computation.
    """

    scale: Tensor
    shift: Tensor
    bias: Tensor

    def __init__(self, content: dict[str, Any], dtype: torch.dtype = torch.float64) -> None:
        super().__init__()
        self.rule = content["rule"]
        for name in ("scale", "shift"):
            self.register_buffer(name, torch.tensor(content["calibration"][name], dtype=dtype))
        self.register_buffer("bias", torch.tensor(self.rule.get("bias", 0.0), dtype=dtype))

    def forward(self, logits: Tensor) -> tuple[Tensor, Tensor]:
        """Probabilities ``[B, classes]`` and class indices ``[B]`` from raw logits ``[B, classes]``."""
        logits = logits.to(self.scale.dtype)
        log_p = F.log_softmax(logits * self.scale + self.shift, dim=-1)
        return log_p.exp(), self._decided(logits, log_p)

    def _decided(self, logits: Tensor, log_p: Tensor) -> Tensor:
        kind = self.rule["kind"]
        if kind == "argmax":
            return logits.argmax(dim=-1)
        if kind == "bias":
            return (log_p + self.bias).argmax(dim=-1)
        if kind != "threshold":
            raise ValueError(f"decision.json: the rule {kind!r} is unknown")
        *order, last = self.rule["order"]
        top = log_p.argmax(dim=-1)
        decided = torch.full_like(top, last)
        for label in reversed(order):
            threshold = self.rule["log_thresholds"][label]
            taken = top == label if threshold is None else log_p[:, label] >= threshold
            decided = torch.where(taken, torch.full_like(top, label), decided)
        return decided


class MultiTaskClassifier(nn.Module):
    """Encoder, pooling, trunk and one head per task, with the run's calibration and decision rule.

    :param folder: the exported folder.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__()
        card, self.about = _read(folder / "polarity.json"), _read(folder / "inference.json")
        settings = _read(folder / "config.json")
        config = CONFIG_MAPPING[settings["model_type"]].from_dict(settings)
        self.tasks: dict[str, list[str]] = {task["name"]: task["classes"] for task in card["tasks"]}
        width, head = config.hidden_size, card["head"]
        self.pooling = _pooling(card["pooling"], width)
        self.encoder = _encoder(config, card["attention"], pooler=self.pooling.needs_pooler)
        self.standard: nn.Module = Standard(width) if card.get("standardised") else nn.Identity()
        start = head["trunk_width"] or width
        self.trunk: nn.Module = Trunk(width, start, 0.0) if head["trunk_width"] else nn.Identity()
        hidden = [head["width"] or start] * (head["layers"] - 1)
        self.heads = nn.ModuleList(
            TaskHead([start, *hidden, len(classes)], 0.0, residual=head["residual"]) for classes in self.tasks.values()
        )
        self.load_state_dict(_weights(folder, list(self.tasks), self.encoder.base_model_prefix))
        decisions = _read(folder / "decision.json")["tasks"]
        self.decisions = nn.ModuleList(Decision(decisions[name]) for name in self.tasks)
        self.takes_segments = takes_segments(self.encoder)
        self.tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        self.eval()

    def forward(self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor | None = None) -> list[Tensor]:
        """Raw logits ``[B, classes]`` of each task, in the order of ``tasks``."""
        segments = {"token_type_ids": token_type_ids} if self.takes_segments else {}
        deep = self.pooling.needs_layers > 0
        output = self.encoder(input_ids=input_ids, attention_mask=attention_mask, output_hidden_states=deep, **segments)
        features = self.trunk(self.standard(self.pooling(output, attention_mask)))
        return [head(features) for head in self.heads]

    @torch.inference_mode()
    def classify(
        self, texts: Sequence[str], contexts: Sequence[str] | None = None, batch_size: int = 32
    ) -> list[dict[str, dict[str, Any]]]:
        """For each text and task: ``label``, the decision, and ``probabilities`` by class name.

        :param contexts: the first texts of pairs, for models that were trained with pairs.
        :raises ValueError: for one text in the place of a list, another number of contexts, and what is no text: the
            same as no run takes.
        """
        if isinstance(texts, str) or isinstance(contexts, str):
            raise ValueError("texts: is one text; give a list")  # noqa: TRY004 - as other wrong values
        texts, contexts = list(texts), None if contexts is None else list(contexts)
        if contexts is not None and len(contexts) != len(texts):
            raise ValueError("contexts: give one for each text, '' where there is none")
        _check("texts", texts)
        _check("contexts", contexts or [], empty=True)
        answers: list[dict[str, dict[str, Any]]] = []
        for start in range(0, len(texts), batch_size):
            part = slice(start, start + batch_size)
            batch = self.encode(texts[part], None if contexts is None else contexts[part])
            rows: list[dict[str, dict[str, Any]]] = [{} for _ in texts[part]]
            for (name, classes), logits, decide in zip(self.tasks.items(), self(**batch), self.decisions, strict=True):
                probabilities, decided = decide(logits)
                for row, values, label in zip(rows, probabilities.tolist(), decided.tolist(), strict=True):
                    row[name] = {
                        "label": classes[label], "probabilities": dict(zip(classes, values, strict=True))
                    }  # fmt: skip
            answers += rows
        return answers

    def encode(self, texts: Sequence[str], contexts: Sequence[str] | None = None) -> dict[str, Tensor]:
        """The inputs of :meth:`forward`; texts and contexts are cut as in training.

        :raises ValueError: if contexts are missing, or given to a model that knows none.
        """
        if (contexts is not None) != self.about["pairs"]:
            way = "with them: (texts, contexts=[...])" if self.about["pairs"] else "without them: (texts)"
            raise ValueError(f"contexts: the model was trained {way}")
        batch = self.tokenizer(
            *([list(texts)] if contexts is None else [self._shortened(contexts), list(texts)]),
            truncation="only_first" if contexts is None else "only_second",
            max_length=self.about["max_length"],
            padding=True,
            padding_side="right",
            return_tensors="pt",
        )
        device = next(self.parameters()).device
        accepted = ("input_ids", "attention_mask", "token_type_ids")
        return {name: batch[name].to(device) for name in accepted if name in batch}

    def _shortened(self, contexts: Sequence[str]) -> list[str]:
        room = self.about["max_context"]
        if room is None:
            return list(contexts)
        self.tokenizer.backend_tokenizer.no_truncation()
        encoded = self.tokenizer(list(contexts), add_special_tokens=False, return_offsets_mapping=True, verbose=False)
        spans = encoded["offset_mapping"]
        return [c[: s[room - 1][1]] if len(s) > room else c for c, s in zip(contexts, spans, strict=True)]


def load(folder: str | Path) -> MultiTaskClassifier:
    """The model of an exported folder, in evaluation mode, on the CPU."""
    return MultiTaskClassifier(Path(folder))


def _check(name: str, values: Sequence[Any], *, empty: bool = False) -> None:
    """Refuse what no model can read as a text.

    :param empty: whether there may be none.
    """
    for row, value in enumerate(values):
        if not isinstance(value, str):
            raise ValueError(f"{name}[{row}]: is no text")  # noqa: TRY004 - as other wrong values
        if not empty and is_blank(value):
            raise ValueError(f"{name}[{row}]: is empty")
        if "\0" in value:
            raise ValueError(f"{name}[{row}]: holds NUL, which no text holds")
        if encodable(value) != value:
            raise ValueError(f"{name}[{row}]: is not valid Unicode (half of a surrogate pair)")


def takes_segments(encoder: Any) -> bool:
    """Whether an encoder tells the two texts of a pair apart by token types; tokenizers may number them for others."""
    accepted = inspect.signature(encoder.forward).parameters
    return "token_type_ids" in accepted and getattr(encoder.config, "type_vocab_size", 0) > 1


def _pooling(values: dict[str, Any], width: int) -> Pooling:
    """The pooling by the name of its class, which stands in the exported file."""
    pooling: Pooling = globals()[values.pop("_target_").rpartition(".")[2]](**values)
    pooling.bind(width)
    return pooling


def _encoder(config: Any, attention: str, *, pooler: bool) -> Any:
    attention = "eager" if attention == "eager" else "sdpa"
    settings: dict[str, Any] = {"trust_remote_code": False, "dtype": torch.float32, "attn_implementation": attention}
    found: Any = AutoModel._model_mapping[type(config)]  # noqa: SLF001 - there is no public name
    kind = found[0] if isinstance(found, list | tuple) else found
    if "add_pooling_layer" in inspect.signature(kind).parameters:
        settings["add_pooling_layer"] = pooler
    return AutoModel.from_config(config, **settings)


def _weights(folder: Path, tasks: list[str], prefix: str) -> dict[str, Tensor]:
    """The weights by the names that they have here; the file has those of the encoder's family, and the tasks'."""
    named = {}
    for key, value in load_file(folder / "model.safetensors").items():
        own = key.removeprefix("polarity.")
        if own == key:
            named[f"encoder.{key.removeprefix(f'{prefix}.')}"] = value
        elif own.startswith("heads."):
            task, rest = own.removeprefix("heads.").split(".", 1)
            named[f"heads.{tasks.index(task.removesuffix('!'))}.{rest}"] = value
        else:
            named[own] = value
    return named


def _read(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text(encoding="utf-8")))
