"""What can go wrong, and what to do then.

::

    GongError
    ├── TransportError              no answer came: refused, reset, timed out, cut short
    ├── APIError                    Gong answered no
    │   ├── BadRequestError             400
    │   ├── AuthenticationError         401: the credentials
    │   │   ├── MissingScopeError           they lack a scope
    │   │   └── InactiveCompanyError        the company is not active
    │   ├── AccessDeniedError           403
    │   ├── TaskNotFoundError           404
    │   ├── RateLimitError              429
    │   │   └── DailyQuotaError             the day is spent
    │   └── ServerError                 5xx
    ├── DecodeError                 a 2xx that cannot be read
    ├── CredentialsError            no credentials could be had: a refresh was refused, a vault or `save` failed
    ├── DeadlineExceeded            waiting would outlast the caller's timeout; also a TimeoutError
    ├── QuotaStoreError             the file with the day's count is not ours, or cannot be read or written
    ├── QuotaUnavailable            the Redis that holds the shared quota does not answer; nothing was sent
    ├── JournalError                a bulk job's journal is not this job's, in use, or cannot be read or written
    └── ClientStateError            the client is not open, closed, or of another event loop; also a RuntimeError

Errors carry facts and derive their text from them. All of them survive pickling and copying.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, TypeVar

from attrs import define, field

ErrorT = TypeVar("ErrorT", bound="GongError")


def _restored(kind: type[ErrorT], facts: dict[str, Any]) -> ErrorT:
    error = kind.__new__(kind)
    error.__dict__.update(facts)
    return error


def _attempts(count: int) -> str:
    return "1 attempt" if count == 1 else f"{count} attempts"


@define(slots=False, eq=False, repr=False, kw_only=True)
class GongError(Exception):
    """Anything that this library raises about a call; catch this to catch them all."""

    method: str = ""
    url: str = ""
    attempts: int = 0
    """How often the request was sent; 0 when it never left."""

    @property
    def request(self) -> str:
        """The request in words, such as ``PATCH https://api.gong.io/v2/tasks/7``."""
        return f"{self.method} {self.url}".strip() or "the call"

    def __str__(self) -> str:
        return f"{self.request} failed."

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self}>"

    def __reduce__(self) -> tuple[Callable[..., GongError], tuple[Any, ...]]:
        # The default would call the class with positional arguments; ours are keywords.
        return _restored, (type(self), self.__dict__.copy())


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
        return f"{self.request}: no answer after {_attempts(self.attempts)} ({self.reason}). {advice}"


@define(slots=False, eq=False, repr=False, kw_only=True)
class APIError(GongError):
    """Gong answered, and the answer is no.

    The classes below name the usual statuses. This one itself is raised for the rest, such as a redirect.
    """

    status: int
    errors: tuple[str, ...] = ()
    """Gong's own messages, or the title of a proxy's HTML page."""
    request_id: str | None = None
    """Gong's reference for this request: quote it to Gong's support."""
    trace_id: str | None = None
    """The reference of the proxy or the tracing in front of Gong, from the answer's headers."""
    headers: Mapping[str, str] = field(factory=dict)
    """The answer's headers, names in lower case, cookies left out."""
    retry_after: float | None = None
    """Seconds to wait before the next call, where the answer said so."""

    @property
    def advice(self) -> str:
        """What to do now."""
        if 300 <= self.status < 400:  # noqa: PLR2004 - HTTP's range of redirects
            return (
                f"Redirects are not followed, since they would lose the credentials or the method; "
                f"set base_url to your company's own address (Location: {self.headers.get('location', 'none')})."
            )
        return "Look the status up in Gong's reference."

    @property
    def references(self) -> str:
        """The ids to quote to support, in words."""
        named = (("request id", self.request_id), ("trace id", self.trace_id))
        return ", ".join(f"{name} {value}" for name, value in named if value)

    def __str__(self) -> str:
        said = "; ".join(self.errors) or "without a message"
        references = f" [{self.references}]" if self.references else ""
        tried = f" after {_attempts(self.attempts)}" if self.attempts > 1 else ""
        return f"{self.request}: answered {self.status}{tried}, {said}{references}. {self.advice}"


class BadRequestError(APIError):
    """400: Gong found the request malformed."""

    advice = "Gong found the request malformed: compare the values with its reference."


