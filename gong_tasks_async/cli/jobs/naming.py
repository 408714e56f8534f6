"""The name under which a job is submitted: the given one, or the first of the day that is free."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from itertools import count

from attrs import frozen

from gong_tasks_async.bulk.plan import Plan
from gong_tasks_async.distributed import Job, JobExistsError, Jobs, JobState


def names_of_the_day(stem: str) -> Iterator[str]:
    """A name with today's date, then with ``-2`` and so on."""
    return numbered(f"{stem}-{datetime.now().date()}")  # noqa: DTZ005 - the local day


def numbered(stem: str) -> Iterator[str]:
    """A name, then with ``-2`` and so on."""
    return (stem if number == 1 else f"{stem}-{number}" for number in count(1))


@frozen
class Submission:
    """One submission, under the first name that it finds."""

    names: Iterable[str]
    """That are tried in turn; a given name is the only one."""
    origin: Mapping[str, str]
    is_new: bool
    """Whether a finished job of the same rows does not count."""

    async def submit(self, jobs: Jobs, plan: Plan, credentials: str, base_url: str, *, guard: bool) -> Job:
        """Submit under the first name that is free or has the same rows.

        Raises:
            JobExistsError: each name is another job's, or a finished one's.
        """
        refused: JobExistsError | None = None
        for name in self.names:
            try:
                job = await jobs.submit(
                    plan,
                    name=name,
                    guard=guard,
                    credentials=credentials,
                    base_url=base_url,
                    origin=self.origin,
                )
            except JobExistsError as error:
                refused = error
                continue
            if not (self.is_new and job.submitted_before):
                return job
            refused = JobExistsError(job=name, state=str(JobState.ENDED))
        if refused is None:
            raise ValueError("a submission needs a name")
        raise refused
