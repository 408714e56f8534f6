"""What Gong answered: no, or something that cannot be read."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from attrs import define, field

from gong_tasks_async.errors.base import GongError, counted_attempts


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
        tried = f" after {counted_attempts(self.attempts)}" if self.attempts > 1 else ""
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
