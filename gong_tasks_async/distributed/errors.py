"""What can go wrong with a job, beside what can go wrong with a call."""

from __future__ import annotations

from attrs import define

from gong_tasks_async.errors import GongError, Meaning


@define(slots=False, eq=False, repr=False, kw_only=True)
class JobStoreError(GongError):
    """Redis did not answer, or refused. Whatever was recorded stands; the text holds no address and no password."""

    meaning = Meaning.LATER

    reason: str

    def __str__(self) -> str:
        return f"The jobs' Redis: {self.reason}. What is recorded there stands; try again once it answers."


@define(slots=False, eq=False, repr=False, kw_only=True)
class JobNotFoundError(GongError):
    """The company has no such job, or its results were kept long enough and are gone."""

    meaning = Meaning.RUN

    job: str
    company: str

    def __str__(self) -> str:
        return f"{self.company} has no job {self.job!r}: look at its name, and how long results are kept."


@define(slots=False, eq=False, repr=False, kw_only=True)
class JobExistsError(GongError):
    """There is a job of that name already, with other rows."""

    meaning = Meaning.RUN

    job: str

    def __str__(self) -> str:
        return f"There is a job {self.job!r} already, with other rows: choose another name for this one."


@define(slots=False, eq=False, repr=False, kw_only=True)
class UnknownCredentialsError(GongError):
    """A worker has no credentials of that name, or cannot use them; no call was sent."""

    meaning = Meaning.RUN

    name: str
    reason: str = "it has none of that name"

    def __str__(self) -> str:
        return (
            f"The worker that took a row cannot use the credentials {self.name!r} ({self.reason}): give them to all "
            "workers of this company, then resume the job."
        )
