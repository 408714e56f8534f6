"""Responses that are not Gong's: a proxy, an edge, a login or maintenance page answered in its place."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import define, field

from gong_tasks_async.errors.base import GongError, counted_attempts
from gong_tasks_async.errors.meaning import Meaning, Retries


@define(slots=False, eq=False, repr=False, kw_only=True)
class ForeignResponseError(GongError):
    """The response lacks Gong's envelope, whatever its status: it is no verdict on the request.

    Gong's envelope is a JSON object with ``requestId``, ``errors`` or the call's own key, such as ``tasks``. A change
    may or may not have been made; sending it again is safe.

    Attributes:
        status: the response's HTTP status.
        responder: who most likely answered: ``Cloudflare``, ``a proxy (1.1 squid)``, ``a login page at
            sso.example.com``.
        title: the page's title or the beginning of its text, shortened.
        trace_id: the responder's reference, from the response's headers, such as Cloudflare's ``cf-ray``.
        headers: the response's headers, names in lower case, cookies left out.
        retry_after: seconds to wait before the next call, where the response has them.
    """

    meaning = Meaning.LATER

    status: int
    responder: str | None = None
    title: str = ""
    trace_id: str | None = None
    headers: Mapping[str, str] = field(factory=dict[str, str])
    retry_after: float | None = None

    @property
    def retries(self) -> Retries:
        """Twice in all: a maintenance page passes, a wrong address does not."""
        return Retries.TWICE

    @property
    def advice(self) -> str:
        """What to do now."""
        if self.responder == "Cloudflare":
            return (
                "Cloudflare, in front of Gong, blocked or could not forward the request: try again later; if it "
                "stays so, quote the trace id to Gong's support, with this machine's public address."
            )
        return (
            "Check base_url, and whatever stands between this machine and Gong: a proxy, a firewall, a login or "
            "maintenance page."
        )

    def _text(self) -> str:
        title = f", {self.title!r}" if self.title else ""
        trace = f" [trace id {self.trace_id}]" if self.trace_id else ""
        tried = f" after {counted_attempts(self.attempts)}" if self.attempts > 1 else ""
        return (
            f"{self.request}: answered {self.status}{tried}{title}{trace}, but not by Gong: most likely by "
            f"{self.responder or 'a proxy, or by another server than Gong'}. {self.advice}"
        )


@define(slots=False, eq=False, repr=False, kw_only=True)
class RedirectError(ForeignResponseError):
    """3xx: a redirect, which is never followed, since it would lose the credentials or the method.

    Attributes:
        location: where to, shortened, without its query.
    """

    meaning = Meaning.RUN

    location: str | None = None

    @property
    def retries(self) -> Retries:
        """Never: the address is wrong, or a login is asked for."""
        return Retries.NEVER

    @property
    def advice(self) -> str:
        """What to do now."""
        return (
            "Redirects are not followed, since they would lose the credentials or the method: sign in to the "
            f"network, or set base_url to your company's own address (Location: {self.location or 'none'})."
        )
