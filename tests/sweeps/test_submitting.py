"""What a sweep gives to SLURM, and what SLURM's job then does; the cluster is this process."""

import shutil
import signal
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import submitit

from polarity.errors import UserError
from polarity.signals import Interrupted
from polarity.sweeps.crew import Crew
from polarity.sweeps.folder import Sweep
from polarity.sweeps.slurm import problems, queue, within
from polarity.sweeps.slurm.queue import Submissions
from polarity.sweeps.slurm.submitting import Slurm, _wait
from polarity.sweeps.slurm.within import Submitted
from polarity.train import check
from tests.running import overrides
from tests.sweeping import only_sweep, states, sweep
from tests.sweeps.test_planning import SHORT, planned

SLURM = "hydra/launcher=slurm"


class Cluster:
    """Runs what is submitted at once, within this process, if it runs it at all."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.submitted: list[Submitted] = []
        self.queued: set[str] = set()
        self.runs = True

    def executor(self, **settings: Any) -> Any:
        """In the place of submitit's."""
        cluster, number = self, len(self.asked)

        class Executor(submitit.DebugExecutor):
            def __init__(self) -> None:
                super().__init__(settings["folder"])

            def update_parameters(self, **parameters: Any) -> None:
                submitit.slurm.slurm._make_sbatch_string(command="", folder=self.folder, **parameters)
                cluster.asked.append(parameters)

            def submit_array(self, functions: Any) -> Any:
                cluster.submitted += functions
                jobs = [self.submit(function) for function in functions]
                for place, job in enumerate(jobs):
                    with suppress(SystemExit):
                        assert not cluster.runs or job.exception() is None
                    job._job_id = f"{number}_{place}"
                cluster.queued |= {job._job_id for job in jobs if not cluster.runs}
                return jobs

        return Executor()


@pytest.fixture
def slurm(monkeypatch: pytest.MonkeyPatch) -> Cluster:
    made = Cluster()
    monkeypatch.setattr("submitit.SlurmExecutor", made.executor)
    monkeypatch.setattr(queue, "_queue", lambda _: made.queued)
    monkeypatch.setattr("polarity.sweeps.slurm.submitting.PAUSE", 0.0)
    monkeypatch.setattr(shutil, "which", lambda name, **_: f"/usr/bin/{name}")
    return made


def line(folder: Path, *more: str) -> list[str]:
    return ["-m", *overrides(folder, *SHORT, "trainer.log_every_n_steps=1", rows=60), SLURM, *more]


@pytest.mark.slow
def test_what_is_missing_is_submitted_as_one_array_and_waited_for(slurm: Cluster, tmp_path: Path) -> None:
    said = sweep(*line(tmp_path, "seed=0,1", "hydra.launcher.jobs=1", "hydra.launcher.more={account: lab}"))
    assert states(tmp_path) == ["finished"] * 2
    assert "job 2: seed=1: job 0_1 of SLURM" in said
    (asked,) = slurm.asked
    assert (asked["array_parallelism"], asked["ntasks_per_node"], asked["job_name"]) == (
        1,
        1,
        f"polarity-{only_sweep(tmp_path).path.name}",
    )
    assert asked["additional_parameters"] == {"requeue": True, "chdir": str(Path.cwd()), "account": "lab"}
    assert "nothing is missing" in sweep(*line(tmp_path, "seed=0,1"))
    assert len(slurm.submitted) == 2
    for again in slurm.submitted:
        again()
    assert [len(job.run.environment.read_text().split('"command"')) for job in only_sweep(tmp_path).jobs] == [2, 2]


@pytest.mark.slow
def test_what_stands_in_the_queue_waits_and_is_not_submitted_again(slurm: Cluster, tmp_path: Path) -> None:
    slurm.runs = False
    said = sweep(*line(tmp_path, "seed=0,1", "hydra.launcher.wait=false"))
    assert f"squeue --name=polarity-{only_sweep(tmp_path).path.name}" in said
    assert states(tmp_path) == ["waiting"] * 2
    again = sweep(f"resume={only_sweep(tmp_path).path}", SLURM, "hydra.launcher.wait=false")
    assert "2 jobs in SLURM's queue already" in again
    assert len(slurm.submitted) == 2
    slurm.queued.remove("0_0")  # somebody has cancelled it
    sweep(*line(tmp_path, "seed=0,1", "hydra.launcher.wait=false"))
    first, _ = only_sweep(tmp_path).jobs
    assert [task.name for task in slurm.submitted[2:]] == [first.name]


