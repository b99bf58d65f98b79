"""ONNX: one graph from token ids to logits, calibrated probabilities and decisions, for any rows and lengths."""

import logging
import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from importlib.util import find_spec
from io import StringIO
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from polarity.content import Json
from polarity.errors import UserError
from polarity.exporting.folder import parts_of
from polarity.exporting.modeling import Decision
from polarity.models.classifier import MultiTaskClassifier
from polarity.models.saving import CARD, CONFIG, WEIGHTS
from polarity.posthoc import FILE as RULE
from polarity.runs.rebuild import Rebuilt

GRAPH, SMALL_GRAPH = "model.onnx", "model.int8.onnx"
PACKAGES = ("onnx", "onnxscript", "onnxruntime")


def package_problems() -> list[str]:
    """What has to be installed first."""
    missing = [name for name in PACKAGES if find_spec(name) is None]
    if not missing:
        return []
    return [f"format: onnx needs {', '.join(missing)}; install them with pip install 'polarity[export]'"]


class Graph(nn.Module):
    """A classifier with its decisions, as one function of tensors; probabilities in float32.

    :param rules: the part of ``decision.json`` of each task, by name.
    """

    def __init__(self, model: MultiTaskClassifier, rules: Json) -> None:
        super().__init__()
        self.model = model
        self.decisions = nn.ModuleList(Decision(rules[task.name], torch.float32) for task in model.tasks)

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor | None = None
    ) -> tuple[Tensor, ...]:
        """Logits of all tasks, then their probabilities, then their decisions."""
        logits = self.model(input_ids=input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids)
        answers = [decide(values) for values, decide in zip(logits, self.decisions, strict=True)]
        return (*logits, *(item[0] for item in answers), *(item[1] for item in answers))


def write_onnx(rebuilt: Rebuilt, folder: Path) -> None:
    """Write ``model.onnx``, and the tokenizer beside it.

    :raises UserError: if the encoder cannot be exported.
    """
    model = rebuilt.model.to("cpu").eval()
    graph = Graph(model, rebuilt.decider.to_dict()["tasks"]).eval()
    inputs = _example(rebuilt)
    names = [f"{task.name}.{what}" for what in ("logits", "probabilities", "decision") for task in model.tasks]
    rows, length = torch.export.Dim("rows"), torch.export.Dim("length")
    try:
        with quiet_exporter():
            program = torch.onnx.export(
                graph,
                tuple(inputs.values()),
                dynamo=True,
                input_names=list(inputs),
                output_names=names,
                dynamic_shapes={name: {0: rows, 1: length} for name in inputs},
                verbose=False,
            )
    except (torch.onnx.errors.OnnxExporterError, RuntimeError) as error:
        reason = str(error.__cause__ or error).strip().partition("\n")[0].rstrip(":. ")  # torch's own tells of steps
        raise UserError(f"format: onnx cannot hold {model.encoder.title}, but hf can; torch says: {reason}") from error
    assert program is not None
    for node in program.model.graph.all_nodes():  # stack traces, with the paths of the machine that made them
        node.metadata_props.clear()
    program.save(folder / GRAPH)
    for file in sorted(rebuilt.run.model.iterdir()):
        if file.name not in (WEIGHTS, CONFIG, CARD, RULE):  # the tokenizer's files
            shutil.copyfile(file, folder / file.name)


def session_of(graph: Path | bytes) -> Any:
    """An ``onnxruntime.InferenceSession`` on the CPU, of a file or of its content."""
    import onnxruntime  # type: ignore[import-untyped,unused-ignore]

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # warnings are about shapes that are not known in advance
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


def _example(rebuilt: Rebuilt) -> dict[str, Tensor]:
    """A batch with padding: two rows, since a size of one would be taken for a constant."""
    longest = min(8, rebuilt.settings.max_length)
    encoder, tokenizer = parts_of(rebuilt)
    ids = torch.full((2, longest), int(tokenizer.unk_token_id or 0))
    mask = torch.ones_like(ids)
    mask[1, longest // 2 + 1 :] = 0
    typed = encoder.takes_segments and "token_type_ids" in tokenizer.model_input_names
    segments = {"token_type_ids": torch.zeros_like(ids)} if typed else {}
    return {"input_ids": ids, "attention_mask": mask, **segments}


@contextmanager
def quiet_exporter() -> Iterator[None]:
    """Keep what the exporters say about their own inner workings from the console."""
    disabled = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(), redirect_stdout(StringIO()), redirect_stderr(StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(disabled)
