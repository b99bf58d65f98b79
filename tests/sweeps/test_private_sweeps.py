"""With reporting=private no file of a sweep holds a text, whatever becomes of its jobs."""

from pathlib import Path
from string import ascii_lowercase as LETTERS

import pytest

from polarity.config.preflight import forget_rows
from polarity.sweeps.folder import Sweep
from polarity.sweeps.here import run_here
from polarity.train import _asked, _checked
from tests.readings import holding, holds, pieces
from tests.verbs import said_by

HEADLESS = "a first line that is gone"
LEAKS = {
    "a text in two splits": lambda rows: [*rows, {**rows[-1], "id": "copy", "split": "train"}],
    "a text as a label": lambda rows: [*rows, {**rows[0], "id": "other", "tone": rows[1]["text"]}],
    "a text in a cell too many": lambda rows: [*rows, {**rows[0], "id": "wide", "split": f"train,{rows[1]['text']}"}],
    HEADLESS: lambda rows: rows,
}
"""What may befall a file: rows with a problem whose message would show a text."""


@pytest.mark.parametrize("reporting", ["private", "default"])
@pytest.mark.parametrize("leak", LEAKS)
def test_no_file_of_a_private_sweep_holds_a_text_although_its_jobs_are_refused(
    leak: str, reporting: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The jobs of a sweep have folders before they begin, and their data may change meanwhile."""
    file = tmp_path / "corpus.csv"
    rows = [
        {"id": f"r{n}", "text": f"{'good' if n % 2 else 'bad'} {LETTERS[n % 26] * 7} {LETTERS[n // 26] * 9} news",
         "tone": ("yes", "no")[n % 2], "topic": "war", "split": ("train", "train", "val")[n // 20]}
        for n in range(60)
    ]  # fmt: skip

    def write(lines: list[dict[str, str]], *, header: bool) -> None:
        written = [",".join(line.values()) for line in lines]
        file.write_text("\n".join([",".join(rows[0]), *written] if header else written), encoding="utf-8")

    write(rows, header=True)
    data = ["data=csv", f"data.path={file}", "data.id=id", "data.split_column=split", "data.tasks={tone:[yes,no]}"]
    quiet = ["model=ngrams", "trainer.accelerator=cpu", f"reporting={reporting}", "reporting.baselines=false"]
    places = [f"output_dir={tmp_path / 'outputs'}", f"cache_dir={tmp_path / 'cache'}"]
    arguments = ["-m", *data, *quiet, *places, "seed=0,1"]
    told = _asked(arguments, _checked(arguments)[1])  # type: ignore[arg-type]
    folder = Path(told[-1].partition("=")[2].strip('"'))
    write(LEAKS[leak](rows), header=leak != HEADLESS)
    forget_rows()
    said = said_by("train", f"resume={folder}", "hydra/launcher=basic", code=2)
    sweep = Sweep.open(folder)
    assert [job.recorded for job in sweep.jobs] == ["waiting"] * 2, said
    for job in sweep.jobs:  # as those that nobody could ask any more
        run_here(sweep, job, {})
    said += capsys.readouterr().out + said_by("sweep", str(folder), "report")
    assert [job.recorded for job in sweep.jobs] == ["failed"] * 2, said
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert {"status.json", "jobs.csv", "sweep.html"} <= {path.name for path in files}
    texts = [row["text"] for row in rows]
    assert bool(holding(folder, texts)) == (reporting == "default"), "else this would look for the wrong thing"
    assert holds(said.encode(), pieces(texts)) == (reporting == "default")
