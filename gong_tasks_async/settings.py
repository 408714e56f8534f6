"""How a client can be set up: its keywords, its options, its environment."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from pathlib import Path
from typing import TypeAlias, TypedDict, TypeGuard

from attrs import frozen

from gong_tasks_async.auth.oauth import OAuthToken
from gong_tasks_async.auth.renewal import CallableSource, CredentialSource, Supplier
from gong_tasks_async.credentials import AccessKey, BearerToken, Credentials
from gong_tasks_async.errors.checks import kind_problem, refuse, seconds_problem
from gong_tasks_async.errors.kinds import is_hashable
from gong_tasks_async.events import Event
from gong_tasks_async.http.retry import RetryPolicy
from gong_tasks_async.http.transport import Session
from gong_tasks_async.quota import Lane, Quota, QuotaLimits

AnyCredentials: TypeAlias = Credentials | OAuthToken | Supplier
"""Those that last, those that refresh themselves, or a function (plain or async) that knows them."""

Headers: TypeAlias = Mapping[str, str] | Callable[[], Mapping[str, str]]
"""Further headers of each request, or a function that gives them before each, such as those that carry a trace."""

DEFAULT_BASE_URL = "https://api.gong.io"

MAX_RESPONSE_BYTES = 256 * 2**20
"""Ten times an answer of 10,000 full tasks."""


class ClientSettings(TypedDict, total=False):
    """The keywords of :class:`GongTasksClient`, for :meth:`GongTasksClient.from_env`."""

    credentials: AnyCredentials
    base_url: str
    limits: QuotaLimits
    retry: RetryPolicy
    quota: Quota | None
    session: Session | None
    on_event: Callable[[Event], None] | None
    max_response_bytes: int
    missing_is_empty: bool
    strict: bool
    proxy: str | None
    ca_bundle: Path | str | None
    max_header_bytes: int
    app_name: str | None
    headers: Headers | None


@frozen
class Options:
    """What :meth:`GongTasksClient.with_options` changes."""

    retry: RetryPolicy
    lane: Lane | None = None
    timeout: float | None = None

    def replace(self, lane: Lane | None, timeout: float | None, retry: RetryPolicy | None) -> Options:
        """The same with what is given; what is None stays as it is.

        Raises:
            InvalidValueError: the timeout is not more than 0, or one of them is of another type.
        """
        problems = [
            kind_problem("lane", lane, Lane, "a Lane such as Lane.BULK", or_none=True),
            seconds_problem("timeout", timeout, or_none=True),
            kind_problem("retry", retry, RetryPolicy, "a RetryPolicy", or_none=True),
        ]
        refuse("with_options", problems)
        return Options(retry or self.retry, lane or self.lane, timeout or self.timeout)


class BulkSettings(TypedDict, total=False):
    """The keywords that all bulk methods of :class:`GongTasksClient` share.

    ``workers`` (8): updates in flight at once. ``stop_after`` (5): rows in a row without a final response that end
    the run. ``stop_after_refusals`` (25): rows in a row refused for one reason, with no success between, that end the
    run; they stay pending, and fewer than that are recorded as failed at its end. After ``kill -9``, that many rows may
    be sent again. ``accept_refusals`` (False): record every refusal as failed at once. ``outage_timeout`` (300):
    seconds for which the run waits while no connection can be made (45 at most before its first response). ``grace`` (5 with a journal, 0 without): seconds
    that a cancelled run gives to the requests in flight. ``wait_for_day`` (False): sleep when the day's calls are
    spent, then resume.
    """

    workers: int
    stop_after: int
    stop_after_refusals: int
    accept_refusals: bool
    outage_timeout: float
    grace: float | None
    wait_for_day: bool


def header_source(headers: Headers | None) -> Callable[[], Mapping[str, str]] | None:
    """The function that gives the further headers of each attempt; None where there are none."""
    if headers is None or callable(headers):
        return headers
    fixed = dict(headers)
    return lambda: fixed


def credential_source(credentials: AnyCredentials) -> CredentialSource | None:
    """Where credentials come from that do not last; None for those that do."""
    if isinstance(credentials, OAuthToken):
        return credentials
    return CallableSource(credentials) if callable(credentials) and not _signs(credentials) else None


def static_credentials(credentials: AnyCredentials) -> Credentials | None:
    """Credentials that need no source; None for those that do."""
    return credentials if _signs(credentials) else None


def identity_of(credentials: AnyCredentials) -> Hashable:
    """What is the same for two clients of one account; not to be shown."""
    if isinstance(credentials, OAuthToken):
        return credentials.identity
    if _signs(credentials):
        return credentials.authorization
    return credentials if is_hashable(credentials) else id(credentials)


def _signs(credentials: AnyCredentials) -> TypeGuard[Credentials]:
    """Whether they sign requests themselves; some that do can also be called, for other libraries."""
    return not isinstance(credentials, OAuthToken) and (
        not callable(credentials) or hasattr(credentials, "authorization")
    )


def credentials_from(environment: Mapping[str, str]) -> Credentials:
    """The credentials that the environment names.

    Raises:
        ValueError: there are none, half of them, or two kinds.
    """
    key, secret, token = (
        environment.get(name, "").strip()
        for name in ("GONG_ACCESS_KEY", "GONG_ACCESS_KEY_SECRET", "GONG_ACCESS_TOKEN")
    )
    if token and (key or secret):
        raise ValueError(
            "set either GONG_ACCESS_TOKEN, or GONG_ACCESS_KEY and GONG_ACCESS_KEY_SECRET, not both"
        )
    if token:
        return BearerToken(token)
    if key and secret:
        return AccessKey(key, secret)
    raise ValueError(
        "set GONG_ACCESS_KEY and GONG_ACCESS_KEY_SECRET, or GONG_ACCESS_TOKEN, in the environment"
    )