@pytest.mark.slow
def test_a_job_that_ends_before_it_knows_its_run_has_failed(
    slurm: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slurm.runs = False
    monkeypatch.setattr(queue, "_queue", lambda _: set())
    found = planned(tmp_path, "seed=0", "sweep=one", SLURM)
    (found.path / "slurm").mkdir()
    (found.path / "slurm" / "0_0_0_log.err").write_text("ModuleNotFoundError: No module named 'polarity'")
    assert "No module named" in sweep(f"resume={found.path}", SLURM, code=1)
    assert states(tmp_path) == ["failed"]


def test_a_job_whose_folder_was_deleted_is_waited_for_and_has_no_end(
    slurm: Cluster, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The others are told of nevertheless."""
    found = planned(tmp_path, "seed=0,1", "sweep=one")
    submissions = Submissions(found)
    submissions.folder.mkdir()
    numbers = {job.name: f"17_{place}" for place, job in enumerate(found.jobs)}
    submissions.add(numbers)
    gone, left = found.jobs
    shutil.rmtree(gone.run.path)
    found = Sweep.open(found.path)
    assert not slurm.queued
    _wait(found, submissions, numbers)
    assert [job.name for job in found.jobs] == [left.name]
    assert "job 2 waiting" in capsys.readouterr().out
    with pytest.raises(UserError, match=f"has no job {gone.name}, or its folder is gone"):
        found.job(gone.name)


@pytest.mark.usefixtures("slurm")
def test_jobs_of_a_sweep_that_goes_on_are_looked_at_as_those_of_a_new_one(tmp_path: Path) -> None:
    """With devices that SLURM does not know it would give them one."""
    found = planned(tmp_path, "seed=0,1", "sweep=one", "trainer.devices=auto")
    said = sweep(f"resume={found.path}", SLURM, "hydra.launcher.wait=false", code=2)
    assert "trainer.devices: SLURM has to know how many processes to start; give a number" in said
    assert states(tmp_path) == ["waiting"] * 2


def test_what_ends_the_waiting_ends_no_job_and_says_how(
    slurm: Cluster, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As a search whose presets are others by now."""
    found = planned(tmp_path, "seed=0,1", "sweep=one")
    submissions, slurm.queued = Submissions(found), {"17_0"}
    submissions.folder.mkdir()
    submissions.add({found.jobs[0].name: "17_0"})

    class Changed(Crew):
        def start_more(self) -> None:
            raise UserError("sweep: has another configuration")

    def work() -> None:
        with Slurm(jobs=1).engine(found) as engine:
            crew = Changed(found, engine, {})
            crew.workers = engine.adopted(found.jobs)
            crew.run()

    with pytest.raises(UserError, match="another configuration"):
        work()
    said = capsys.readouterr().out
    assert "the jobs stay with SLURM; scancel 17 ends them" in said
    assert "told to stop" not in said
    slurm.queued = set()
    with pytest.raises(UserError), Slurm(jobs=1).engine(found):
        raise UserError("sweep: has another configuration")
    assert "scancel" not in capsys.readouterr().out, "none is there"


def test_what_a_job_needs_is_asked_for(tmp_path: Path) -> None:
    found = planned(tmp_path, "seed=0")
    asked = Slurm(cores=8, memory=32.0, minutes=90, partition="gpu").options(found, (2, 4, False))
    assert {name: asked[name] for name in ("nodes", "ntasks_per_node", "gpus_per_node", "cpus_per_task")} == {
        "nodes": 2,
        "ntasks_per_node": 4,
        "gpus_per_node": 4,
        "cpus_per_task": 8,
    }
    assert (asked["mem"], asked["time"], asked["partition"], asked["signal_delay_s"]) == ("32768M", 90, "gpu", 120)
    assert Slurm(memory=2.5).options(found, (1, 1, True))["mem"] == "2560M"
    assert "gpus_per_node" not in Slurm().options(found, (1, 1, True))
    assert "no-requeue" in Slurm(requeue=False).options(found, (1, 1, True))["additional_parameters"]


def test_a_signal_reaches_submitit_when_all_is_saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise Interrupted(signal.SIGUSR2)

    heard: list[int] = []
    monkeypatch.setattr(within, "run_here", interrupted)
    before = signal.signal(signal.SIGUSR2, lambda number, _: heard.append(number))
    found = planned(tmp_path, "seed=0")
    task = Submitted(str(found.path), found.jobs[0].name, {})
    with pytest.raises(SystemExit):
        task()
    signal.signal(signal.SIGUSR2, before)
    assert heard == [signal.SIGUSR2]
    again = task.checkpoint()
    assert again is not None
    assert again.function == task
    assert Submitted(task.sweep, task.name, {}, requeue=False).checkpoint() is None


def test_what_stands_against_it_is_told_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _, **__: None)
    monkeypatch.setattr(problems, "find_spec", lambda _: None)
    wrong = ("hydra.launcher.minutes=0", "hydra.launcher.gpus=-1", "trainer.devices=auto", "seed=0,1")
    with pytest.raises(UserError) as error:
        check(line(tmp_path, *wrong))
    told = "\n".join(error.value.problems)
    for text in (
        "hydra.launcher.minutes: must be",
        "hydra.launcher.gpus: must be",
        "trainer.devices: SLURM has to know",
        "pip install 'polarity[slurm]'",
        "there is no sbatch, squeue, srun here",
    ):
        assert text in told
    assert len(error.value.problems) == 5
    assert not (tmp_path / "outputs").exists()
    with pytest.raises(UserError, match=r"hydra.launcher.grace: has to be shorter"):
        check(line(tmp_path, "hydra.launcher.minutes=2", "seed=0,1"))
    with pytest.raises(UserError, match=r"hydra.launcher.cores: has an effect with -m only"):
        check([*overrides(tmp_path), SLURM, "hydra.launcher.cores=2"])


@pytest.mark.slow
@pytest.mark.usefixtures("slurm")
def test_what_the_other_machines_have_is_not_looked_for_here(tmp_path: Path) -> None:
    gpus = ("trainer.accelerator=gpu", "trainer=ddp", "trainer.devices=4", "trainer.num_nodes=2", "seed=0,1")
    check(line(tmp_path, *gpus, "trainer.precision=16-mixed"))
    with pytest.raises(UserError, match=r"trainer.accelerator: the Trainer cannot be built"):
        check(line(tmp_path, *gpus, "hydra/launcher=local"))
