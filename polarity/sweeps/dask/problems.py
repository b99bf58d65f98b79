"""What stands against giving the jobs of a sweep to Dask, found before there is a sweep."""

from importlib.util import find_spec

from polarity.config.launcher import LauncherSettings
from polarity.errors import UserError

SETTINGS = "polarity.sweeps.dask.giving.Dask"


def problems_of_dask(launcher: LauncherSettings) -> list[str]:
    """A problem for each setting that is wrong, for what is not installed, and for a scheduler that does not answer."""
    problems = launcher.problems(SETTINGS)
    if not problems and not launcher.wait:
        if launcher.address is None:
            problems.append("hydra.launcher.wait: false needs an address; workers without one end with the command")
        if launcher.jobs is not None:
            problems.append("hydra.launcher.jobs: with wait=false nobody is there to count; its workers' threads do")
    if find_spec("distributed") is None:
        problems.append("hydra/launcher=dask: needs the package distributed: pip install 'polarity[dask]'")
    if problems or launcher.address is None:
        return problems
    from polarity.sweeps.dask.cluster import client_of

    try:
        with client_of(launcher.address):
            return []
    except UserError as error:
        return list(error.problems)