class AuthenticationError(APIError):
    """401: the credentials are wrong, expired, or of another company's host."""

    advice = (
        "Check the access key and secret or the token, and that base_url is your own company's "
        "(Gong: Company settings > Ecosystem > API)."
    )


@define(slots=False, eq=False, repr=False, kw_only=True)
class MissingScopeError(AuthenticationError):
    """401: the credentials are right, but lack a scope."""

    scope: str | None = None
    """The scope that is missing, such as ``api:tasks:write``."""

    @property
    def advice(self) -> str:  # type: ignore[override]  # a property where the parent has a plain text
        """What to do now."""
        return f"Give these credentials the scope {self.scope or 'named above'} in Gong, or use others that have it."


class InactiveCompanyError(AuthenticationError):
    """401: Gong says that the company is not active."""

    advice = "Gong treats the company as inactive: ask its Gong administrator."


class AccessDeniedError(APIError):
    """403: these credentials may not do this, or the host is another company's."""

    advice = "These credentials may not do this here: check base_url and the permissions in Gong."


class TaskNotFoundError(APIError):
    """404: Gong knows no such task of this user (PATCH), or found nothing at this address (POST, GET)."""

    @property
    def advice(self) -> str:
        """What to do now."""
        if self.method == "PATCH":
            return "Check the task id, and that user_id is the task's owner; it may have been deleted."
        if self.method == "GET":
            return "Check base_url: Gong has nothing at this address."
        return (
            "Check user_id and base_url. It is not known whether Gong answers so for a user without tasks: "
            "if yours does, build the client with missing_is_empty=True."
        )


@define(slots=False, eq=False, repr=False, kw_only=True)
class RateLimitError(APIError):
    """429: too many calls, and Gong asks for a longer wait than ``RetryPolicy.max_wait`` allows.

    ``attempts == 0`` means that this call was never sent: an earlier one had been told to wait, and the
    wait holds for everybody who shares the quota.
    """

    status: int = 429

    def as_daily(self, now: datetime) -> DailyQuotaError:
        """The same refusal, understood as the end of the day's calls."""
        resets_at = None if self.retry_after is None else now + timedelta(seconds=self.retry_after)
        return DailyQuotaError(**self.__dict__, resets_at=resets_at)

    @property
    def advice(self) -> str:
        """What to do now."""
        wait = "later" if self.retry_after is None else f"in {self.retry_after:,.0f} s"
        return f"Try again {wait}, or allow a longer wait with RetryPolicy(max_wait=...)."


@define(slots=False, eq=False, repr=False, kw_only=True)
class DailyQuotaError(RateLimitError):
    """The day's calls are spent, by our own count or by Gong's word."""

    resets_at: datetime | None = None
    """When calls are possible again, as far as is known."""

    @property
    def advice(self) -> str:
        """What to do now."""
        when = self.resets_at.isoformat(timespec="seconds") if self.resets_at else "the day has turned"
        return f"The day's calls are spent: go on after {when}. Gong raises the limit on request."


class ServerError(APIError):
    """5xx: Gong, or the proxy before it, failed."""

    @property
    def advice(self) -> str:
        """What to do now."""
        if self.status == 500:  # noqa: PLR2004 - the one status that also stands for a missing product
            return (
                "Try again later. Where every call is answered 500, the company may not have Gong Engage: "
                "both task calls then always fail so."
            )
        return "Try again later; Gong's status page may say more."


@define(slots=False, eq=False, repr=False, kw_only=True)
class DecodeError(GongError):
    """Gong answered 2xx with something that cannot be read. A change was most likely made all the same."""

    path: str
    """Where in the answer, in Gong's spelling: ``$.tasks[3].contact.data.emails``."""
    expected: str
    found: str
    """What stood there, shortened."""
    request_id: str | None = None

    def __str__(self) -> str:
        reference = f" [request id {self.request_id}]" if self.request_id else ""
        return (
            f"{self.request}: the answer cannot be read at {self.path}: expected {self.expected}, "
            f"found {self.found}{reference}. {self._advice}"
        )

    @property
    def _advice(self) -> str:
        if self.method == "PATCH":
            return "The change was most likely made: list the user's tasks to see."
        return "Gong may have changed its answers: please report this text."


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
