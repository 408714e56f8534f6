"""What went wrong on this machine: no credentials, no time, no quota, no file."""

from __future__ import annotations

from attrs import define

from gong_tasks_async.errors.base import GongError
from gong_tasks_async.errors.meaning import Meaning


@define(slots=False, eq=False, repr=False, kw_only=True)
class CredentialsError(GongError):
    """No credentials could be had: refreshing the token was refused, or your own vault or ``save`` failed.

    Attributes:
        reason: what failed: a refresh, the vault, or ``save``.
        advice: what to do now.
        unsaved: whether new tokens were had, and ``save`` failed.
    """

    meaning = Meaning.RUN

    reason: str
    advice: str
    unsaved: bool = False

    def _text(self) -> str:
        return f"{self.request}: no valid credentials: {self.reason}. {self.advice}"


@define(slots=False, eq=False, repr=False, kw_only=True)
class DeadlineExceeded(GongError, TimeoutError):  # noqa: N818 - the established name for this, as in gRPC
    """The call cannot end, or has not ended, within the caller's timeout.

    Attributes:
        reason: what would take too long, or took too long.
        estimate: seconds that waiting would have taken at the least, where that was foreseen.
    """

    meaning = Meaning.LATER

    reason: str
    estimate: float | None = None

    def _text(self) -> str:
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
    """The file that counts the day's calls is not ours, or cannot be read or written. No call was sent.

    Attributes:
        path: the file with the day's count.
        reason: what is wrong with it.
    """

    meaning = Meaning.RUN

    path: str
    reason: str

    def _text(self) -> str:
        return (
            f"{self.request}: the day's count in {self.path}: {self.reason}. No call is sent that could not be "
            f"counted: repair the file or its disk, or name another with QuotaLimits(day_store=...)."
        )


@define(slots=False, eq=False, repr=False, kw_only=True)
class QuotaUnavailable(GongError):  # noqa: N818 - the name is a state, as DeadlineExceeded is
    """The Redis that holds the shared quota does not answer. No call was sent.

    Attributes:
        server: where it is looked for, without user and password.
        reason: how the connection to it failed.
    """

    meaning = Meaning.PAUSE

    server: str
    reason: str

    def _text(self) -> str:
        return (
            f"{self.request}: the shared quota at {self.server} cannot be asked ({self.reason}). No call is sent "
            f"without it: check that Redis runs there and may be used, or continue without it with "
            f'RedisQuota(fail="local", local_share=...).'
        )


@define(slots=False, eq=False, repr=False, kw_only=True)
class JournalError(GongError):
    """The journal is not ours, of another job, in use, or cannot be read or written. What it recorded stands.

    Attributes:
        path: the journal's file.
        reason: what is wrong with it.
    """

    meaning = Meaning.RUN

    path: str
    reason: str

    def _text(self) -> str:
        return f"The journal {self.path}: {self.reason}."


@define(slots=False, eq=False, repr=False, kw_only=True)
class ClientStateError(GongError, RuntimeError):
    """The client was used before ``async with``, after its close, or from another event loop.

    Attributes:
        reason: what is wrong with the client's state, with the way out.
    """

    meaning = Meaning.RUN

    reason: str

    def _text(self) -> str:
        return self.reason
