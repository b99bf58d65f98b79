"""What stands against giving the jobs of a sweep to Dask, found before there is a sweep."""

from importlib.util import find_spec

from polarity.config.schema import section_problems
from polarity.content import Config
from polarity.errors import UserError
from polarity.signature import TARGET

SETTINGS = "polarity.sweeps.dask.giving.Dask"


def problems_of_dask(launcher: Config) -> list[str]:
    """A problem for each setting that is wrong, for what is not installed, and for a scheduler that does not answer.

    :param launcher: the section ``hydra.launcher``; how many jobs run at a time is looked at for all launchers alike.
    """
    settings = {key: value for key, value in launcher.items() if key != "jobs"}
    problems = section_problems("hydra.launcher", {**settings, TARGET: SETTINGS})
    if not problems and not settings["wait"]:
        if settings["address"] is None:
            problems.append("hydra.launcher.wait: false needs an address; workers without one end with the command")
        if launcher["jobs"] is not None:
            problems.append("hydra.launcher.jobs: with wait=false nobody is there to count; its workers' threads do")
    if find_spec("distributed") is None:
        problems.append("hydra/launcher=dask: needs the package distributed: pip install 'polarity[dask]'")
    if problems or settings["address"] is None:
        return problems
    from polarity.sweeps.dask.cluster import client_of

    try:
        with client_of(settings["address"]):
            return []
    except UserError as error:
        return list(error.problems)
