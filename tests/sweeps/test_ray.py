"""What is special to Ray among the engines of sweeps."""

import signal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from polarity.errors import UserError
from polarity.sweeps.crew import Crew, Worker
from polarity.sweeps.elsewhere import Given
from polarity.sweeps.ray import cluster, giving, problems
from polarity.sweeps.ray.giving import ActorProcess, Machines, Ray
from polarity.sweeps.ray.within import AtWork
from polarity.train import check
from tests.running import overrides
from tests.sweeps.clusters import free_port
from tests.sweeps.test_planning import SHORT, planned

ray = pytest.importorskip("ray", reason="needs the extra polarity[ray]")


class Actor:
    """In the place of a worker's: it has ended, by an exit code or an error, or goes on."""

    def __init__(self, outcome: object) -> None:
        self.outcome = outcome
        self.told = list[int]()
        self.end = SimpleNamespace(remote=lambda: self)
        self.stop = SimpleNamespace(remote=self.told.append)


@pytest.fixture
def actors(monkeypatch: pytest.MonkeyPatch) -> list[Actor]:
    """What Ray is asked for is the next of these; those that were ended are no more among them."""
    made = list[Actor]()

    def get(actor: Actor) -> object:
        if isinstance(actor.outcome, Exception):
            raise actor.outcome
        return actor.outcome

    def wait(asked: list[Actor], timeout: float) -> tuple[list[Actor], list[Actor]]:
        if isinstance(asked[0].outcome, ConnectionError):
            raise asked[0].outcome
        return ([] if asked[0].outcome is None else asked), []

    def kill(actor: Actor) -> None:
        if actor.outcome is None:
            actor.outcome = ray.exceptions.RayActorError()

    monkeypatch.setattr(ActorProcess, "lost", False)
    monkeypatch.setattr(ray, "remote", lambda _: SimpleNamespace(options=lambda **_: SimpleNamespace(remote=take)))
    monkeypatch.setattr(ray, "wait", wait)
    monkeypatch.setattr(ray, "get", get)
    monkeypatch.setattr(ray, "kill", kill)

    def take(*_: object, **__: object) -> Actor:
        return made[-1]

    return made


def test_what_becomes_of_an_order(tmp_path: Path, actors: list[Actor]) -> None:
    found = planned(tmp_path, "seed=0", "sweep=one")
    (job,) = found.jobs

    def order(outcome: object) -> ActorProcess:
        ActorProcess.lost = False
        actors.append(Actor(outcome))
        return ActorProcess(job, Given(str(found.path), job.name, {}, {}), {"CPU": 1}, stays=False)

    assert order(0).poll() == 0
    assert order(2).poll() == 2
    assert order(None).poll() is None
    assert order(ray.exceptions.RayActorError()).poll() == 0, "the next line goes on with it"
    lost = order(ray.exceptions.ActorUnavailableError("socket closed", None))
    assert lost.poll() is None, "Ray begins it anew elsewhere"
    actors[-1].outcome = 0
    assert lost.poll() == 0
    with pytest.raises(UserError, match="the cluster answers no more; the same command line goes on"):
        order(ConnectionError()).poll()
    cause = ModuleNotFoundError("No module named 'polarity'")
    with pytest.raises(UserError, match="a worker could not begin: No module named 'polarity'"):
        order(ray.exceptions.RayTaskError("end", "", cause, pid=1, ip="::1")).poll()
    waits = order(None)
    waits.send_signal(signal.SIGTERM)
    assert waits.poll() == 0, "taken back, since nobody has begun"
    assert actors[-1].told == []
    runs = order(None)
    job.claim.take()
    for number in (signal.SIGINT, signal.SIGTERM):
        runs.send_signal(number)
        assert runs.poll() is None
    assert actors[-1].told == [signal.SIGINT, signal.SIGTERM]


