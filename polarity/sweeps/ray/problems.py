"""What stands against giving the jobs of a sweep to Ray, found before there is a sweep."""

from importlib.util import find_spec

from polarity.config.launcher import LauncherSettings
from polarity.errors import UserError

SETTINGS = "polarity.sweeps.ray.giving.Ray"


def problems_of_ray(launcher: LauncherSettings) -> list[str]:
    """A problem for each setting that is wrong, for what is not installed, and for a cluster that does not answer."""
    if launcher.address is None:
        problems = ["hydra.launcher.address: where is the cluster? On this machine alone, hydra/launcher=local does it"]
    else:
        problems = launcher.problems(SETTINGS)
    if not launcher.wait and launcher.jobs is not None:
        problems.append("hydra.launcher.jobs: with wait=false nobody is there to count; its machines' cores do")
    if find_spec("ray") is None:
        problems.append("hydra/launcher=ray: needs the package ray: pip install 'polarity[ray]'")
    if problems or launcher.address is None:
        return problems
    from polarity.sweeps.ray.cluster import cluster_at

    try:
        with cluster_at(launcher.address):
            return []
    except UserError as error:
        return list(error.problems)
