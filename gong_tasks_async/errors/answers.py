"""Gong's own errors: it refused a request, or sent something that cannot be read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from attrs import define, field

from gong_tasks_async.errors.base import GongError, counted_attempts
from gong_tasks_async.errors.meaning import Meaning, Retries

INTERNAL_ERROR = 500
"""The one status that also stands for a missing product."""

TRANSIENT = frozenset({408, 425, *range(502, 505), *range(520, 531)})
"""Statuses that pass, from Gong or from a proxy; from 520 on they are Cloudflare's, while Gong is away for a moment."""


@define(slots=False, eq=False, repr=False, kw_only=True)
class APIError(GongError):
    """Gong refused the request.

    The classes below name the usual statuses. This one itself is raised for the rest, such as a 409, and for a
    2xx that holds ``errors`` and no result.

    Attributes:
        status: the response's; None for a call that was not sent, such as after the day was spent.
        errors: Gong's own messages, or the title of a proxy's HTML page; at most 10 of 300 characters.
        request_id: Gong's reference for this request: quote it to Gong's support.
        trace_id: the reference of Gong's tracing, or of the proxy in front of Gong, from the response's headers.
        headers: the response's headers, names in lower case, cookies left out.
        retry_after: seconds to wait before the next call, where the response has them.
        from_gong: False where the response lacks Gong's envelope: a proxy or an edge answered in its place.
        details: the other texts of Gong's envelope, such as ``userFacingError``, ``fixUrl`` and ``helpUrl``.
    """

    meaning = Meaning.ROW

    status: int | None
    errors: tuple[str, ...] = ()
    request_id: str | None = None
    trace_id: str | None = None
    headers: Mapping[str, str] = field(factory=dict[str, str])
    retry_after: float | None = None
    from_gong: bool = True
    details: Mapping[str, str] = field(factory=dict[str, str])

    _advice: ClassVar[str] = "Look the status up in Gong's reference."

    @property
    def advice(self) -> str:
        """What to do now."""
        return self._advice

    @property
    def references(self) -> str:
        """The ids to quote to support, in words."""
        # Gong sends one id twice, as the body's request id and as the header's trace id.
        trace_id = None if self.trace_id == self.request_id else self.trace_id
        named = (("request id", self.request_id), ("trace id", trace_id))
        return ", ".join(f"{name} {value}" for name, value in named if value)

    def _text(self) -> str:
        messages = "; ".join(self.errors) or "without a message"
        if self.status is None:
            return f"{self.request}: {messages}. {self.advice}"
        references = f" [{self.references}]" if self.references else ""
        tried = f" after {counted_attempts(self.attempts)}" if self.attempts > 1 else ""
        return f"{self.request}: answered {self.status}{tried}, {messages}{references}. {self.advice}"


class BadRequestError(APIError):
    """400: Gong found the request malformed."""

    meaning = Meaning.ROW
    _advice: ClassVar[str] = "Gong found the request malformed: compare the values with its reference."


class AuthenticationError(APIError):
    """401: the credentials are wrong, expired, or of another company's host."""

    meaning = Meaning.RUN
    _advice: ClassVar[str] = (
        "Check the access key and secret or the token, and that base_url is your own company's "
        "(Gong: Company settings > Ecosystem > API)."
    )


@define(slots=False, eq=False, repr=False, kw_only=True)
class MissingScopeError(AuthenticationError):
    """401: the credentials are right, but lack a scope.

    Attributes:
        scope: the scope that is missing, such as ``api:tasks:write``.
        for_look: whether tasks were to be listed only to see what became of them, for ``guard``, ``skip_unchanged`` or an
            undo.
    """

    meaning = Meaning.RUN

    scope: str | None = None
    for_look: bool = False

    @property
    def advice(self) -> str:
        """What to do now."""
        scope = self.scope or "named above"
        if self.for_look:
            return (
                f"Listing the tasks before they are updated takes the scope {scope}: give it to these credentials in "
                "Gong, or update without a look (guard=False, skip_unchanged=False), which overwrites what was changed "
                "meanwhile."
            )
        return f"Give these credentials the scope {scope} in Gong, or use others that have it."


class InactiveCompanyError(AuthenticationError):
    """401: Gong treats the company as inactive."""

    meaning = Meaning.RUN
    _advice: ClassVar[str] = "Gong treats the company as inactive: ask its Gong administrator."


class AccessDeniedError(APIError):
    """403: these credentials may not do this, this machine's address is not trusted, or the host is another company's."""

    meaning = Meaning.RUN_UNTIL_SUCCESS
    _advice: ClassVar[str] = (
        "These credentials may not do this here: check base_url, the permissions in Gong, and whether the key "
        "is limited to trusted addresses."
    )


class TaskNotFoundError(APIError):
    """404: Gong knows no such task of this user (PATCH), or found nothing at this address (POST, GET)."""

    meaning = Meaning.ROW

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


class ServerError(APIError):
    """5xx, 408 or 425: Gong, or the proxy in front of it, failed for the moment."""

    meaning = Meaning.LATER

    @property
    def retries(self) -> Retries:
        """A little on 500, by policy where the status is one that passes."""
        if self.status == INTERNAL_ERROR:
            return Retries.FEW
        return Retries.POLICY if self.status in TRANSIENT else Retries.NEVER

    @property
    def advice(self) -> str:
        """What to do now."""
        if self.status == INTERNAL_ERROR:
            return (
                "Try again later. Where every call is answered 500, the company may not have Gong Engage: "
                "both task calls then always fail so."
            )
        return "Try again later; Gong's status page may say more."


@define(slots=False, eq=False, repr=False, kw_only=True)
class DecodeError(GongError):
    """Gong answered 2xx, in its envelope, with something that cannot be read. A change was made all the same.

    Attributes:
        path: where in the response, in Gong's spelling: ``$.tasks[3].contact.data.emails``.
        expected: what Gong's reference promises there.
        found: what stood there, shortened.
        request_id: Gong's reference for the request: quote it to Gong's support.
    """

    meaning = Meaning.ROW

    path: str
    expected: str
    found: str
    request_id: str | None = None

    def _text(self) -> str:
        reference = f" [request id {self.request_id}]" if self.request_id else ""
        return (
            f"{self.request}: the response cannot be read at {self.path}: expected {self.expected}, "
            f"found {self.found}{reference}. {self.advice}"
        )

    @property
    def advice(self) -> str:
        """What to do now."""
        if self.method == "PATCH":
            return "Gong confirmed the change, so it was made: list the user's tasks to see it."
        return "Gong may have changed its responses: please report this text."


@define(slots=False, eq=False, repr=False, kw_only=True)
class UpdateMismatchError(GongError):
    """Gong answered 2xx to an update with another task, or the task in another state than was asked for.

    Either the response belongs to another request, or Gong ignored the change. It is not known whether it was made.

    Attributes:
        expected: what was asked for, such as ``task 7 with status DONE``.
        found: what the response holds instead.
        request_id: Gong's reference for the request: quote it to Gong's support.
    """

    meaning = Meaning.LATER

    expected: str
    found: str
    request_id: str | None = None

    def _text(self) -> str:
        reference = f" [request id {self.request_id}]" if self.request_id else ""
        return (
            f"{self.request}: the response does not match the update: expected {self.expected}, found "
            f"{self.found}{reference}. List the user's tasks to see whether it was made; sending it again is safe."
        )
