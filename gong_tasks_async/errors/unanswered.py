"""What went wrong on this side of the line, or on the way: no answer, no turn, no credentials, no file."""

from __future__ import annotations

from attrs import define

from gong_tasks_async.errors.base import GongError, counted_attempts


@define(slots=False, eq=False, repr=False, kw_only=True)
class TransportError(GongError):
    """No answer came: the connection was refused, reset, timed out, or the answer was cut short.

    A change that was under way may or may not have been made; sending it again is safe, since it sets
    absolute values.
    """

    reason: str
    retryable: bool = True
    """False where another try would end the same way, such as a certificate that is not trusted."""

    def __str__(self) -> str:
        advice = (
            "Check the network and Gong's status page, then send it again: that is safe."
            if self.retryable
            else "Trying again will not help: check base_url and the certificates of this machine."
        )
        return f"{self.request}: no answer after {counted_attempts(self.attempts)} ({self.reason}). {advice}"


@define(slots=False, eq=False, repr=False, kw_only=True)
class CredentialsError(GongError):
    """No credentials could be had: refreshing the token was refused, or your own vault or ``save`` failed."""

    reason: str
    advice: str

    def __str__(self) -> str:
        return f"{self.request}: no credentials to sign it with: {self.reason}. {self.advice}"


@define(slots=False, eq=False, repr=False, kw_only=True)
class DeadlineExceeded(GongError, TimeoutError):  # noqa: N818 - the established name for this, as in gRPC
    """The call cannot end, or has not ended, within the caller's timeout."""

    reason: str
    estimate: float | None = None
    """Seconds that waiting would have taken at the least, where that was foreseen."""

    def __str__(self) -> str:
        sent = (
            f"sent {self.attempts} times without a final answer"
            if self.attempts
            else "never sent: nothing was changed"
        )
        estimate = "" if self.estimate is None else f" (it would take {self.estimate:,.1f} s at least)"
        return (
            f"{self.request}: {self.reason}{estimate}; {sent}. Give it a longer timeout, or try again later."
        )


@define(slots=False, eq=False, repr=False, kw_only=True)
class QuotaStoreError(GongError):
    """The file that counts the day's calls is not ours, or cannot be read or written. No call was sent."""

    path: str
    reason: str

    def __str__(self) -> str:
        return (
            f"{self.request}: the day's count in {self.path}: {self.reason}. No call is sent that could not be "
            f"counted: mend the file or its disk, or name another with QuotaLimits(day_store=...)."
        )


@define(slots=False, eq=False, repr=False, kw_only=True)
class QuotaUnavailable(GongError):  # noqa: N818 - the name says a state, as DeadlineExceeded does
    """The Redis that holds the shared quota does not answer. No call was sent."""

    server: str
    """Where it is looked for, without user and password."""
    reason: str

    def __str__(self) -> str:
        return (
            f"{self.request}: the shared quota at {self.server} cannot be asked ({self.reason}). No call is sent "
            f"without it: check that Redis runs there and may be used, or go on alone with "
            f'RedisQuota(fail="local", local_share=...).'
        )


@define(slots=False, eq=False, repr=False, kw_only=True)
class JournalError(GongError):
    """The journal is not ours, of another job, in use, or cannot be read or written. What it recorded stands."""

    path: str
    reason: str

    def __str__(self) -> str:
        return f"The journal {self.path}: {self.reason}."


@define(slots=False, eq=False, repr=False, kw_only=True)
class ClientStateError(GongError, RuntimeError):
    """The client was used before ``async with``, after its close, or from another event loop."""

    reason: str

    def __str__(self) -> str:
        return self.reason
