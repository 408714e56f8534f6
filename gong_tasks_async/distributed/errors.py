"""Errors of jobs, beside those of calls."""

from __future__ import annotations

from attrs import define

from gong_tasks_async.errors import GongError, Meaning


@define(slots=False, eq=False, repr=False, kw_only=True)
class JobStoreError(GongError):
    """Redis did not respond, or refused. What was recorded is kept; the message holds no address and no password."""

    meaning = Meaning.LATER

    reason: str

    def __str__(self) -> str:
        return f"The jobs' Redis: {self.reason}. Recorded rows are kept; try again once it responds."


@define(slots=False, eq=False, repr=False, kw_only=True)
class JobNotFoundError(GongError):
    """The company has no job of that name, or its results have expired."""

    meaning = Meaning.RUN

    job: str
    company: str

    def __str__(self) -> str:
        return (
            f"{self.company} has no job {self.job!r}: check its name, and whether its results have expired."
        )


@define(slots=False, eq=False, repr=False, kw_only=True)
class JobExistsError(GongError):
    """A job of that name exists, with other rows."""

    meaning = Meaning.RUN

    job: str

    def __str__(self) -> str:
        return f"A job {self.job!r} exists, with other rows: choose another name."


@define(slots=False, eq=False, repr=False, kw_only=True)
class UnknownCredentialsError(GongError):
    """A worker has no credentials of that name, or cannot use them; no request was sent."""

    meaning = Meaning.RUN

    name: str
    reason: str = "no credentials of that name"

    def __str__(self) -> str:
        return (
            f"A worker cannot use the credentials {self.name!r} ({self.reason}): give them to all workers of this "
            "company, then resume the job."
        )
