"""A run's model as a graph with weights in 8 bits, which the processor multiplies faster."""

import tempfile
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch

from polarity.data.cache import cached_arrays
from polarity.data.plan import EvalBatches
from polarity.data.reading import Inputs
from polarity.errors import UserError
from polarity.evaluation.inference import collect
from polarity.exporting.onnx import SMALL_GRAPH, package_problems, session_of, write_onnx
from polarity.exporting.quantize import write_int8
from polarity.prediction.predictor import Predictor
from polarity.progress import progress
from polarity.runs.rebuild import Rebuilt


class GraphPredictor(Predictor):
    """Asks an ONNX graph in the place of the model."""

    session: Any

    @classmethod
    def of_graph(cls, rebuilt: Rebuilt, session: Any) -> Self:
        """The run's texts, lengths and rule with the graph's logits.

        :param session: an ``onnxruntime.InferenceSession``.
        """
        made = cls.of_run(rebuilt)
        made.session = session
        return made

    def _ask(self, inputs: Inputs, total: int) -> list[np.ndarray]:
        names = [item.name for item in self.session.get_inputs()]
        wanted = [f"{task.name}.logits" for task in self.tasks]
        rows, logits = [], []
        for planned in EvalBatches(lengths=inputs.lengths, batch_size=self.batch_size):
            batch = inputs.batch(planned.rows)
            rows.append(torch.from_numpy(planned.rows))
            answers = self.session.run(wanted, {name: batch[name].numpy() for name in names})
            logits.append([torch.from_numpy(values) for values in answers])
        return collect(rows, logits, total)


def int8_predictor(rebuilt: Rebuilt, kept: Path) -> GraphPredictor:
    """The run's model in 8 bits; made once, and then read from the cache.

    :param kept: folder of the cache, whose name identifies weights and libraries.
    :raises UserError: if the encoder has no such graph, or a package is missing.
    """
    problems = [problem.replace("format: onnx", "precision: int8") for problem in package_problems()]
    problems += [
        f"precision: int8 needs an encoder that exports to onnx; leave it out ({problem.partition(';')[0]})"
        for problem in rebuilt.model.encoder.export_problems("onnx")
    ]
    if problems:
        raise UserError(problems)
    graph = cached_arrays(kept, lambda: {"graph": _graph(rebuilt)})["graph"]
    return GraphPredictor.of_graph(rebuilt, session_of(graph.tobytes()))


def _graph(rebuilt: Rebuilt) -> np.ndarray:
    """The bytes of the graph."""
    with progress("writing the weights in 8 bits"), tempfile.TemporaryDirectory() as folder:
        try:
            write_onnx(rebuilt, Path(folder))
        except UserError as error:
            needs = "precision: int8 needs an encoder that exports to onnx; leave it out"
            raise UserError(f"{needs} ({error.problems[0].removeprefix('format: ')})") from error
        write_int8(Path(folder))
        if (Path(folder) / f"{SMALL_GRAPH}.data").exists():
            raise UserError("precision: int8 is for models of less than 2 GB")
        return np.fromfile(Path(folder) / SMALL_GRAPH, dtype=np.uint8)
