"""Errors of jobs, beside those of calls."""

from __future__ import annotations

from attrs import define

from gong_tasks_async.errors import GongError, Meaning


@define(slots=False, eq=False, repr=False, kw_only=True)
class JobStoreError(GongError):
    """Redis did not respond, or refused. What was recorded is kept; the message holds no address and no password.

    Attributes:
        reason: what failed.
    """

    meaning = Meaning.LATER

    reason: str

    def _text(self) -> str:
        return f"The jobs' Redis: {self.reason}. Recorded rows are kept; try again once it responds."


@define(slots=False, eq=False, repr=False, kw_only=True)
class CorruptJobError(JobStoreError):
    """A job's keys hold something that no version of this package wrote, or that a newer one did."""

    meaning = Meaning.RUN

    def _text(self) -> str:
        return f"The jobs' Redis: {self.reason}. Upgrade this installation, or submit the rows under another name."


@define(slots=False, eq=False, repr=False, kw_only=True)
class UnreadableRowError(GongError):
    """A row of a job cannot be read by this version; no request was sent.

    Attributes:
        job: the job's name.
        number: the row's place in the plan, from 1.
        reason: why the row cannot be read.
    """

    meaning = Meaning.LATER

    job: str
    number: int
    reason: str

    def _text(self) -> str:
        return (
            f"Row {self.number} of job {self.job!r} cannot be read: {self.reason}. Upgrade the workers, then resume "
            "the job; or submit that row in another job."
        )


@define(slots=False, eq=False, repr=False, kw_only=True)
class RowCrashedError(GongError):
    """An unexpected exception ended an attempt at a row: a bug, or a faulty callback of the worker's settings.

    Attributes:
        reason: the exception's class; its text might hold a secret.
    """

    meaning = Meaning.LATER

    reason: str

    def _text(self) -> str:
        return f"{self.request}: an unexpected {self.reason} on the worker; its log has the traceback."


@define(slots=False, eq=False, repr=False, kw_only=True)
class RowLostError(GongError):
    """Workers ended with a row in flight, time and again, and recorded nothing; the update may have been made."""

    meaning = Meaning.LATER

    def _text(self) -> str:
        return (
            "Each worker that had this row in flight ended without recording anything: it may be this row that ends "
            "them, and its update may have been made. Look into the workers' logs, then resume the job."
        )


@define(slots=False, eq=False, repr=False, kw_only=True)
class JobNotFoundError(GongError):
    """The company has no job of that name, or its results have expired.

    Attributes:
        job: the name that was asked for.
        company: the company whose jobs were searched.
    """

    meaning = Meaning.RUN

    job: str
    company: str

    def _text(self) -> str:
        return (
            f"{self.company} has no job {self.job!r}: check its name, and whether its results have expired."
        )


@define(slots=False, eq=False, repr=False, kw_only=True)
class JobExistsError(GongError):
    """A job of that name exists: with other rows, or with the same ones but no longer to be worked on.

    Attributes:
        job: the job's name.
        state: the state of a job with the same rows, such as ``"cancelled"``; None if its rows are others.
    """

    meaning = Meaning.RUN

    job: str
    state: str | None = None

    def _text(self) -> str:
        if self.state is not None:
            return f"These rows are already job {self.job!r}, which is {self.state}: choose another name."
        return f"A job {self.job!r} exists, with other rows: choose another name."


@define(slots=False, eq=False, repr=False, kw_only=True)
class JobBusyError(GongError):
    """The job is not in a state for that: rows of it may be in flight, or it was cancelled.

    Attributes:
        job: the job's name.
        state: its state, such as ``running``.
    """

    meaning = Meaning.RUN

    job: str
    state: str

    def _text(self) -> str:
        if self.state == "cancelled":
            return (
                f"Job {self.job!r} is cancelled, and cannot be resumed: submit its rows under another name."
            )
        return f"Job {self.job!r} is {self.state}: wait until it ends, or cancel it."


@define(slots=False, eq=False, repr=False, kw_only=True)
class WrongAddressError(GongError):
    """A job is for another API address than the worker's credentials; nothing was sent to either.

    Attributes:
        name: the credentials' name.
        job_url: the base URL for which the job was submitted.
        worker_url: the base URL of the worker's credentials.
    """

    meaning = Meaning.RUN

    name: str
    job_url: str
    worker_url: str

    def _text(self) -> str:
        return (
            f"The job is for {self.job_url}, and the worker uses the credentials {self.name!r} for {self.worker_url}: "
            "give the workers that base_url, or submit the job with the workers' one."
        )


@define(slots=False, eq=False, repr=False, kw_only=True)
class UnknownCredentialsError(GongError):
    """A worker has no credentials of that name, or cannot use them; no request was sent.

    Attributes:
        name: the credentials' name in the job.
        reason: why the worker cannot use them.
    """

    meaning = Meaning.RUN

    name: str
    reason: str = "no credentials of that name"

    def _text(self) -> str:
        return (
            f"A worker cannot use the credentials {self.name!r} ({self.reason}): give them to all workers of this "
            "company, then resume the job."
        )