@pytest.mark.parametrize("lost", [True, False])
def test_a_sweep_that_cannot_go_on_tells_whom_it_can(
    lost: bool,
    tmp_path: Path,
    actors: list[Actor],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = planned(tmp_path, "seed=0,1", "sweep=one")
    monkeypatch.setattr("polarity.sweeps.crew.PAUSE", 0.0)
    cause = ModuleNotFoundError("No module named 'polarity'")
    error = ConnectionError() if lost else ray.exceptions.RayTaskError("end", "", cause, pid=1, ip="::1")
    crew = Crew(found, Machines(found, Ray(address="auto")), {})
    for job, outcome in zip(found.jobs, (error, error if lost else None), strict=True):
        actors.append(Actor(outcome))
        process = ActorProcess(job, Given(str(found.path), job.name, {}, {}), {"CPU": 1}, stays=False)
        crew._takes_on(Worker(job, process, {}, job.run.recorded))
    with pytest.raises(UserError, match="the cluster answers no more" if lost else "a worker could not begin"):
        crew.run()
    assert crew.workers == []
    said = capsys.readouterr().out
    assert ("1 job told to stop" in said, "told to stop" in said) == (not lost, not lost)
    assert lost or isinstance(actors[1].outcome, ray.exceptions.RayActorError), "taken back"


def test_a_job_that_cannot_run_is_told_where_its_end_is_asked_for(tmp_path: Path) -> None:
    found = planned(tmp_path, "seed=0", "sweep=one")
    work = AtWork(Given(str(found.path), "another", {}, {}), leaves=False)
    assert not work.stop(signal.SIGTERM)
    with pytest.raises(UserError, match="has no job another"):
        work.end()


@pytest.mark.parametrize(
    ("settings", "cluster_has", "expected"),
    [
        ({}, {"CPU": 8.0}, {"CPU": 1}),
        ({"cores": 4}, {"CPU": 8.0, "GPU": 4.0}, {"CPU": 4, "GPU": 2}),
        ({"gpus": 1}, {"CPU": 8.0}, {"CPU": 1, "GPU": 1}),
        ({"gpus": 0}, {"CPU": 8.0, "GPU": 4.0}, {"CPU": 1}),
    ],
)
def test_what_each_job_needs(
    settings: dict[str, int], cluster_has: dict[str, float], expected: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(giving, "resources", lambda: cluster_has)
    job: Any = SimpleNamespace(settings=SimpleNamespace(on_cpu=False, devices=2))
    on_cpu: Any = SimpleNamespace(settings=SimpleNamespace(on_cpu=True, devices=2))
    asked = Ray(address="auto", **settings)
    assert asked.needs([job]) == expected
    if "gpus" not in settings:
        assert "GPU" not in asked.needs([on_cpu])
    assert asked.own == {"OMP_NUM_THREADS": str(expected["CPU"])}


def test_as_many_are_given_as_find_room_and_one_without_a_machine_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = planned(tmp_path, "seed=0,1,2")
    assert len(Ray(address="auto").places(found)) == 3
    assert len(Ray(address="auto", jobs=2).places(found)) == 2
    monkeypatch.setattr(giving, "resources", lambda: {"CPU": 9.0})
    monkeypatch.setattr(giving, "machines", lambda: [{"CPU": 3.0}] * 3)
    assert Machines(found, Ray(address="auto", cores=2)).room() == 4
    assert Machines(found, Ray(address="auto", cores=3)).told(found.jobs[0]) == "given to Ray"
    said = Machines(found, Ray(address="auto", cores=4, gpus=1)).told(found.jobs[0])
    assert said == "given to Ray, which has no machine with CPU 4 and GPU 1 yet"


@pytest.mark.slow
def test_what_stands_against_it_is_told_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*more: str) -> tuple[str, ...]:
        line = overrides(tmp_path, *SHORT, rows=60)
        with pytest.raises(UserError) as error:
            check(["-m", *line, "hydra/launcher=ray", *(f"hydra.launcher.{text}" for text in more), "seed=0"])
        return error.value.problems

    monkeypatch.setattr(cluster, "ANSWER", 0.5)
    (nowhere,) = refused()
    assert nowhere.startswith("hydra.launcher.address: where is the cluster?")
    for place in (f"127.0.0.1:{free_port()}", f"ray://127.0.0.1:{free_port()}", "127.0.0.1:99999"):
        (nobody,) = refused(f"address={place}")
        assert nobody.startswith(f"hydra.launcher.address: no cluster of Ray answers at {place} (")
    for place in ("nonsense", "local", "http://there:1"):
        assert "has to be HOST:PORT, ray://HOST:PORT or auto" in refused(f"address={place}")[0]
    assert "jobs: with wait=false" in refused("address=auto", "wait=false", "jobs=2")[0]
    for key, value in (("cores", "0"), ("gpus", "-1"), ("cores", "many")):
        assert f"hydra.launcher.{key}: must be" in refused("address=auto", f"{key}={value}")[0]
    monkeypatch.setattr(problems, "find_spec", lambda _: None)
    assert "pip install 'polarity[ray]'" in refused("address=auto")[0]
    assert not (tmp_path / "outputs").exists()


@pytest.mark.parametrize("error", [RuntimeError, ConnectionAbortedError])
def test_a_cluster_that_is_too_busy_at_first_is_asked_again(
    error: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, ready = list[str](), 3

    def init(address: str, **_: object) -> None:
        asked.append(address)
        if len(asked) < ready:
            raise error("Starting Ray client server failed")

    monkeypatch.setattr(ray, "init", init)
    monkeypatch.setattr(ray, "shutdown", lambda: asked.append("left"))
    monkeypatch.setattr(cluster, "PAUSE", 0.0)
    with cluster.cluster_at("auto"):
        assert asked == ["auto"] * 3
    assert asked[3:] == ["left"]
    asked.clear()
    ready = 4
    with pytest.raises(UserError, match="no cluster of Ray answers at auto"), cluster.cluster_at("auto"):
        pass
