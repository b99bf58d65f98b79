"""What is tried next: values that were not tried yet, as jobs."""

import itertools
import random
from collections.abc import Sequence

import optuna
from optuna.trial import TrialState

from polarity.config.compose import as_job, compose_jobs, resolved
from polarity.config.search.asked import Search
from polarity.content import Config
from polarity.runs.environment import name_of_rows
from polarity.sweeps.folder import Sweep
from polarity.sweeps.plan import PlannedJob, refuse_changed_presets, refuse_changed_rows
from polarity.sweeps.search.study import JOBS, distributions, jobs_of, known_to, proposals, sampler, written

TRIES, MOST_TRIES = 20, 500
"""How often the sampler, and then chance, is asked for values that were not tried yet."""
LISTED = 10_000
"""Up to so many combinations of values are listed to find those that were not tried yet."""


class Proposals:
    """What a search proposes.

    :param record: what the sweep was asked of the search.
    :param config_dir: further folder of presets.
    """

    def __init__(self, sweep: Sweep, record: Config, config_dir: str | None) -> None:
        self.sweep, self.record, self.config_dir = sweep, record, config_dir
        self.search = Search.recorded(record)
        self._compared = set[str]()

    def ask(self, study: optuna.Study) -> PlannedJob | None:
        """Begin a trial of values that were not tried yet; returns its first job, or None where there are no others."""
        parameters, known = self.search.parameters, known_to(study)
        tried = {tuple(written(parameters, trial.params)) for trial in known}
        names = {jobs_of(trial)[0] for trial in known}
        for attempt in range(MOST_TRIES):
            number, again = len(study.trials), attempt >= TRIES
            study.sampler = sampler("random" if again else self.record["sampler"], self.record["seed"], number)
            if again and not self._enqueue_untried(study, tried, number):
                break
            trial = study.ask(distributions(parameters))
            values = written(parameters, trial.params)
            jobs = [] if tuple(values) in tried else [self.job(values, n) for n in range(self.record["seeds"])]
            if jobs and jobs[0].name not in names:
                trial.set_user_attr(JOBS, [job.name for job in jobs])
                return jobs[0]
            tried.add(tuple(values))
            study.tell(trial, state=TrialState.FAIL)
        return None

    def _enqueue_untried(self, study: optuna.Study, tried: set[tuple[str, ...]], number: int) -> bool:
        """Choose values at random that were not tried yet, where a sampler comes back to the same ones."""
        parameters = self.search.parameters
        if self.search.count > LISTED:
            return True
        keys = [one.key for one in parameters]
        all_of = [dict(zip(keys, values, strict=True)) for values in itertools.product(*map(proposals, parameters))]
        left = [values for values in all_of if tuple(written(parameters, values)) not in tried]
        if left:
            study.enqueue_trial(random.Random(number).choice(left))  # noqa: S311 - no secret
        return bool(left)

    def job(self, values: Sequence[str], number: int) -> PlannedJob:
        """A job with proposed values.

        :param number: of its seed.
        :raises UserError: if its presets, or its rows, are not those that the search was begun with.
        """
        own = [f"seed={self.record['seed'] + number}"] if self.record["seeds"] > 1 else []
        overrides = [*self.record["overrides"], *values, *own]
        (job,) = compose_jobs(self.record["config_name"], overrides, config_dir=self.config_dir, multirun=False)
        planned = PlannedJob(as_job(resolved(job.config)[0], str(self.sweep.path)), job.overrides)
        if number == 0:  # what follows from the seed is another with each, and was recorded of the first
            refuse_changed_presets(self.sweep, planned)
        if (rows := name_of_rows(planned.config)) not in self._compared:
            refuse_changed_rows(self.sweep, [planned])
            self._compared.add(rows)
        return planned
